"""Accelerometers and gyroscopes of BIDS's `motion/` → further sensors of a Recording.

They are read where `scans.tsv` says when both the motion run and the EEG (else fNIRS) run began.
Nothing about them stops a recording: what cannot be used is left out, and a warning says why.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.io.bids.dataset import data_set_of
from neurofuse.io.bids.inheritance import Inheritance
from neurofuse.io.bids.read import SUFFIXES, entities_of
from neurofuse.io.bids.tables import acquired_at, rows_of
from neurofuse.io.imu import ELSEWHERE
from neurofuse.io.logs import LOG
from neurofuse.io.recording import note, streams

TYPES = {"ACCEL": "acc", "GYRO": "gyro"}  # of channels.tsv -> the name of a sensor
SAME = ("sub", "ses", "task", "run")  # entities that a motion run shares with its EEG or fNIRS


def motion_beside(path: Path) -> list[Path]:
    """The motion runs that belong to an EEG or fNIRS run, in order of name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     folder = Path(root, "sub-01", "motion")
    ...     folder.mkdir(parents=True)
    ...     (folder / "sub-01_task-rest_tracksys-a_motion.tsv").touch()
    ...     eeg = Path(root, "sub-01", "eeg", "sub-01_task-rest_eeg.edf")
    ...     [found.name for found in motion_beside(eeg)]
    ['sub-01_task-rest_tracksys-a_motion.tsv']
    """
    tables = sorted((path.parents[1] / "motion").glob("sub-*_motion.tsv"))
    return [table for table in tables if _key(table) == _key(path)]


def with_motion(recording: xr.DataTree, files: Mapping[str, Path]) -> xr.DataTree:
    """A Recording with the sensors on the head that were recorded in its motion runs.

    Parameters
    ----------
    recording : Recording
        What was read from `files`.
    files : dict of Path
        Its "eeg" and "nirs" runs.

    Returns
    -------
    Recording
        With nodes such as `/aux/motion imu1 acc` (channel, time) in the units of channels.tsv; the
        Recording itself where there are none.
    """
    reference = next(files[stream] for stream in SUFFIXES if stream in files)
    tables = dict.fromkeys(table for path in files.values() for table in motion_beside(path))
    for table in tables:
        try:
            sensors, start = _read(table, reference, _last_time(recording))
        except Exception as error:  # tables may be off in any way
            LOG.warning("%s is not used: %s", table, " ".join(str(error).split()))
            continue
        if sensors:
            nodes = {f"/aux/{name}": sensor for name, sensor in sensors.items()}
            tree = xr.DataTree.from_dict({**recording.to_dict(), **nodes})
            recording = note(tree, "read_motion", file=table.name, start=start)
    return recording


def _read(table: Path, reference: Path, end: float) -> tuple[dict[str, xr.Dataset], float]:
    """The sensors of one motion run on the Recording's clock, and when it began there [s]."""
    tables = Inheritance(data_set_of(table) or table.parents[1])
    entities = entities_of(table.name)
    described = [
        path for path in tables.applying(table, entities) if path.name.endswith("_channels.tsv")
    ]
    rows = rows_of(described[-1]) if described else []
    used = {place: name for place, row in enumerate(rows) if (name := _sensor(row))}
    if not used:
        return {}, 0.0
    rate = float(tables.facts(table, entities).get("SamplingFrequency", 0))
    if not 0 < rate < np.inf:
        raise ValueError("its JSON says no SamplingFrequency")
    dates = acquired_at(table), acquired_at(reference)
    if dates[0] is None or dates[1] is None:
        raise ValueError(f"scans.tsv does not say when it and {reference.name} began")
    start = (dates[0] - dates[1]).total_seconds()
    samples = np.genfromtxt(table, delimiter="\t", ndmin=2, missing_values="n/a")
    if samples.shape[1] != len(rows):
        raise ValueError(f"it has {samples.shape[1]} columns, {described[-1].name} {len(rows)}")
    if start >= end or start + len(samples) / rate <= 0:
        raise ValueError(f"by scans.tsv it began {start:g} s after {reference.name}, outside it")
    time = start + np.arange(len(samples)) / rate
    system = entities.get("tracksys", "")
    sensors: dict[str, xr.Dataset] = {}
    for kind in dict.fromkeys(used.values()):
        places = [place for place, name in used.items() if name == kind]
        name = " ".join(filter(None, ("motion", system, kind)))
        labels = [rows[place].get("name") or f"{kind}{place}" for place in places]
        unit = rows[places[0]].get("units", "")
        sensors[name] = xr.Dataset(
            {name: (("channel", "time"), samples[:, places].T, {"units": unit})},
            {"channel": labels, "time": time},
            {"rate": rate},
        )
    return sensors, start


def _sensor(row: dict[str, str]) -> str:
    """ "acc" or "gyro" for a channel of one on the head, or nowhere said; "" for any other."""
    point = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\W]+", " ", row.get("tracked_point", "")).lower()
    elsewhere = re.search(ELSEWHERE, point)
    return "" if elsewhere else TYPES.get(row.get("type", "").upper(), "")


def _last_time(recording: xr.DataTree) -> float:
    return max(float(recording[stream].time.values[-1]) for stream in streams(recording))


def _key(path: Path) -> tuple[str, ...]:
    entities = entities_of(path.name)
    return tuple(
        str(int(entities[key])) if key == "run" and entities.get(key, "").isdecimal()
        else entities.get(key, "")
        for key in SAME
    )  # fmt: skip
