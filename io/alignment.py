"""Put the fNIRS clock onto the EEG clock: by an offset, shared events or dates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import xarray as xr

from neurofuse.io.clock import ClockModel
from neurofuse.io.errors import AlignmentError, ParameterError
from neurofuse.io.guard import LOG

REMEDY = (
    "give offset=SECONDS (--offset SECONDS): the time of the first fNIRS sample after the first "
    "EEG sample; 0 if both began together"
)
METHODS = ("events", "clock")
LARGEST_RESIDUAL = 0.1  # s
FEWEST_ANCHORS = 3
MOST_PULSES = 2000  # of each stream, from its start: all pairs of them are compared
TOLERANCE = 0.5  # s, to match pulses before drift is known
LARGEST_DRIFT = 500.0  # ppm; quartz clocks stay below 100
RIVAL = 0.8  # a second offset that explains this share of the pulses makes the first one doubtful
IGNORED = ("bad", "edge", "boundary", "new segment", "motion/", "comment/no usb", "sync status")


@dataclass(frozen=True)
class Timeline:
    """What is known of a stream's time: date of the first sample, length [s], pulses (s, name)."""

    duration: float
    measured_at: str = ""
    pulses: Sequence[tuple[float, str]] = field(default_factory=tuple)


def align(
    eeg: xr.DataTree,
    nirs: xr.DataTree,
    *,
    offset: float | None = None,
    align: str | None = None,
) -> ClockModel:
    """Find where the fNIRS stream of one Recording lies on the clock of another's EEG stream."""
    return align_timelines(timeline(eeg, "eeg"), timeline(nirs, "nirs"), offset=offset, align=align)


def timeline(recording: xr.DataTree, stream: str) -> Timeline:
    """What a Recording tells of the time of `stream`."""
    node, events = recording[stream], recording["events"]
    pulses = zip(events.onset.values.tolist(), events.description.values.tolist(), strict=True)
    length = node.sizes["time"] / node.attrs["rate"]
    return Timeline(length, node.attrs.get("measured_at", ""), list(pulses))


def align_timelines(
    eeg: Timeline, nirs: Timeline, *, offset: float | None = None, align: str | None = None
) -> ClockModel:
    """Find where the fNIRS stream lies on the EEG stream's clock.

    Parameters
    ----------
    eeg, nirs : Timeline
        The two streams, each in seconds since its own first sample.
    offset : float, optional
        Seconds to add to fNIRS file times to get EEG file times.
    align : {"events", "clock"}, optional
        Shared pulses, or both measurement dates. By default pulses if at least three agree, else
        dates if both are real and overlap.

    Raises
    ------
    AlignmentError
        If there is no common time, or nothing to align by.
    ParameterError
        If `align` is unknown, `offset` is not finite, or both are given.

    Examples
    --------
    >>> train = [(t, "go") for t in (3.0, 9.5, 20.1, 42.7)]
    >>> late = [(t - 2, name) for t, name in train]
    >>> found = align_timelines(Timeline(60, pulses=train), Timeline(60, pulses=late))
    >>> round(found.offset, 6), found.anchors, found.method
    (2.0, 4, 'events')
    """
    if align is not None and align not in METHODS:
        raise ParameterError(f"align={align!r}", f"one of {METHODS}", "or give offset=SECONDS")
    if align is not None and offset is not None:
        raise ParameterError("both offset and align", "one of them", "leave one out")
    if offset is not None:
        if not np.isfinite(offset):
            raise ParameterError(f"offset={offset}", "a number of seconds", "give a finite offset")
        found = ClockModel(float(offset), 0.0, float("nan"), 0, "offset")
    elif align == "events":
        found = by_events(eeg.pulses, nirs.pulses)
    elif align == "clock":
        found = by_clock(eeg, nirs)
    else:
        found = _automatic(eeg, nirs)
    end = found.offset + nirs.duration * (1 + found.drift / 1e6)
    if found.offset >= eeg.duration or end <= 0:
        raise AlignmentError(
            f"EEG from 0 to {eeg.duration:.1f} s and fNIRS from {found.offset:.1f} to {end:.1f} s "
            f"(aligned by {found.method})",
            "streams that overlap in time",
            REMEDY if found.method != "offset" else "check the sign and size of the offset",
        )
    return found


