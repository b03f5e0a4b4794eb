"""Clocks by what the body does in both streams: heart rate and bouts of movement.

The course of one stream is correlated in windows with that of the other; windows vote for the line
(offset, drift) that they share. It has to stand far above every other line, and what is left of
doubt must be small: otherwise nothing is said.
"""

import dataclasses

import numpy as np
import xarray as xr
from scipy import signal

from neurofuse.io.clock import courses
from neurofuse.io.clock.courses import RATE, Course
from neurofuse.io.clock.line import LARGEST_DRIFT, fit_line
from neurofuse.io.clock_model import ClockModel
from neurofuse.io.errors import AlignmentError

REMEDY = "give offset=SECONDS (--offset SECONDS) or files with shared events"
LARGEST_OFFSET = 900.0  # s
WINDOW, SHORTEST_WINDOW = 300.0, 60.0  # s, to find the line
FINE_WINDOW = 60.0  # s, to place it
FEWEST_WINDOWS = 4
OUTSTANDING = 7.0  # SD of the sums at all other offsets
RIVAL = 0.6  # a second line with this share of the best one's sum makes it doubtful
LARGEST_DOUBT = 0.06  # s, half width of the interval before what people differ in is added
NEAR = 1.5  # s about the first line, where the fine one is looked for
SLACK = 1.0  # s that it may turn away at the ends
DRAWS = 200
LEAST_CORRELATION = 0.2  # of a window that counts
# The pulse rises most steeply at the head 0.22 s after the R peak, give or take 0.04 s between
# people (standard deviation). At the ear its foot comes 0.13 s and its peak 0.40 s after R
# (Allen & Murray 2000, doi:10.1049/ip-smt:20000846).
ARRIVAL, ARRIVAL_SPREAD = 0.22, 0.04
STEADY = 0.025  # s, SD of the beats' intervals; below, one beat is as good as the next
LOOSE = 0.08  # s, robust SD within a window; beats that meet by accident scatter by 0.2 s
NEAREST_BEAT = 0.3  # s


def by_physiology(eeg: xr.DataTree, nirs: xr.DataTree) -> ClockModel:
    """Offset and drift from heart rate (with an ECG channel in the EEG file).

    Movement is a witness only: its lag between the streams is not known well enough.

    Parameters
    ----------
    eeg, nirs : Recording
        One stream each, at least 4 min long.

    Returns
    -------
    ClockModel
        `anchors` counts windows. By the heart, 0.22 s for the way of the pulse from heart to head
        is taken off, and the interval is wider by what people differ in it (0.08 s).

    Raises
    ------
    AlignmentError
        If no heart rate is shared beyond chance, two lines fit about as well, the heart is too
        steady, movement disagrees, or the doubt exceeds 60 ms before the pulse's way is counted.
    """
    refusals = []
    found = []
    for name, one, other in (
        ("heart rate", courses.eeg_heart(eeg), courses.nirs_heart(nirs)),
        ("movement", courses.eeg_movement(eeg), courses.nirs_movement(nirs)),
    ):
        if one is None or other is None:
            refusals.append(f"no {name} in {'the EEG' if one is None else 'the fNIRS'}")
            continue
        try:
            found.append((name, match_courses(one, other, name)))
        except AlignmentError as error:
            refusals.append(error.found)
    if not found or found[0][0] != "heart rate":
        refusals += [f"movement that agrees at {clock.offset:.1f} s" for _, clock in found]
        raise AlignmentError(
            "; ".join(refusals), "a heart rate that both streams share, seen in an ECG", REMEDY
        )
    clock = found[0][1]
    if len(found) == 2 and abs(found[1][1].offset - clock.offset) > 0.5:
        raise AlignmentError(
            f"an offset of {clock.offset:.2f} s by heart rate and {found[1][1].offset:.2f} s by "
            "movement",
            "both to agree within 0.5 s",
            REMEDY,
        )
    return clock


def match_courses(eeg: Course, nirs: Course, name: str) -> ClockModel:
    """The line from the fNIRS's time to the EEG's on which two courses agree."""
    seconds = len(nirs.values) / RATE
    size = min(WINDOW, min(seconds, len(eeg.values) / RATE) / FEWEST_WINDOWS)
    if size < SHORTEST_WINDOW:
        raise AlignmentError(
            f"{seconds:.0f} s of {name}",
            f"at least {FEWEST_WINDOWS * SHORTEST_WINDOW:.0f} s",
            REMEDY,
        )
    lag, drift = _common_line(*_windows(eeg, nirs, size), name)
    table, starts, centre = _windows(eeg, nirs, FINE_WINDOW)
    clock = _fine_line(table, starts, centre, lag, drift, name)
    if eeg.beats.size and nirs.beats.size:
        clock = _by_beats(eeg.beats, nirs.beats, clock, centre, FINE_WINDOW)
        return _after_the_heart(_certain(clock, seconds, name))
    return _certain(clock, seconds, name)


