"""What to cite: the papers behind what a page shows, as text and as BibTeX to copy."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import xarray as xr

from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.cleaning_text import versions
from neurofuse.io.recording import provenance

SOFTWARE = ("neurofuse", "gramfort2013", "hoyer2017")
MODALITY: dict[str, tuple[str, ...]] = {
    "eeg": (),
    "nirs": ("luke2021", "sherafati2020", "pollonini2014", "delpy1988"),
}
METHOD: dict[str, tuple[str, ...]] = {
    "joint": ("somers2018", "uhlenbeck1930"),
    "eeg": ("somers2018",),
    "nirs": ("uhlenbeck1930",),
    "asr": ("mullen2015", "chang2020"),
    "ica": ("hyvarinen1999", "delorme2007"),
    "tddr": ("fishburn2019",),
    "wavelet": ("molavi2012",),
    "spline": ("scholkmann2010",),
    "tpca": ("yucel2014",),
    "cbsi": ("cui2010",),
    "spline_sg": ("jahani2018",),
    "short": ("saager2005",),
    "pca": ("lagerlund1997", "yucel2014"),
    "wiener": ("somers2018",),
    "regression": ("gratton1983", "croft2000"),
    "linear": ("golub1979",),
    "tcca": ("vonluhmann2020",),
    "iclabel": ("ablin2018", "pion2019"),
    "cnn": ("zhang2021",),
    "unet": ("ronneberger2015", "chuang2022"),
    "cnn_lstm": ("gao2023",),
    "dae": ("gao2022",),
    "vae": ("kingma2014",),
    "gan": ("sawangjai2022",),
    "transformer": ("pu2022",),
}
ACCENTS = {'"': "\N{COMBINING DIAERESIS}", "'": "\N{COMBINING ACUTE ACCENT}"}
ACCENTS |= {"c": "\N{COMBINING CEDILLA}"}
AUTHORS = 3  # before "et al."


def keys(recording: xr.DataTree, views: Sequence[View], comparison: xr.Dataset | None) -> list[str]:
    """BibTeX keys of what a page of `recording` (the cleaned one) rests on.

    Examples
    --------
    >>> from neurofuse.fusion.views.before_after import views_of
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> import numpy as np
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> keys(recording, views_of(recording), None)
    ['neurofuse', 'gramfort2013', 'hoyer2017', 'welch1967']
    """
    methods = {method_of(step) for step in provenance(recording)}
    methods |= {str(step.get("step")) for step in provenance(recording)}
    if comparison is not None:
        methods |= {str(name) for name in comparison.method.values}
    works = [*SOFTWARE, "welch1967"]
    works += [key for view in views for key in MODALITY[view.stream]]
    works += [key for method, of in METHOD.items() if method in methods for key in of]
    return list(dict.fromkeys(works))


def method_of(step: Mapping[str, Any]) -> str:
    """The method of a step of the provenance; files of older releases call it `model`."""
    parameters = step.get("parameters") or {}
    return str(parameters.get("method", parameters.get("model", "")))


@cache
def library() -> dict[str, str]:
    """All entries by key."""
    text = files("neurofuse.fusion.report").joinpath("references.bib").read_text("utf-8")
    entries = re.split(r"\n\n(?=@)", text.strip())
    return {re.match(r"@\w+\{(\w+),", entry)[1]: entry for entry in entries}  # type: ignore


def bibtex(named: list[str]) -> str:
    """Entries of some keys, in their order."""
    number = dict(versions()).get("neurofuse", "")
    return "\n\n".join(library()[key].replace("VERSION", number) for key in named)


def plain(text: str) -> str:
    """A value of BibTeX without TeX.

    Examples
    --------
    >>> plain(r"Y{\\"u}cel and {EEG}, 70--73")
    'Yücel and EEG, 70–73'
    """
    accented = re.sub(r"\{\\(\W|c )(\w)\}", lambda m: m[2] + ACCENTS[m[1].strip()], text)
    bare = accented.replace("{", "").replace("}", "").replace("--", "–")
    return unicodedata.normalize("NFC", bare)


def reference(entry: str) -> str:
    """An entry as a line of a list of references.

    Examples
    --------
    >>> reference(library()["hoyer2017"])[:60]
    'Hoyer S., Hamman J. (2017). xarray: N-D labeled arrays and d'
    """
    fields = {k: plain(v) for k, v in re.findall(r"^  (\w+) = \{(.*)\},?$", entry, re.MULTILINE)}
    authors = []
    for author in fields["author"].split(" and ")[:AUTHORS]:
        last, _, first = author.partition(", ")
        authors.append(" ".join([last, *(f"{name[0]}." for name in first.split())]))
    if fields["author"].count(" and ") >= AUTHORS:
        authors.append("et al.")
    parts = [f"{', '.join(authors)} ({fields.get('year', 'n.d.')}). {fields['title']}."]
    where = [fields.get(name, "") for name in ("journal", "booktitle", "volume", "pages")]
    parts += [", ".join(part for part in where if part) + "."] if any(where) else []
    parts += [f"Version {fields['version']}."] if "version" in fields else []
    parts += [f"arXiv:{fields['eprint']}"] if "eprint" in fields else []
    parts += [f"doi:{fields['doi']}"] if "doi" in fields else []
    return " ".join(parts)


def citations_block(named: list[str]) -> str:
    """HTML: the works as a list, and as entries with a button to copy them."""
    lines = [reference(entry) for entry in bibtex(named).split("\n\n")]
    listed = "".join(f"<li>{escape(line)}</li>" for line in sorted(lines, key=str.casefold))
    return (
        f'<h3>References</h3><ul class="references">{listed}</ul>'
        f"<details><summary>BibTeX of the {len(named)} works behind this page"
        '</summary><pre id="bibtex" class="paper" tabindex="0">'
        f"{escape(bibtex(named))}</pre></details>"
        '<p><button type="button" data-copy="bibtex">Copy BibTeX</button> '
        '<button type="button" data-copy="methods">Copy Methods paragraph</button></p>'
    )
