"""Stimuli of a SNIRF file → rows of `/events`, and the numbers that stand beside them."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurofuse.io.clock.grid import Grid
from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG
from neurofuse.io.mne_objects.header import numbers_in
from neurofuse.io.mne_objects.triggers import sensor_triggers
from neurofuse.io.modality import NIRS
from neurofuse.io.recording import EVENT_COLUMNS, EventRow, events_dataset
from neurofuse.io.snirf.hdf5 import numbered, numbers, text, texts
from neurofuse.io.snirf.table import Channels

EXCLUDED = "BAD_"  # begins the name of a trial that Homer3 excludes: MNE leaves such out as well
STATE = "state"  # Homer3's word on a trial, in /events and in extras of annotations
AMPLITUDE = "amplitude"
RESERVED = {*EVENT_COLUMNS, "ch_names", STATE, AMPLITUDE}
SAME_TRIAL = 1e-3  # s


class Stimulus(NamedTuple):
    """One event of a file: onset [s, by the file's zero], duration [s], channels, numbers."""

    onset: float
    duration: float
    name: str
    channels: str  # joined by commas, "" for all
    facts: tuple[tuple[str, float], ...] = ()


def events_of(
    nirs: Any, grid: Grid, channels: Channels, sensors: Mapping[str, xr.Dataset], path: Path
) -> tuple[xr.Dataset, dict[str, Any]]:
    """The `/events` node: stimuli, gaps and pulses of trigger sensors, on the grid's time.

    Events are cut off where the samples end; those outside are left out, with a warning. The
    second value says how trigger channels among the sensors were read.

    Raises
    ------
    ReadError
        If a stimulus belongs to a channel that the file lacks.
    """
    last = round(float(grid.place[-1])) / grid.rate
    end = timedelta(seconds=last + 1 / grid.rate)
    found: list[tuple[EventRow, tuple[tuple[str, float], ...]]] = []
    listed = stimuli(nirs, path)
    for stimulus in listed:
        onset = stimulus.onset - grid.start
        if not -1 / grid.rate < onset <= last:
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
        row: EventRow = (*placed, stimulus.name, ",".join(names), NIRS.name)
        found.append((row, stimulus.facts))
    if len(found) < len(listed):
        LOG.warning(
            "%s: %d of %d stimuli lie outside the samples: left out",
            path,
            len(listed) - len(found),
            len(listed),
        )
    found += [((*_cut(*gap, end), "BAD_gap", "", NIRS.name), ()) for gap in grid.gaps]
    found = list(dict.fromkeys(found))
    rows = [row for row, _ in found]
    pulses, read = sensor_triggers(sensors, NIRS.name, rows)
    inside = [(round(row[0], 6), *row[1:]) for row in pulses if 0 <= row[0] <= last]
    more = [*(dict(facts) for _, facts in found), *({} for _ in inside)]
    return events_dataset([*rows, *inside], more), read


def stimuli(nirs: Any, path: Path) -> list[Stimulus]:
    """The events of a file, each once, by onset.

    The specification has their times in seconds whatever the TimeUnit. Amplitudes are kept where
    they say something (one of them is not 1), further columns by their label. A duration below 0
    becomes 0, with a warning.
    """
    groups = [(key, nirs[key]) for key in numbered(nirs, "stim")]
    tables = [_table(group, f"{path}: stimulus {key}") for key, group in groups]
    amplitudes = [table[:, 2:3] for table in tables]
    weighted = any((np.isfinite(a) & (a != 1)).any() for a in amplitudes)
    events, negative = [], 0
    for (key, group), table in zip(groups, tables, strict=True):
        if not len(table):
            continue
        name = text(group["name"]) if "name" in group else key
        channels = str(group["data"].attrs.get("channels", "")).split("\n")
        channels = channels if len(channels) == len(table) else [""] * len(table)
        labels = _labels(group, table.shape[1])
        states = _states(group, table[:, 0])
        for row, listed, state in zip(table.tolist(), channels, states, strict=True):
            onset, length = row[:2]
            if not np.isfinite(onset):
                continue
            negative += length < 0
            facts = {
                label: value
                for label, value in zip(labels, row[2:], strict=True)
                if np.isfinite(value) and (label != AMPLITUDE or weighted)
            }
            shown = name
            if state < 0:
                shown, facts[STATE] = EXCLUDED + name, state
            length = length if np.isfinite(length) and length > 0 else 0.0
            events.append(Stimulus(onset, length, shown, listed, tuple(facts.items())))
    if negative:
        LOG.warning("%s: %d stimuli of negative duration: taken as 0 s long", path, negative)
    excluded = sum(STATE in dict(event.facts) for event in events)
    if excluded:
        LOG.info("%s: %d trials that Homer3 excludes: marked %s…", path, excluded, EXCLUDED)
    return sorted(dict.fromkeys(events))


def _table(group: Any, what: str) -> np.ndarray:
    """The stimuli of a group (event, column), with onset and duration at least."""
    data = numbers(group.get("data"))
    if data.ndim == 1 and data.size > 1:  # a single event
        data = data[None, :]
    if data.ndim != 2 or not data.size or (data.shape == (1, 1) and data[0, 0] == 0):
        return np.empty((0, 2))  # none, or the 0 that Homer writes for none
    if _lies_across(data, len(texts(group.get("dataLabels")))):
        LOG.warning(
            "%s: its data of shape %s hold one event a column; taken as such", what, data.shape
        )
        data = data.T
    if data.shape[1] == 1:
        LOG.info("%s: onsets only, so durations of 0 s", what)
        data = np.pad(data, ((0, 0), (0, 1)))
    return data


def _lies_across(data: np.ndarray, labels: int) -> bool:
    """Whether a table holds one event a column: onset, duration and amplitude are its rows.

    Onsets ascend, so the first row of such a table does and its first column does not.
    """
    rows, columns = data.shape
    if labels in (rows, columns) and rows != columns:
        return labels == rows
    if min(rows, columns) == 1:
        return False
    return rows <= 3 and _ascends(data[0]) and not _ascends(data[:, 0])


def _ascends(onsets: np.ndarray) -> bool:
    return bool((np.diff(onsets) > 0).all())


def _labels(group: Any, width: int) -> list[str]:
    """Names of the columns from the third on: the amplitude, and those that the file labels."""
    listed = texts(group.get("dataLabels"))
    listed = listed if len(listed) == width else [""] * width
    names = [AMPLITUDE][: width - 2]
    for column, label in enumerate(listed[3:], 4):
        name = " ".join(label.replace("/", "_").split()) or f"column {column}"
        while name in RESERVED or name in names:
            name += "_"
        names.append(name)
    return names


def _states(group: Any, onsets: np.ndarray) -> np.ndarray:
    """Homer3's word on each trial, 1 where it has none: below 0 it is excluded."""
    states = numbers(group.get("states"))
    if states.ndim == 2 and states.shape[0] == 2 != states.shape[1]:
        states = states.T
    found = np.ones(len(onsets))
    if states.ndim != 2 or states.shape[1] != 2:
        return found
    for at, state in states[np.isfinite(states).all(axis=1)]:
        found[np.abs(onsets - at) <= SAME_TRIAL] = state
    return found


def write_stimuli(nirs: Any, raw: Any, as_text: Any) -> None:
    """Annotations as stimuli: one group a name, numbers of their extras as further columns.

    Parameters
    ----------
    nirs : h5py.Group
    raw : mne.io.Raw
    as_text : function
        Makes HDF5 text of a string or a list of strings.
    """
    marks = raw.annotations
    extras = [numbers_in(e) for e in getattr(marks, "extras", None) or [{}] * len(marks)]
    names = [_plain_name(n, e) for n, e in zip(marks.description, extras, strict=True)]
    for number, name in enumerate(dict.fromkeys(sorted(names)), 1):
        rows = [row for row, other in enumerate(names) if other == name]
        stim = nirs.create_group(f"stim{number}")
        stim["name"] = as_text(name)
        facts = [extras[row] for row in rows]
        further = [k for k in dict.fromkeys(k for f in facts for k in f) if k not in RESERVED]
        onset = marks.onset[rows] - raw.first_time
        amplitude = [f.get(AMPLITUDE, 1.0) for f in facts]
        columns = [[f.get(key, np.nan) for f in facts] for key in further]
        stim["data"] = np.column_stack([onset, marks.duration[rows], amplitude, *columns])
        stim["dataLabels"] = as_text(["Onset", "Duration", "Amplitude", *further])
        if any(STATE in f for f in facts):
            stim["states"] = np.column_stack([onset, [f.get(STATE, 1.0) for f in facts]])
        channels = [",".join(marks.ch_names[row] or ()) for row in rows]
        if any(channels):
            stim["data"].attrs["channels"] = "\n".join(channels)


def _plain_name(name: str, facts: Mapping[str, float]) -> str:
    """The name of a trial's condition, also where the trial is excluded."""
    excluded = facts.get(STATE, 1.0) < 0
    return str(name).removeprefix(EXCLUDED) if excluded else str(name)


def _cut(onset: float, length: float, end: timedelta) -> tuple[float, float]:
    """Onset and duration [s] of an event that ends at `end` at the latest."""
    start = timedelta(seconds=onset)
    if start + timedelta(seconds=length) > end:
        length = (end - start).total_seconds()
    return start.total_seconds(), length
