"""Whom to cite: the papers behind what a page shows, as text and as BibTeX to copy."""

import re
from functools import cache
from html import escape
from importlib.resources import files

import xarray as xr

from neurofuse.fusion.changes import View
from neurofuse.fusion.summary import versions
from neurofuse.io.recording import provenance

SOFTWARE = ("neurofuse", "gramfort2013", "hoyer2017")
STREAM = {
    "eeg": (),
    "nirs": ("luke2021", "sherafati2020", "pollonini2014", "delpy1988"),
}
METHOD = {
    "joint": ("somers2018",),
    "eeg": ("somers2018",),
    "asr": ("mullen2015",),
    "ica": ("ablin2018",),
    "tddr": ("fishburn2019",),
    "wavelet": ("molavi2012",),
    "spline": ("scholkmann2010",),
    "tpca": ("yucel2014",),
    "cbsi": ("cui2010",),
    "wiener": ("somers2018",),
    "iclabel": ("ablin2018", "pion2019"),
}


def keys(recording: xr.DataTree, found: list[View], comparison: xr.Dataset | None) -> list[str]:
    """BibTeX keys of what a page of `recording` (the cleaned one) rests on.

    Examples
    --------
    >>> from neurofuse.fusion.changes import views
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> import numpy as np
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> keys(recording, views(recording), None)
    ['neurofuse', 'gramfort2013', 'hoyer2017', 'welch1967']
    """
    methods = {str(step.get("parameters", {}).get("model", "")) for step in provenance(recording)}
    methods |= {str(step.get("step")) for step in provenance(recording)}
    if comparison is not None:
        methods |= {str(name) for name in comparison.method.values}
    named = [*SOFTWARE, "welch1967"]
    named += [key for view in found for key in STREAM[view.stream]]
    named += [key for method, of in METHOD.items() if method in methods for key in of]
    return list(dict.fromkeys(named))


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


def citations_block(named: list[str]) -> str:
    """HTML: the entries, with a button to copy them."""
    return (
        f"<h3>References</h3><details><summary>BibTeX of the {len(named)} works behind this page "
        '</summary><pre id="bibtex" class="paper" tabindex="0">'
        f"{escape(bibtex(named))}</pre></details>"
        '<p><button type="button" data-copy="bibtex">Copy BibTeX</button> '
        '<button type="button" data-copy="methods">Copy Methods paragraph</button></p>'
    )
