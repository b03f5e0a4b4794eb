"""Trigger channels: samples in, the codes that stand on them and when each begins out."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.io.clock.pulses import short_name
from neurofuse.io.lazy import time_blocks
from neurofuse.io.logs import LOG
from neurofuse.io.recording import EventRow

# Names in use: "Status", "STI 014", "TRIG", "Trigger-1", "DC01", "EVENT", "Stim2", "DIN3"; not
# "stimtrak" (a microphone or photocell).
NAMES = re.compile(
    r"(?:eeg[\s_]+)?(?:(?:status|sti|stim(?:ulus)?|trig(?:gers?)?|trg|events?|evt|ttl|markers?|mrk"
    r"|mkr)(?:[\s_-]?(?:in|input|line|channel|ch|code|value|hardware|event|marker))?[\s_.-]*\d*"
    r"|(?:dc|din|digital|dig)[\s_.-]*\d+)(?:[\s_-]*ref)?",
    re.I,
)
COMPOSITE = ("STI101", "STI 014")  # Neuromag's sum of its single lines, as MNE prefers it
CODES = 0xFFFF  # the bits that hold codes; BioSemi keeps its own state in those above
UNITS = (1e6, 1e3)  # per volt: codes that a file scaled to volts
MOST_CHANGES = 0.1  # of all samples; a channel that changes more often is an analogue line
CLEAN = 0.15  # of the step of an analogue line: largest scatter about its two voltages
SHORT_PULSE = 1.0  # s; the longest median pulse of a line that rests high
MOST_TIME_LOW = 0.1  # of the time that a line resting high may be at 0
SAME_PULSE_SAMPLES = 0.6  # a stored event this close to a pulse of its name is the same one
LEAST_RESTING = 0.75  # fraction of changes that begin or end at the resting code

Line = tuple[str, np.ndarray]
Facts = dict[str, Any]


@dataclass(frozen=True)
class Pulses:
    """What a trigger channel says.

    Parameters
    ----------
    sample : integer array (pulse,)
        Where each code begins.
    code : integer array (pulse,)
    rest : int
        The code between pulses.
    steps : int
        How many codes follow another one without the resting code between them.
    kind : str
        "codes", or "analogue" for a line that was cut at half its height.
    """

    sample: np.ndarray
    code: np.ndarray
    rest: int = 0
    steps: int = 0
    kind: str = "codes"

    def facts(self) -> Facts:
        """How the channel was read, for log and provenance."""
        return {
            "pulses": len(self.code),
            "level at rest": self.rest,
            "steps from code to code": self.steps,
            "read as": self.kind,
        }


def is_trigger(name: str) -> bool:
    """Whether a channel of this name holds triggers.

    Examples
    --------
    >>> [is_trigger(name) for name in ("STI 014", "trig", "DC01", "Event", "Fp1", "StimTrak")]
    [True, True, True, True, False, False]
    """
    return NAMES.fullmatch(name.strip()) is not None


def trigger_channels(names: Sequence[str], types: Sequence[str]) -> list[int]:
    """Which of the channels are read: those of type "stim", of Neuromag's lines their sum only."""
    held = [i for i, kind in enumerate(types) if kind == "stim"]
    for whole in COMPOSITE:
        if whole in (names[i] for i in held):
            return [i for i in held if names[i] == whole or not re.match(r"STI ?\d", names[i])]
    return held


def find_pulses(values: np.ndarray, rate: float) -> Pulses:
    """The codes of a trigger channel, as `mne.find_events` with `consecutive=True` gives them.

    A code is an event where it begins, whether the resting code or another one lies before it. The
    resting code is 0; where a line spends its time at another code and returns to it after each
    event, it is that one (idle-high ports; codes of MNE would be late by one pulse). A
    value held for a single sample between a lower and a higher one is an edge on its way up or
    down. A line that is no code but an analogue voltage is cut at half its height: code 1.

    Parameters
    ----------
    values : array (time,)
        Samples; NaN counts as 0. Where none reaches 0.5 they are volts: codes are then in whole
        microvolts, or in millivolts where those would exceed 65535.
    rate : float
        Sampling rate [Hz].

    Examples
    --------
    >>> find_pulses(np.array([255, 255, 1, 255, 255, 2, 3, 3, 255, 255]), 100.0)
    Pulses(sample=array([2, 5, 6]), code=array([1, 2, 3]), rest=255, steps=1, kind='codes')
    """
    values = np.nan_to_num(np.asarray(values, float), posinf=0.0, neginf=0.0)
    codes = _codes(values)
    kind = "codes"
    if np.count_nonzero(np.diff(codes)) > max(MOST_CHANGES * len(codes), 20):
        codes, kind = _halved(values), "analogue"
    first, run = _runs(codes)
    if len(run) < 2:
        return Pulses(np.empty(0, int), np.empty(0, int), kind=kind)
    length = np.diff(np.append(first, len(codes)))
    rest = _rest(run, length, rate)
    ignored = {rest} if rest == 0 or set(run.tolist()) - {0, rest} == set() else {0, rest}
    begins = ~np.isin(run, list(ignored))
    begins[0] = False  # the onset of the first code is unknown
    steps = int((begins[1:] & ~np.isin(run[:-1], list({0, rest}))).sum())
    return Pulses(first[begins], run[begins], rest, steps, kind)


def lines_of(node: xr.Dataset) -> Iterator[Line]:
    """Name and samples of each trigger channel of an `/eeg` node."""
    names = [str(name) for name in node.channel.values]
    for row in trigger_channels(names, node.ch_type.values.tolist()):
        line = node.eeg.isel(channel=[row]).transpose("channel", "time")
        blocks = [block[0] for _, block in time_blocks(line, node.attrs["rate"])]
        yield names[row], np.concatenate(blocks) if blocks else np.empty(0)


