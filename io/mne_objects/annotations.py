"""Bouts of movement: from a motion mask (channel, time) to intervals with channels."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurofuse.io.lazy import time_blocks
from neurofuse.io.recording import (
    GATE_OPEN,
    LOST,
    event_facts,
    event_rows,
    events_dataset,
    stream_dataset,
    streams,
)
from neurofuse.io.runs import runs

MOTION = "BAD_motion"
LOST_MARK = "BAD_lost"
LEAST_PAUSE = 0.2  # s; bouts that lie closer are one


@dataclass(frozen=True)
class Bout:
    """One movement: onset [s, from the stream's first sample], duration [s], rows of channels."""

    onset: float
    duration: float
    channels: tuple[int, ...]


def bouts(node: xr.Dataset) -> list[Bout]:
    """The movements of a stream: where its motion mask (`gate`, else the true `motion`) is set.

    Parameters
    ----------
    node : xarray.Dataset
        A stream; `gate` or `motion` (channel, time), read in blocks of time. Without either
        there are no bouts.

    Returns
    -------
    list of Bout
        In order of time, at least 0.2 s apart.

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> node = eeg_dataset(np.zeros((2, 40)), 10.0, ["C3", "C4"])
    >>> gate = np.zeros((2, 40))
    >>> gate[0, 5:15] = 1
    >>> gate[1, 10:20] = 1
    >>> bouts(node.assign(gate=(("channel", "time"), gate)))
    [Bout(onset=0.5, duration=1.5, channels=(0, 1))]
    """
    name = next((n for n in ("gate", "motion") if n in node), None)
    if name is None or not node.sizes["time"]:
        return []
    rate = node.attrs["rate"]
    mask = node[name].transpose("channel", "time")
    in_motion = np.concatenate([(b > GATE_OPEN).any(axis=0) for _, b in time_blocks(mask, rate)])
    # from the first sample in motion to the first at rest
    first, last = np.array(runs(in_motion), int).reshape(-1, 2).T
    apart = first[1:] - last[:-1] > LEAST_PAUSE * rate
    first, last = first[np.r_[True, apart][: len(first)]], last[np.r_[apart, True][: len(last)]]
    reached = _reached(mask, rate, first, last)
    return [
        Bout(float(a / rate), float((b - a) / rate), tuple(np.flatnonzero(row).tolist()))
        for a, b, row in zip(first, last, reached, strict=True)
    ]


def _reached(mask: xr.DataArray, rate: float, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Which channels are in motion in each interval: booleans (interval, channel)."""
    reached = np.zeros((len(first), mask.sizes["channel"]), bool)
    for start, block in time_blocks(mask, rate):
        stop = start + block.shape[1]
        for i in range(int(np.searchsorted(last, start, "right")), len(first)):
            if first[i] >= stop:
                break
            part = block[:, max(first[i] - start, 0) : last[i] - start]
            reached[i] |= (part > GATE_OPEN).any(axis=1)
    return reached


def lost_stretches(node: xr.Dataset) -> list[Bout]:
    """Where channels of a stream are lost (`verdict`), channels with the same stretch together.

    Channels marked bad are left out: they are lost throughout, and their mark says so.

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> node = eeg_dataset(np.zeros((2, 40)), 10.0, ["C3", "C4"])
    >>> verdict = np.zeros((2, 40), np.int8)
    >>> verdict[:, 5:15] = 2
    >>> lost_stretches(node.assign(verdict=(("channel", "time"), verdict)))
    [Bout(onset=0.5, duration=1.0, channels=(0, 1))]
    """
    if "verdict" not in node:
        return []
    rate, used = float(node.attrs["rate"]), np.flatnonzero(~node.bad.values).tolist()
    found: dict[tuple[int, int], list[int]] = {}
    begun: dict[int, int] = {}  # stretches that the block before left open, by channel
    length = 0
    for first, block in time_blocks(node.verdict.transpose("channel", "time"), rate):
        length = first + block.shape[1]
        for row in used:
            lost = block[row] == LOST
            spans = [(first + a, first + b) for a, b in runs(lost)]
            if row in begun:
                if spans and spans[0][0] == first:
                    spans[0] = (begun.pop(row), spans[0][1])
                else:
                    found.setdefault((begun.pop(row), first), []).append(int(row))
            if spans and spans[-1][1] == length:
                begun[row] = spans.pop()[0]
            for span in spans:
                found.setdefault(span, []).append(int(row))
    for row, start in begun.items():
        found.setdefault((start, length), []).append(int(row))
    return [
        Bout(a / rate, (b - a) / rate, tuple(sorted(rows)))
        for (a, b), rows in sorted(found.items())
    ]


def with_motion_marked(recording: xr.DataTree) -> xr.DataTree:
    """A Recording with its movements as events "BAD_motion", which every format keeps.

    Channels are named. Marks of an earlier cleaning are replaced.

    Examples
    --------
    >>> import neurofuse as nf
    >>> _, recording = nf.simulate(20.0, seed=0)
    >>> "BAD_motion" in with_motion_marked(recording)["events"].description
    True
    """
    kept = [
        (row, facts)
        for row, facts in zip(event_rows(recording), event_facts(recording), strict=True)
        if row[2] != MOTION
    ]
    for stream in streams(recording):
        node = stream_dataset(recording, stream)
        start, names = float(node.time[0]), node.channel.values
        for bout in bouts(node):
            reached = ",".join(str(names[row]) for row in bout.channels)
            kept.append(((start + bout.onset, bout.duration, MOTION, reached, stream), {}))
    marked = recording.copy()
    rows, facts = zip(*kept, strict=True) if kept else ((), ())
    marked["events"] = xr.DataTree(events_dataset(rows, list(facts)), name="events")
    return marked
