"""FIF files whose annotations have impossible times, over which MNE stumbles."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io.logs import LOG

if TYPE_CHECKING:
    import mne

ONE_AT_A_TIME = threading.RLock()


def read_fif(path: str | Path, preload: bool = False) -> "mne.io.BaseRaw":
    """Open a FIF file, Maxshield data too; one impossible annotation does not cost the others.

    Durations that are negative or infinite become 0, annotations whose onset is no finite number
    are left out: each with a warning.
    """
    import mne
    from mne.io.fiff import raw as reader

    with ONE_AT_A_TIME:
        load = reader._read_annotations_fif

        def loaded(*args: Any) -> "mne.Annotations | None":
            marks = load(*args)
            if marks is not None:
                _correct(marks, path)
            return marks

        reader._read_annotations_fif = loaded
        try:
            return mne.io.read_raw_fif(path, allow_maxshield=True, preload=preload)
        finally:
            reader._read_annotations_fif = load


def _correct(marks: "mne.Annotations", path: str | Path) -> None:
    timeless = np.flatnonzero(~np.isfinite(marks.onset))
    if timeless.size:
        LOG.warning("%s: %d annotations without a time are left out", path, timeless.size)
        marks.delete(timeless)
    endless = (marks.duration < 0) | np.isinf(marks.duration)  # NaN: none, 0 to MNE
    if endless.any():
        LOG.warning(
            "%s: %d annotations of negative or endless duration (first: %s): taken as 0 s long",
            path,
            endless.sum(),
            marks.description[endless][0],
        )
        marks.duration[endless] = 0.0
