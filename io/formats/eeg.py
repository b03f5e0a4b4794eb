"""EEG files that MNE reads, opened as an MNE Raw."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurofuse.io.detect.format import find_format
from neurofuse.io.errors import ReadError
from neurofuse.io.formats.brainvision_header import read_brainvision
from neurofuse.io.formats.edf import start_of_samples
from neurofuse.io.formats.eeglab import read_eeglab
from neurofuse.io.formats.fif import read_fif
from neurofuse.io.formats.pauses import count_pauses
from neurofuse.io.integrity.file import check_announced
from neurofuse.io.logs import reading
from neurofuse.io.modality import EEG

if TYPE_CHECKING:
    import mne

LETTER = re.compile(r"&#(\d{3,6});")


def read_eeg_raw(path: str | Path) -> "mne.io.BaseRaw":
    """Open an EEG file (EDF, BDF, BrainVision .vhdr, FIF or EEGLAB .set) through MNE.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    mne.io.Raw
        Samples (channel, time) [V] are read when they are first asked for. Its date has the
        fraction of a second that EDF+ and BDF+ store, which MNE leaves out. Pauses whose length
        the file knows take their time: they are interpolated and annotated BAD_gap.

    Raises
    ------
    ReadError
        If the file is missing, cut off, empty, of another format, or not readable.

    Examples
    --------
    >>> import tempfile
    >>> from neurofuse.io import build, eeg_dataset, write_eeg
    >>> recording = build(eeg_dataset(np.zeros((2, 500)), 250.0, ["C3", "C4"]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_eeg_raw(write_eeg(recording, f"{folder}/a.edf")).ch_names
    ['C3', 'C4']
    """
    path = Path(path)
    kind = find_format(path, EEG.name)
    import mne

    readers = {
        "EDF": mne.io.read_raw_edf,
        "BDF": mne.io.read_raw_bdf,
        "BrainVision": read_brainvision,
        "FIF": read_fif,
        "EEGLAB": read_eeglab,
    }
    with reading(path, f"a whole {kind} file"):
        raw = readers[kind](path, preload=False)
        check_announced(raw, path)
        if kind in ("EDF", "BDF"):
            _scale_triggers(raw)
        _restore(raw, path, kind)
        if raw.n_times < 1:
            raise ReadError(f"{path} without samples", "at least one sample", "export it again")
        raw = count_pauses(raw, path, kind)
    return raw


def _restore(raw: "mne.io.BaseRaw", path: Path, kind: str) -> None:
    """What files store and MNE leaves out: fractions of a second, letters beyond Latin ones."""
    from datetime import timedelta

    if kind in ("EDF", "BDF") and raw.info["meas_date"] is not None:
        later = timedelta(seconds=start_of_samples(path))
        if later:
            raw.set_meas_date(raw.info["meas_date"] + later)
    elif kind == "FIF":  # MNE writes such letters as "&#937;"
        texts = [LETTER.sub(_letter, text) for text in raw.annotations.description]
        raw.annotations.description = np.array(texts, dtype=str)


def _scale_triggers(raw: "mne.io.BaseRaw") -> None:
    """Read codes that were stored over the whole range of digital values as what they stand for.

    MNE takes the digital values of a BDF file, as BioSemi means them, and rounds down those of an
    EDF file. Codes are never negative: where the digital range is and the physical one is not,
    the physical values are the codes.
    """
    extras = raw._raw_extras[0]
    for row in extras["stim_channel_idxs"]:
        low, high = extras["physical_min"][row], extras["physical_max"][row]
        first, last = extras["digital_min"][row], extras["digital_max"][row]
        if low >= 0 > first and high > low:
            extras["cal"][row] = (high - low) / (last - first)
            extras["offsets"][row] = low - first * extras["cal"][row] + 0.5  # MNE rounds down


def _letter(match: re.Match) -> str:
    number = int(match[1])
    return match[0] if 0xD800 <= number < 0xE000 else chr(number)