def by_events(eeg: Sequence[tuple[float, str]], nirs: Sequence[tuple[float, str]]) -> ClockModel:
    """Offset and drift from pulses that both streams recorded.

    The offset that most pulse pairs share is found first (names count where both streams use the
    same ones), so missing and spurious pulses do no harm; then a line is fitted to the matched
    pulses by medians of slopes (Theil 1950, Sen 1968) and refined without outliers. Drift is kept
    only when it exceeds twice its standard error.

    Parameters
    ----------
    eeg, nirs : sequences of (onset [s], name)
        In each stream's own time.

    Raises
    ------
    AlignmentError
        With fewer than 3 matched pulses, fewer than half of either train matched, a second offset
        that fits nearly as well (evenly spaced pulses), or a residual above 0.1 s.
    """
    a, b = _usable(eeg), _usable(nirs)
    if min(len(a), len(b)) < FEWEST_ANCHORS:
        raise AlignmentError(
            f"{len(a)} event pulses in the EEG and {len(b)} in the fNIRS",
            f"at least {FEWEST_ANCHORS} in both",
            REMEDY,
        )
    times_a, times_b = np.array([t for t, _ in a]), np.array([t for t, _ in b])
    allowed = _comparable([n for _, n in a], [n for _, n in b])
    first, rival = _vote(times_a, times_b, allowed)
    pairs = _match(times_a, times_b, allowed, first)
    if len(pairs) < FEWEST_ANCHORS or rival >= RIVAL * len(pairs):
        raise AlignmentError(
            f"{len(pairs)} pulses that match at an offset of {first:.2f} s and {rival} at another",
            "pulse intervals that fit one offset only",
            REMEDY,
        )
    x, y = times_b[pairs[:, 1]], times_a[pairs[:, 0]]
    offset, drift, residual, kept = _line(x, y)
    inside_a = np.count_nonzero((times_a >= y.min() - 1) & (times_a <= y.max() + 1))
    inside_b = np.count_nonzero((times_b >= x.min() - 1) & (times_b <= x.max() + 1))
    enough = kept >= max(FEWEST_ANCHORS, 0.5 * min(inside_a, inside_b))
    if not enough or residual > LARGEST_RESIDUAL or abs(drift) > LARGEST_DRIFT:
        raise AlignmentError(
            f"{kept} matching pulses, {1e3 * residual:.0f} ms about their line, "
            f"drift {drift:.0f} ppm",
            f"at least half of the pulses, within {1e3 * LARGEST_RESIDUAL:.0f} ms and "
            f"{LARGEST_DRIFT:.0f} ppm",
            REMEDY,
        )
    return ClockModel(offset, drift, residual, int(kept), "events")


def by_clock(eeg: Timeline, nirs: Timeline) -> ClockModel:
    """Offset from both measurement dates; good to a second where dates are in whole seconds."""
    first, second = real_date(eeg.measured_at), real_date(nirs.measured_at)
    if first is None or second is None:
        missing = [n for n, d in (("EEG", first), ("fNIRS", second)) if d is None]
        raise AlignmentError(
            f"no real measurement date in the {' and the '.join(missing)} file",
            "a date and time in both files",
            REMEDY,
        )
    offset = (second - first).total_seconds()
    if offset >= eeg.duration or offset + nirs.duration <= 0:
        raise AlignmentError(
            f"EEG of {first:%Y-%m-%d %H:%M:%S} for {eeg.duration:.0f} s and fNIRS of "
            f"{second:%Y-%m-%d %H:%M:%S} for {nirs.duration:.0f} s",
            "streams that overlap in time",
            REMEDY,
        )
    whole = first.microsecond == 0 or second.microsecond == 0
    if whole:
        LOG.warning(
            "aligned by measurement dates, of which one has whole seconds: good to about 1 s; "
            "shared events or an offset are better"
        )
    return ClockModel(offset, 0.0, 1.0 if whole else 1e-6, 0, "clock")


def real_date(measured_at: str) -> datetime | None:
    """A measurement date, or None if it is missing or a dummy that formats and software put in.

    Examples
    --------
    >>> real_date("1985-01-01T00:00:00+00:00") is None
    True
    """
    if not measured_at:
        return None
    date = datetime.fromisoformat(measured_at)
    day = (date.year, date.month, date.day)
    midnight = date.hour == date.minute == date.second == 0
    dummy = date.year < 1990 or (midnight and day in {(2000, 1, 1), (1900, 1, 1)})
    return None if dummy else date


