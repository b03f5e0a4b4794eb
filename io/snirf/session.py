"""On whom a SNIRF file was measured, and what happened."""

import contextlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neurofuse.io.clock.grid import Grid
from neurofuse.io.errors import ReadError
from neurofuse.io.modality import NIRS
from neurofuse.io.snirf.hdf5 import numbered, numbers, text
from neurofuse.io.snirf.table import Channels, tag

Row = tuple[float, float, str, str, str]  # as `neurofuse.io.recording.events_dataset` takes them


class Stimulus(NamedTuple):
    """One event of a file: onset [s, by the file's zero], duration [s], and its channels."""

    onset: float
    duration: float
    name: str
    channels: str  # joined by commas, "" for all


def event_rows(nirs: Any, grid: Grid, channels: Channels, path: Path) -> list[Row]:
    """Stimuli and gaps on the grid's time, each once, cut off where the samples end.

    Onsets are in whole microseconds, as MNE keeps those of annotations.

    Raises
    ------
    ReadError
        If a stimulus belongs to a channel that the file lacks.
    """
    last = round(float(grid.place[-1])) / grid.rate
    end = timedelta(seconds=last + 1 / grid.rate)
    rows: list[Row] = []
    for stimulus in stimuli(nirs):
        onset = stimulus.onset - grid.start
        if not -1 / grid.rate < onset <= last or max(onset, 0.0) + stimulus.duration < 0:
            continue
        names = [name for name in stimulus.channels.split(",") if name]
        missing = sorted(set(names) - set(channels.name))
        if missing:
            raise ReadError(
                f"{path} with a stimulus {stimulus.name!r} of {', '.join(missing)}",
                "stimuli of channels that it holds",
                "export the recording again",
            )
        placed = _cut(max(onset, 0.0), stimulus.duration, end)
        rows.append((*placed, stimulus.name, ",".join(names), NIRS.name))
    rows += [(*_cut(*gap, end), "BAD_gap", "", NIRS.name) for gap in grid.gaps]
    return list(dict.fromkeys(rows))


def stimuli(nirs: Any) -> list[Stimulus]:
    """The events of a file, each once, by onset.

    The specification has their times in seconds whatever the TimeUnit.
    """
    events = []
    for key in numbered(nirs, "stim"):
        group = nirs[key]
        data = numbers(group.get("data"))
        if data.ndim == 1:  # a single event
            data = data[None, :]
        if data.ndim != 2 or data.shape[1] < 2:  # none, or the 0 that Homer writes for none
            continue
        name = text(group["name"]) if "name" in group else key
        channels = str(group["data"].attrs.get("channels", "")).split("\n")
        channels = channels if len(channels) == len(data) else [""] * len(data)
        events += [
            Stimulus(float(onset), float(duration) if np.isfinite(duration) else 0.0, name, listed)
            for (onset, duration), listed in zip(data[:, :2], channels, strict=True)
            if np.isfinite(onset)
        ]
    return sorted(dict.fromkeys(events))


def subject(nirs: Any) -> dict[str, Any]:
    """What the file says of the subject, by MNE's names; the birthday as ISO text."""
    facts: dict[str, Any] = {"his_id": tag(nirs, "SubjectID") or "unknown"}
    for key in ("first", "middle", "last"):
        if name := tag(nirs, f"{key}Name"):
            facts[f"{key}_name"] = name
    sex = tag(nirs, "sex").lower()[:1]
    if sex in ("m", "f", "0", "1", "2", "u"):
        facts["sex"] = {"m": 1, "1": 1, "f": 2, "2": 2}.get(sex, 0)
    with contextlib.suppress(ValueError):
        facts["birthday"] = date.fromisoformat(tag(nirs, "DateOfBirth")).isoformat()
    return facts


def _cut(onset: float, length: float, end: timedelta) -> tuple[float, float]:
    """Onset and duration [s] of an event that ends at `end` at the latest."""
    start = timedelta(seconds=onset)
    if start + timedelta(seconds=length) > end:
        length = (end - start).total_seconds()
    return start.total_seconds(), length
