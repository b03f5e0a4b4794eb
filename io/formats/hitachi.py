"""Hitachi ETG exports (CSV) → an MNE Raw of light intensity."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurofuse.io.errors import ReadError
from neurofuse.io.formats.pauses import count_times
from neurofuse.io.logs import reading

if TYPE_CHECKING:
    import mne

CLOCK = re.compile(r"(\d{1,2}):(\d{2}):(\d{2}(?:\.\d*)?)")
DAY = 86_400  # s
WANTED = "a whole Hitachi ETG export of raw light (CSV, mode Continuous)"


def read_hitachi_raw(path: str | Path) -> "mne.io.BaseRaw":
    """The light of a Hitachi CSV file, read through MNE; its marks become annotations.

    Where its column Time says that samples are missing, they are a gap. The file has no positions.
    A device with several probes writes one file for each.

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
        return count_times(raw.pick(light), _times(Path(path)), Path(path))


def _times(path: Path) -> np.ndarray | None:
    """The column Time [s], across midnight too; None where it is not there or holds no times."""
    lines = path.read_text("latin-1").splitlines()
    data = next(i for i, line in enumerate(lines) if line.split(",")[0] == "Data")
    names = lines[data + 1].rstrip(",").split(",")
    cells = [line.split(",") for line in lines[data + 2 :] if line.strip()]
    if "Time" not in names or not cells:
        return None
    at = names.index("Time")
    found = [CLOCK.fullmatch(row[at].strip()) if len(row) > at else None for row in cells]
    parts = np.array([one.groups() for one in found if one is not None], float).reshape(-1, 3)
    if len(parts) < len(found):
        return None
    seconds = parts @ [3600, 60, 1]
    midnights = np.cumsum(np.diff(seconds, prepend=seconds[0]) < -DAY / 2)
    return seconds + DAY * midnights
