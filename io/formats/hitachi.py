"""Hitachi ETG exports (CSV) → an MNE Raw of light intensity."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurofuse.io.errors import ReadError
from neurofuse.io.logs import reading

if TYPE_CHECKING:
    import mne

WANTED = "a whole Hitachi ETG export of raw light (CSV, mode Continuous)"


def read_hitachi_raw(path: str | Path) -> "mne.io.BaseRaw":
    """The light of a Hitachi CSV file, read through MNE; its marks become annotations.

    The file has no positions. A device with several probes writes one file for each.

    Raises
    ------
    ReadError
        If the file is damaged or holds something else.
    """
    import mne

    with reading(path, WANTED):
        raw = mne.io.read_raw_hitachi(str(path), preload=True)
        types = raw.get_channel_types()
        light = [n for n, t in zip(raw.ch_names, types, strict=True) if t == "fnirs_cw_amplitude"]
        if not light or raw.n_times < 2:
            raise ReadError(f"{path} without samples of light", WANTED, "export it again")
        if raw.info["meas_date"] == datetime(2000, 1, 1, tzinfo=UTC):  # MNE's for an unknown one
            raw.set_meas_date(None)
        if "Mark" in raw.ch_names:
            marks = np.asarray(raw.get_data(picks="Mark"))[0]
            at = np.flatnonzero(np.diff(marks, prepend=0.0) * (marks != 0))
            raw.set_annotations(
                mne.Annotations(
                    raw.times[at], 0.0, [f"{m:g}" for m in marks[at]], raw.info["meas_date"]
                )
            )
        return raw.pick(light)