def sensor_triggers(
    sensors: Mapping[str, xr.Dataset],
    stream: str,
    known: Iterable[EventRow] = (),
    lines: Collection[str] = (),
) -> tuple[list[EventRow], dict[str, Facts]]:
    """The pulses of further sensors whose name, or a channel's, is one of triggers.

    Those named in `lines` hold triggers whatever their name.
    """
    rows, facts = list(known), {}
    count = len(rows)
    for name, node in sensors.items():
        values = next(iter(node.data_vars.values())).transpose("channel", "time").values
        labels = [str(label) for label in node.channel.values]
        held = [
            (label, line)
            for label, line in zip(labels, values, strict=True)
            if name in lines or is_trigger(name) or is_trigger(label)
        ]
        pulses, read = trigger_rows(held, node.time.values, node.attrs["rate"], stream, rows)
        rows += pulses
        facts |= read
    return rows[count:], facts


def trigger_rows(
    lines: Iterable[Line],
    time: np.ndarray,
    rate: float,
    stream: str,
    known: Iterable[EventRow] = (),
) -> tuple[list[EventRow], dict[str, Facts]]:
    """The pulses on trigger channels as rows of `/events`, and how each channel was read.

    Parameters
    ----------
    lines : pairs of a channel's name and its samples (time,)
    time : array (time,)
        Their times [s].
    rate : float
        Sampling rate [Hz].
    stream : str
        What the rows say in `stream`.
    known : rows
        Events that the file stores as well: a pulse of one's name and time is not repeated.
    """
    rows: list[EventRow] = []
    facts: dict[str, Facts] = {}
    for name, values in lines:
        found = find_pulses(values, rate)
        facts[name] = found.facts()
        LOG.info("trigger channel %s: %s", name, facts[name])
        onsets = np.asarray(time)[found.sample].tolist()
        rows += [(t, 0.0, str(c), "", stream) for t, c in zip(onsets, found.code, strict=True)]
    return new_rows(list(dict.fromkeys(rows)), known, SAME_PULSE_SAMPLES / rate), facts


def new_rows(rows: list[EventRow], known: Iterable[EventRow], apart: float) -> list[EventRow]:
    """Those of `rows` whose name, in short, does not stand in `known` at the same time."""
    held: dict[str, list[float]] = {}
    for onset, _, text, *_ in known:
        held.setdefault(short_name(text), []).append(onset)
    times = {name: np.sort(onsets) for name, onsets in held.items()}
    return [row for row in rows if not _near(times.get(short_name(row[2])), row[0], apart)]


def _near(onsets: np.ndarray | None, at: float, apart: float) -> bool:
    if onsets is None:
        return False
    place = int(np.searchsorted(onsets, at))
    return any(abs(onsets[i] - at) <= apart for i in (place - 1, place) if 0 <= i < len(onsets))


def _codes(values: np.ndarray) -> np.ndarray:
    """Whole numbers of 16 bits; negative ones count by their size, as in MNE."""
    largest = np.abs(values).max(initial=0.0)
    scale = 1.0 if largest >= 0.5 else next(u for u in UNITS if largest * u <= CODES)
    whole = np.round(values * scale).clip(-(2**31), 2**31 - 1).astype(np.int64)
    if whole.min(initial=0) < 0:  # a line about 0 V rests at its lower voltage
        levels = np.unique(whole)
        whole = whole - levels[0] if len(levels) == 2 else np.abs(whole)
    return whole & CODES


def _halved(values: np.ndarray) -> np.ndarray:
    """1 where an analogue line is above half its height; nothing without two voltages."""
    low, high = float(values.min()), float(values.max())
    upper = values > (low + high) / 2
    if not 0 < upper.sum() < len(values):
        return np.zeros(len(values), np.int64)
    step = values[upper].mean() - values[~upper].mean()
    clean = max(values[upper].std(), values[~upper].std()) <= CLEAN * step
    return upper.astype(np.int64) if clean else np.zeros(len(values), np.int64)


def _runs(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First sample and code of every stretch of one code, edges on their way left out."""
    changed = np.concatenate([np.ones(min(len(codes), 1), bool), codes[1:] != codes[:-1]])
    first = np.flatnonzero(changed)
    run = codes[first]
    if len(run) > 2:
        upwards = np.sign(np.diff(run))
        passing = (np.diff(first)[1:] == 1) & (upwards[1:] == upwards[:-1])
        for i in np.flatnonzero(passing) + 1:  # what follows an edge begins where the edge began
            first[i + 1] = first[i]
        kept = np.concatenate([[True], ~passing, [True]])
        first, run = first[kept], run[kept]
    return first, run


def _rest(run: np.ndarray, length: np.ndarray, rate: float) -> int:
    """The code between pulses: 0, unless another one is where the line rests."""
    codes, place = np.unique(run, return_inverse=True)
    total = np.bincount(place, weights=length)
    rest = int(codes[total.argmax()])
    if rest == 0 or total.max() < total.sum() / 2:
        return 0
    at_rest = run == rest
    if (at_rest[:-1] | at_rest[1:]).mean() < LEAST_RESTING:
        return 0  # steps from code to code
    others = ~at_rest
    low = run == 0
    if low.any() and (len(codes) == 2 or low[1:].any()):
        short = np.median(length[others]) < SHORT_PULSE * rate
        rare = length[low].sum() < MOST_TIME_LOW * length.sum()
        return rest if short and rare and at_rest[0] and at_rest[-1] else 0
    return rest
