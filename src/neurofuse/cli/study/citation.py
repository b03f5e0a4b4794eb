"""What a study's authors can put into their Methods: CITATION.md and CITATION.bib in the logs."""

from pathlib import Path

from neurofuse.cli.study.tasks import LOGS, Settings
from neurofuse.io.modality import MODALITIES

TEXT, ENTRIES = "CITATION.md", "CITATION.bib"
DEFAULT = ("joint", *MODALITIES)  # the methods among which the default is chosen
WORDS = {  # of the options that change results
    "uncertainty": "the standard deviation of each cleaned sample's error was estimated",
    "explain": "why stretches were taken for movement was explained in the reports",
}


def write_citation(out: Path, settings: Settings) -> tuple[Path, Path]:
    """Write a paragraph for a Methods section, and the entries of the works that it cites.

    The same settings and versions give the same bytes.

    Parameters
    ----------
    out : Path
        The derivative data set; the files go into its folder of logs.
    settings : Settings
        How the recordings are cleaned.

    Returns
    -------
    Path, Path
        CITATION.md and CITATION.bib.

    Raises
    ------
    WriteError
        If they cannot be written.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> out = Path(mkdtemp())
    >>> text, entries = write_citation(out, Settings(out, method="tddr"))
    >>> "cleaned with “tddr”" in text.read_text("utf-8")
    True
    >>> "@article{fishburn2019," in entries.read_text("utf-8")
    True
    """
    from neurofuse.fusion.report.citations import bibtex, reference
    from neurofuse.io.staging import staged

    entries = bibtex(_works(settings))
    works = sorted((reference(one) for one in entries.split("\n\n")), key=str.casefold)
    text = "\n".join(
        [
            "# Methods",
            "",
            "Copy this text into your paper, and add what your study did besides.",
            "",
            paragraph(settings),
            "",
            "## References",
            "",
            *(f"- {line}" for line in works),
        ]
    )
    with staged(out / LOGS, [TEXT, ENTRIES], overwrite=True) as stage:
        for name, content in ((TEXT, text), (ENTRIES, entries)):
            (stage / name).write_text(content + "\n", encoding="utf-8", newline="\n")
    return out / LOGS / TEXT, out / LOGS / ENTRIES


def paragraph(settings: Settings) -> str:
    """How the recordings of a study are cleaned, in sentences.

    Examples
    --------
    >>> paragraph(Settings(Path("out"))).split(". ")[2]
    'Channels without a usable signal were marked bad and left out'
    """
    from neurofuse.fusion.views.cleaning_text import versions

    installed = dict(versions())
    lines = [
        "Recordings were processed with neurofuse "
        f"{installed.get('neurofuse', '')} (on MNE-Python {installed.get('mne', '')}, Gramfort et "
        f"al. 2013, xarray {installed.get('xarray', '')}, Hoyer and Hamman 2017, and Python "
        f"{installed['Python']}).",
        "Channels without a usable signal were marked bad and left out.",
        _cleaning(settings.method),
    ]
    if settings.self_test:
        lines.append(
            "How large the errors of this and other methods are was measured in each recording by "
            "moving its own movements into its own quiet stretches."
        )
    lines += [f"{words[0].upper()}{words[1:]}." for words in _options(settings)]
    lines.append(
        "What measured nothing of the participant was called lost and left as recorded. Optode "
        "contact was assessed by the scalp coupling index (Pollonini et al. 2014), motion common "
        "to all fNIRS channels by the global variance of temporal derivatives (Sherafati et al. "
        "2020). Haemoglobin, where shown, follows the modified Beer-Lambert law (Delpy et al. "
        "1988) as in MNE-NIRS (Luke et al. 2021)."
    )
    return " ".join(lines)


def _cleaning(method: str | None) -> str:
    from neurofuse.fusion.report.methods import FILTER

    if method is not None and method not in DEFAULT:
        # of weights the name of the file, which does not tell where they lie
        return f"Motion artifacts were cleaned with “{Path(method).name}”{_paper(method)}."
    if method in MODALITIES:
        modality = MODALITIES[method]
        return (
            f"Motion artifacts were removed from {modality.display} alone: a neural network "
            f"estimates when each channel contains artifact; {FILTER[method]}."
        )
    eeg, nirs = FILTER["eeg"], FILTER["nirs"]
    return (
        "Motion artifacts were removed from EEG and fNIRS jointly: from both modalities a neural "
        f"network estimates when each channel contains artifact; {eeg}; {nirs}. Recordings with "
        "one modality were cleaned by the network of that modality."
    )


def _paper(method: str) -> str:
    """The citation of a method of the literature in brackets; "" for one that has none."""
    from neurofuse.fusion.methods.registry import get_method, names

    if method not in names():
        return ""
    citation = get_method(method).citation.rstrip(".")
    return f" ({citation})" if citation else ""


def _options(settings: Settings) -> list[str]:
    return [words for name, words in WORDS.items() if settings.clean.get(name)]


def _works(settings: Settings) -> list[str]:
    """BibTeX keys: the software, and the works behind the method in any modality it may meet."""
    from neurofuse.fusion.report.citations import METHOD, MODALITY, SOFTWARE

    own = DEFAULT if settings.method is None else (settings.method,)
    works = [*SOFTWARE, *(key for keys in MODALITY.values() for key in keys)]
    works += [key for method in own for key in METHOD.get(method, ())]
    return list(dict.fromkeys(works))