def _automatic(eeg: Timeline, nirs: Timeline) -> ClockModel:
    try:
        return by_events(eeg.pulses, nirs.pulses)
    except AlignmentError as events:
        try:
            return by_clock(eeg, nirs)
        except AlignmentError as clock:
            raise AlignmentError(
                f"{events.found}, and {clock.found}",
                "shared events, or real dates that overlap",
                REMEDY,
            ) from None


def _usable(pulses: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    kept = [(t, n) for t, n in pulses if not n.lower().startswith(IGNORED)]
    return sorted(dict.fromkeys(kept))[:MOST_PULSES]


def _comparable(a: list[str], b: list[str]) -> np.ndarray:
    """Which pulse pairs may match: those of one name where both streams know enough such names."""
    short_a, short_b = [_short(n) for n in a], [_short(n) for n in b]
    shared = set(short_a) & set(short_b)
    counts = [sum(n in shared for n in names) for names in (short_a, short_b)]
    everything = np.ones((len(a), len(b)), bool)
    if min(counts) < FEWEST_ANCHORS:
        return everything
    same = np.array(short_a)[:, None] == np.array(short_b)[None, :]
    return same


def _short(name: str) -> str:
    """The bare name: "Stimulus/S  1", "S1", "1.0" and "1" are one."""
    tail = name.rsplit("/", 1)[-1].replace(" ", "").lower()
    digits = tail[1:] if tail[:1] in "srt" and tail[1:].isdigit() else tail
    return digits.removesuffix(".0").lstrip("0") or "0"


def _vote(a: np.ndarray, b: np.ndarray, allowed: np.ndarray) -> tuple[float, int]:
    """The offset that most pairs share, and how many share the best one well apart from it."""
    differences = np.sort((a[:, None] - b[None, :])[allowed])
    ends = np.searchsorted(differences, differences + TOLERANCE, side="right")
    counts = ends - np.arange(len(differences))
    best = int(np.argmax(counts))
    window = differences[best : ends[best]]
    apart = np.abs(differences + TOLERANCE / 2 - np.median(window)) > 1.5 * TOLERANCE
    rival = float(np.median(window))
    if not apart.any():
        return rival, 0
    second = int(np.argmax(np.where(apart, counts, 0)))
    other = float(np.median(differences[second : ends[second]]))
    return rival, len(_match(a, b, allowed, other))


def _match(a: np.ndarray, b: np.ndarray, allowed: np.ndarray, offset: float) -> np.ndarray:
    """Pairs (index in a, index in b) that are each other's nearest within the tolerance."""
    gap = np.where(allowed, np.abs(a[:, None] - b[None, :] - offset), np.inf)
    to_b, to_a = gap.argmin(axis=1), gap.argmin(axis=0)
    mutual = [(i, j) for i, j in enumerate(to_b) if to_a[j] == i and gap[i, j] <= TOLERANCE]
    return np.array(mutual, int).reshape(-1, 2)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float, int]:
    """Offset [s], drift [ppm], residual [s] and kept pulses of y = offset + x (1 + drift)."""
    gap = y - x  # small numbers: the drift is lost in rounding when y is fitted on x
    i, j = np.triu_indices(len(x), 1)
    apart = np.abs(x[j] - x[i]) > 1e-9
    slope = np.median((gap[j] - gap[i])[apart] / (x[j] - x[i])[apart]) if apart.any() else 0.0
    left = gap - slope * x
    left = left - np.median(left)
    spread = 1.4826 * np.median(np.abs(left))
    kept = np.abs(left) <= max(3 * spread, 0.002)
    x, gap = x[kept], gap[kept]
    centre = x - x.mean()
    power = float(centre @ centre)
    slope, error = 0.0, np.inf
    if len(x) >= 4 and power > 0:
        slope = float(centre @ gap) / power
        rest = gap - gap.mean() - slope * centre
        error = float(np.sqrt(rest @ rest / (len(x) - 2) / power))
    if abs(slope) <= max(2 * error, 1e-8):  # a hundredth of a ppm is rounding
        slope = 0.0
    offset = float(gap.mean() - slope * x.mean())
    residual = float(np.std(gap - offset - slope * x))
    return offset, slope * 1e6, residual, len(x)
