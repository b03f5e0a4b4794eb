"""EEG files that MNE reads, opened as an MNE Raw."""

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurofuse.io.errors import ReadError
from neurofuse.io.formats.detect import find_format
from neurofuse.io.formats.edf import start_fraction
from neurofuse.io.integrity.file import check_announced
from neurofuse.io.logs import reading

if TYPE_CHECKING:
    import mne

LETTER = re.compile(r"&#(\d{3,6});")


def read_eeg_raw(path: str | Path) -> "mne.io.BaseRaw":
    """Open an EEG file (EDF, BDF, BrainVision .vhdr, FIF or EEGLAB .set) through MNE.

    Parameters
    ----------
    path : path
        The file. Samples are read when they are first asked for.

    Returns
    -------
    mne.io.Raw

    Raises
    ------
    ReadError
        If the file is missing, cut off, empty, of another kind, or not readable.

    Examples
    --------
    >>> read_eeg_raw("absent.edf")
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found no file absent.edf; wanted an EEG file: EDF, BDF, \
BrainVision (.vhdr), FIF or EEGLAB (.set); check the path
    """
    path = Path(path)
    kind = find_format(path, "eeg")
    import mne

    readers = {
        "EDF": mne.io.read_raw_edf,
        "BDF": mne.io.read_raw_bdf,
        "BrainVision": mne.io.read_raw_brainvision,
        "FIF": functools.partial(mne.io.read_raw_fif, allow_maxshield=True),
        "EEGLAB": mne.io.read_raw_eeglab,
    }
    with reading(path, f"a whole {kind} file"):
        raw = readers[kind](path, preload=False)
        check_announced(raw, path)
        _restore(raw, path, kind)
    if raw.n_times < 1:
        raise ReadError(f"{path} without samples", "at least one sample", "export it again")
    return raw


def _restore(raw: "mne.io.BaseRaw", path: Path, kind: str) -> None:
    """What files tell and MNE does not: fractions of a second, letters beyond Latin ones."""
    from datetime import timedelta

    if kind in ("EDF", "BDF") and raw.info["meas_date"] is not None:
        fraction = timedelta(seconds=start_fraction(path))
        if fraction:
            raw.set_meas_date(raw.info["meas_date"] + fraction)
    elif kind == "FIF":  # MNE writes such letters as "&#937;"
        texts = [LETTER.sub(_letter, text) for text in raw.annotations.description]
        raw.annotations.description = np.array(texts, dtype=str)


def _letter(match: re.Match) -> str:
    number = int(match[1])
    return match[0] if 0xD800 <= number < 0xE000 else chr(number)