def _windows(eeg: Course, nirs: Course, size: float):
    """Correlations (window, place) of windows of the fNIRS course, their starts and centres [s]."""
    width = int(size * RATE)
    starts = np.arange(0, len(nirs.values) - width + 1, width)
    rows = [_correlation(eeg.values, nirs.values[s : s + width]) for s in starts]
    return np.array(rows), starts, (starts + width / 2) / RATE


def _correlation(whole: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Correlation of a window with `whole` at every place from -width on; 0 where all is unknown.

    Element i: the window's first sample lies at sample i - width of `whole`.
    """
    width = len(window)
    padded = np.concatenate([np.zeros(width), whole, np.zeros(width)])
    total = np.concatenate([[0.0], np.cumsum(padded**2)])
    energy = total[width:] - total[:-width]
    product = signal.correlate(padded, window, "valid", method="fft")
    # a window that lies outside in part must not gain from it
    floor = 0.5 * width * float(np.mean(whole**2))
    scale = np.sqrt(np.maximum(energy, floor) * max(float(window @ window), 1e-12))
    return product / np.maximum(scale, 1e-12)


def _common_line(
    table: np.ndarray, starts: np.ndarray, centre: np.ndarray, name: str
) -> tuple[float, float]:
    """The lag [s] at the middle window and the drift [ppm] with the largest sum of correlations."""
    width = int(2 * centre[0] * RATE)
    reach = int(LARGEST_OFFSET * RATE)
    lags = np.arange(-reach, reach + 1)
    middle = float(centre.mean())
    step = max(1.0, 0.5e6 / RATE / max(np.ptp(centre), 1.0) * 2)  # ppm: half a sample at the ends
    drifts = np.arange(0, LARGEST_DRIFT + step, step)
    drifts = np.concatenate([-drifts[:0:-1], drifts])
    best, which = np.full(len(lags), -np.inf), np.zeros(len(lags))
    padded = np.pad(table, ((0, 0), (1, 1)))
    for drift in drifts:
        total = np.zeros(len(lags))
        for row, start, at in zip(padded, starts, centre, strict=True):
            shift = round(drift / 1e6 * (at - middle) * RATE)
            place = np.clip(start + lags + shift + width + 1, 0, len(row) - 1)
            total += row[place]
        better = total > best
        best[better], which[better] = total[better], drift
    peak = int(np.argmax(best))
    away = np.abs(lags - lags[peak]) > 10 * RATE
    inside = away & (best != 0)
    spread = float(np.std(best[inside])) if inside.sum() > 100 else np.inf
    height = (best[peak] - float(np.mean(best[inside]))) / spread if inside.any() else 0.0
    rival = float(best[away].max()) / float(best[peak]) if best[peak] > 0 else np.inf
    if height < OUTSTANDING or rival > RIVAL:
        raise AlignmentError(
            f"{name} that agrees best at a lag of {lags[peak] / RATE:.1f} s, {height:.1f} SD above "
            f"others, the next best {100 * rival:.0f} % as good",
            f"{OUTSTANDING:g} SD and no other above {100 * RIVAL:.0f} %",
            REMEDY,
        )
    drift = float(which[peak])
    return lags[peak] / RATE - drift / 1e6 * middle, drift


def _fine_line(table, starts, centre, lag: float, drift: float, name: str) -> ClockModel:
    """The line near (lag, drift) with the largest sum of correlations; doubt by bootstrap.

    Windows are drawn anew (Efron 1979, doi:10.1214/aos/1176344552), which is right also where a
    few movements say most.
    """
    width = int(2 * centre[0] * RATE)
    middle = float(centre.mean())
    slack = 1e6 * SLACK / max(np.ptp(centre) / 2, 1.0)
    drifts, lags = np.linspace(-slack, slack, 41), np.arange(-NEAR, NEAR + 0.01, 0.05)
    at = lag + (drift * centre[:, None] + drifts * (centre[:, None] - middle)) / 1e6
    place = (at[:, :, None] + lags) * RATE + starts[:, None, None] + width
    whole = np.arange(table.shape[1])
    parts = np.stack([np.interp(p, whole, row, 0, 0) for p, row in zip(place, table, strict=True)])
    there = parts[:, len(drifts) // 2].max(-1) > LEAST_CORRELATION
    if there.sum() < FEWEST_WINDOWS:
        raise AlignmentError(
            f"{there.sum()} of {len(starts)} windows of {name} that agree",
            f"at least {FEWEST_WINDOWS}",
            REMEDY,
        )
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(table), np.full(len(table), 1 / len(table)), DRAWS)
    sums = np.tensordot(np.vstack([np.ones(len(table)), draws]), parts, 1)
    steps = drifts[1] - drifts[0], lags[1] - lags[0]
    found = np.array([_top(total, *steps) for total in sums])
    slope, late = drifts[0] + found[:, 0], lags[0] + found[:, 1]
    offset = lag + late - slope * middle / 1e6
    slope = drift + slope
    ends = np.percentile(offset[1:], [2.5, 97.5]), np.percentile(slope[1:], [2.5, 97.5])
    return ClockModel(
        float(offset[0]),
        float(slope[0]),
        float(np.std(late[1:]) * np.sqrt(there.sum())),
        int(there.sum()),
        "physiology",
        (float(ends[0][0]), float(ends[0][1])),
        (float(ends[1][0]), float(ends[1][1])),
    )


def _top(total: np.ndarray, *steps: float) -> tuple[float, ...]:
    """Where a surface is highest, between its points: distance from its first corner."""
    peak = np.unravel_index(int(np.argmax(total)), total.shape)
    found = []
    for axis, (index, step) in enumerate(zip(peak, steps, strict=True)):
        line = np.moveaxis(total, axis, 0)[(slice(None), *np.delete(peak, axis))]
        shift = 0.0
        if 0 < index < len(line) - 1:
            left, top, right = line[index - 1 : index + 2]
            bend = left - 2 * top + right
            shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
        found.append((index + shift) * step)
    return tuple(found)


def _by_beats(eeg, nirs, rough: ClockModel, centre: np.ndarray, size: float) -> ClockModel:
    """The line through the medians, window by window, of pulse to R peak; less the pulse's way."""
    gaps = np.diff(eeg)
    variability = float(np.std(gaps[gaps < 2 * np.median(gaps)]))
    if variability < STEADY:
        raise AlignmentError(
            f"a heart so steady ({1e3 * variability:.0f} ms) that its beats cannot be told apart",
            f"beats whose intervals vary by {1e3 * STEADY:.0f} ms",
            REMEDY,
        )
    there = rough.to_common(nirs)
    after = np.searchsorted(eeg, there).clip(1, len(eeg) - 1)
    nearest = np.where(there - eeg[after - 1] < eeg[after] - there, eeg[after - 1], eeg[after])
    gap = nearest - there
    at, value = [], []
    for middle in centre:
        inside = (np.abs(nirs - middle) <= size / 2) & (np.abs(gap) < NEAREST_BEAT)
        if inside.sum() < 20:
            continue
        usual = float(np.median(gap[inside]))
        if 1.4826 * float(np.median(np.abs(gap[inside] - usual))) < LOOSE:
            at.append(middle)
            value.append(usual)
    if len(at) < FEWEST_WINDOWS:
        raise AlignmentError(
            f"{len(at)} windows in which pulses meet R peaks", f"at least {FEWEST_WINDOWS}", REMEDY
        )
    x = np.array(at)
    line = _robust_line(x, rough.to_common(x) + value)
    return line


def _robust_line(x: np.ndarray, y: np.ndarray) -> ClockModel:
    """A line without the windows that lie far from it."""
    kept = np.ones(len(x), bool)
    for _ in range(3):
        line = fit_line(x[kept], y[kept], "physiology")
        rest = np.abs(y - line.to_common(x))
        kept = rest <= max(3 * 1.4826 * float(np.median(rest)), 0.02)
    if kept.sum() < max(FEWEST_WINDOWS, 0.6 * len(x)):
        raise AlignmentError(
            f"{kept.sum()} of {len(x)} windows near a line", "at least 60 %", REMEDY
        )
    return fit_line(x[kept], y[kept], "physiology")


def _certain(clock: ClockModel, seconds: float, name: str) -> ClockModel:
    """The clock, if its doubt and its drift are small enough."""
    doubt = (clock.offset_interval[1] - clock.offset_interval[0]) / 2
    drift = (clock.drift_interval[1] - clock.drift_interval[0]) / 2
    # offset and drift err against each other: at the middle they are least
    worst = max(doubt, abs(drift * 1e-6 * seconds - doubt))
    if worst > LARGEST_DOUBT or abs(clock.drift) > LARGEST_DRIFT + drift:
        raise AlignmentError(
            f"{name} that puts the streams together to {1e3 * worst:.0f} ms, with a drift of "
            f"{clock.drift:.0f} ± {drift:.0f} ppm",
            f"at most {1e3 * LARGEST_DOUBT:.0f} ms and {LARGEST_DRIFT:.0f} ppm",
            REMEDY,
        )
    return clock


def _after_the_heart(clock: ClockModel) -> ClockModel:
    """The clock less the pulse's way from heart to head, with what is not known of it."""
    low, high = clock.offset_interval
    doubt = 1.96 * ARRIVAL_SPREAD
    return dataclasses.replace(
        clock,
        offset=clock.offset + ARRIVAL,
        offset_interval=(low + ARRIVAL - doubt, high + ARRIVAL + doubt),
    )
