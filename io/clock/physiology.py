"""Alignment by physiology that both modalities measure: heart rate and bouts of movement.

The time course of one modality is correlated in windows with that of the other; windows vote for a
common line (offset, drift). It has to stand far above every other line, and the remaining
uncertainty must be small: otherwise the alignment is refused.
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

WANTED = "4 min in which both modalities measured the heart rate (EEG with an ECG channel)"
REMEDY = "give offset=SECONDS (--offset SECONDS) or files with shared events"
LARGEST_OFFSET = 900.0  # s
WINDOW, SHORTEST_WINDOW = 300.0, 60.0  # s, to find the line
FINE_WINDOW = 60.0  # s, to refine it
FEWEST_WINDOWS = 4
LEAST_HEIGHT = 7.0  # SD of the sums at all other offsets
LARGEST_RIVAL = 0.6  # of the best line's sum; a higher second line makes the best one ambiguous
LARGEST_ERROR = 0.06  # s, half width of the interval before the spread of the delay is added
SEARCHED_LAG = 1.5  # s about the first line, where the refined one is searched
SEARCHED_TURN = 1.0  # s by which its ends may turn away
LARGEST_DISAGREEMENT = 0.5  # s between the offsets by heart rate and by movement
BOOTSTRAPS = 200
LEAST_CORRELATION = 0.2  # of a window that is used
# The pulse wave rises most steeply at the head 0.22 s after the R peak, with a standard deviation
# of 0.04 s between participants. At the ear its foot comes 0.13 s and its peak 0.40 s after R
# (Allen & Murray 2000, doi:10.1049/ip-smt:20000846).
PULSE_DELAY, PULSE_DELAY_SD = 0.22, 0.04
LEAST_VARIABILITY = 0.025  # s, SD of the beats' intervals; below, beats look alike
LARGEST_BEAT_SCATTER = 0.08  # s, robust SD in a window; beats matched by chance scatter by 0.2 s
FARTHEST_BEAT = 0.3  # s


def by_physiology(eeg: xr.DataTree, nirs: xr.DataTree) -> ClockModel:
    """Offset and drift from heart rate (with an ECG channel in the EEG file).

    Movement only confirms it: its lag between the modalities is not known well enough.

    Parameters
    ----------
    eeg, nirs : Recording
        One stream each, at least 4 min long.

    Returns
    -------
    ClockModel
        `anchors` counts windows. The offset is corrected for the 0.22 s that the pulse wave takes
        from the heart to the head, and the interval is wider by the spread of this delay between
        participants (0.08 s).

    Raises
    ------
    AlignmentError
        If no heart rate matches beyond chance, two lines fit about as well, the heart rate varies
        too little, movement disagrees, or the uncertainty exceeds 60 ms (without that of the
        pulse delay).
    """
    refusals = []
    clocks = []
    for name, one, other in (
        ("heart rate", courses.eeg_heart(eeg), courses.nirs_heart(nirs)),
        ("movement", courses.eeg_movement(eeg), courses.nirs_movement(nirs)),
    ):
        if one is None or other is None:
            where = "fNIRS" if one is not None else "EEG"
            cause = " (no usable ECG channel)" if (name, where) == ("heart rate", "EEG") else ""
            refusals.append(f"no {name} that could be estimated from the {where}{cause}")
            continue
        try:
            clocks.append((name, match_courses(one, other, name)))
        except AlignmentError as error:
            refusals.append(error.found)
    if not clocks or clocks[0][0] != "heart rate":
        refusals += [f"movement that matches at {clock.offset:.1f} s" for _, clock in clocks]
        raise AlignmentError("; ".join(refusals), WANTED, REMEDY)
    clock = clocks[0][1]
    if len(clocks) == 2 and abs(clocks[1][1].offset - clock.offset) > LARGEST_DISAGREEMENT:
        raise AlignmentError(
            f"an offset of {clock.offset:.2f} s by heart rate and {clocks[1][1].offset:.2f} s by "
            "movement",
            f"both to agree within {LARGEST_DISAGREEMENT:g} s",
            REMEDY,
        )
    return clock


def match_courses(eeg: Course, nirs: Course, name: str) -> ClockModel:
    """The line from the fNIRS's time to the EEG's on which two time courses agree."""
    seconds = len(nirs.values) / RATE
    size = min(WINDOW, min(seconds, len(eeg.values) / RATE) / FEWEST_WINDOWS)
    if size < SHORTEST_WINDOW:
        raise AlignmentError(
            f"only {seconds:.0f} s of fNIRS to match {name}",
            f"at least {FEWEST_WINDOWS * SHORTEST_WINDOW:.0f} s",
            REMEDY,
        )
    lag, drift = _common_line(*_windows(eeg, nirs, size), name)
    table, starts, centre = _windows(eeg, nirs, FINE_WINDOW)
    clock = _fine_line(table, starts, centre, lag, drift, name)
    if eeg.beats.size and nirs.beats.size:
        clock = _by_beats(eeg.beats, nirs.beats, clock, centre, FINE_WINDOW)
        return _without_pulse_delay(_precise(clock, seconds, name))
    return _precise(clock, seconds, name)


def _windows(eeg: Course, nirs: Course, size: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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
    # a window that lies partly outside must not score higher for it
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
    if height < LEAST_HEIGHT or rival > LARGEST_RIVAL:
        raise AlignmentError(
            f"{name} that matches best at a lag of {lags[peak] / RATE:.1f} s, "
            f"{height:.1f} SD above other lags, with a second peak {100 * rival:.0f} % as high",
            f"at least {LEAST_HEIGHT:g} SD and no second peak above {100 * LARGEST_RIVAL:.0f} %",
            REMEDY,
        )
    drift = float(which[peak])
    return lags[peak] / RATE - drift / 1e6 * middle, drift


def _fine_line(
    table: np.ndarray, starts: np.ndarray, centre: np.ndarray, lag: float, drift: float, name: str
) -> ClockModel:
    """The line near (lag, drift) with the largest sum of correlations; intervals by bootstrap.

    Windows are resampled (Efron 1979, doi:10.1214/aos/1176344552), which is valid also where a few
    windows dominate.
    """
    width = int(2 * centre[0] * RATE)
    middle = float(centre.mean())
    turn = 1e6 * SEARCHED_TURN / max(np.ptp(centre) / 2, 1.0)
    drifts = np.linspace(-turn, turn, 41)
    lags = np.arange(-SEARCHED_LAG, SEARCHED_LAG + 0.01, 0.05)
    at = lag + (drift * centre[:, None] + drifts * (centre[:, None] - middle)) / 1e6
    place = (at[:, :, None] + lags) * RATE + starts[:, None, None] + width
    whole = np.arange(table.shape[1])
    parts = np.stack([np.interp(p, whole, row, 0, 0) for p, row in zip(place, table, strict=True)])
    used = parts[:, len(drifts) // 2].max(-1) > LEAST_CORRELATION
    if used.sum() < FEWEST_WINDOWS:
        raise AlignmentError(
            f"{used.sum()} of {len(starts)} windows of {name} that match",
            f"at least {FEWEST_WINDOWS}",
            REMEDY,
        )
    rng = np.random.default_rng(0)
    counts = rng.multinomial(len(table), np.full(len(table), 1 / len(table)), BOOTSTRAPS)
    sums = np.tensordot(np.vstack([np.ones(len(table)), counts]), parts, 1)
    steps = drifts[1] - drifts[0], lags[1] - lags[0]
    tops = np.array([_top(total, *steps) for total in sums])
    slope, late = drifts[0] + tops[:, 0], lags[0] + tops[:, 1]
    offset = lag + late - slope * middle / 1e6
    slope = drift + slope
    ends = np.percentile(offset[1:], [2.5, 97.5]), np.percentile(slope[1:], [2.5, 97.5])
    return ClockModel(
        float(offset[0]),
        float(slope[0]),
        float(np.std(late[1:]) * np.sqrt(used.sum())),
        int(used.sum()),
        "physiology",
        (float(ends[0][0]), float(ends[0][1])),
        (float(ends[1][0]), float(ends[1][1])),
    )


def _top(total: np.ndarray, *steps: float) -> tuple[float, ...]:
    """Where a surface has its maximum, interpolated by parabolas, from its first corner."""
    peak = np.unravel_index(int(np.argmax(total)), total.shape)
    corner_distance = []
    for axis, (index, step) in enumerate(zip(peak, steps, strict=True)):
        line = np.moveaxis(total, axis, 0)[(slice(None), *np.delete(peak, axis))]
        shift = 0.0
        if 0 < index < len(line) - 1:
            left, top, right = line[index - 1 : index + 2]
            bend = left - 2 * top + right
            shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
        corner_distance.append((index + shift) * step)
    return tuple(corner_distance)


def _by_beats(
    eeg: np.ndarray, nirs: np.ndarray, rough: ClockModel, centre: np.ndarray, size: float
) -> ClockModel:
    """The line through the medians, window by window, of R peak against pulse."""
    gaps = np.diff(eeg)
    variability = float(np.std(gaps[gaps < 2 * np.median(gaps)]))
    if variability < LEAST_VARIABILITY:
        raise AlignmentError(
            f"heart beats whose intervals vary by {1e3 * variability:.0f} ms only",
            f"intervals that vary (SD) by at least {1e3 * LEAST_VARIABILITY:.0f} ms",
            REMEDY,
        )
    pulses = rough.to_common(nirs)
    after = np.searchsorted(eeg, pulses).clip(1, len(eeg) - 1)
    nearest = np.where(pulses - eeg[after - 1] < eeg[after] - pulses, eeg[after - 1], eeg[after])
    gap = nearest - pulses
    at, value = [], []
    for middle in centre:
        inside = (np.abs(nirs - middle) <= size / 2) & (np.abs(gap) < FARTHEST_BEAT)
        if inside.sum() < 20:
            continue
        usual = float(np.median(gap[inside]))
        if 1.4826 * float(np.median(np.abs(gap[inside] - usual))) < LARGEST_BEAT_SCATTER:
            at.append(middle)
            value.append(usual)
    if len(at) < FEWEST_WINDOWS:
        raise AlignmentError(
            f"{len(at)} windows in which pulses match R peaks", f"at least {FEWEST_WINDOWS}", REMEDY
        )
    x = np.array(at)
    return _robust_line(x, rough.to_common(x) + value)


def _robust_line(x: np.ndarray, y: np.ndarray) -> ClockModel:
    """A line without the windows that lie far from it."""
    kept = np.ones(len(x), bool)
    for _ in range(3):
        line = fit_line(x[kept], y[kept], "physiology")
        rest = np.abs(y - line.to_common(x))
        kept = rest <= max(3 * 1.4826 * float(np.median(rest)), 0.02)
    if kept.sum() < max(FEWEST_WINDOWS, 0.6 * len(x)):
        raise AlignmentError(
            f"{kept.sum()} of {len(x)} windows near one line", "at least 60 %", REMEDY
        )
    return fit_line(x[kept], y[kept], "physiology")


def _precise(clock: ClockModel, seconds: float, name: str) -> ClockModel:
    """The clock, if its uncertainty and its drift are small enough."""
    error = (clock.offset_interval[1] - clock.offset_interval[0]) / 2
    drift = (clock.drift_interval[1] - clock.drift_interval[0]) / 2
    # errors of offset and drift are anticorrelated: in the middle they cancel
    worst = max(error, abs(drift * 1e-6 * seconds - error))
    if worst > LARGEST_ERROR or abs(clock.drift) > LARGEST_DRIFT + drift:
        raise AlignmentError(
            f"{name} that aligns the streams to ±{1e3 * worst:.0f} ms, with a drift of "
            f"{clock.drift:.0f} ± {drift:.0f} ppm",
            f"at most ±{1e3 * LARGEST_ERROR:.0f} ms and {LARGEST_DRIFT:.0f} ppm",
            REMEDY,
        )
    return clock


def _without_pulse_delay(clock: ClockModel) -> ClockModel:
    """The clock corrected for the delay of the pulse wave at the head, and for its spread."""
    low, high = clock.offset_interval
    error = 1.96 * PULSE_DELAY_SD
    return dataclasses.replace(
        clock,
        offset=clock.offset + PULSE_DELAY,
        offset_interval=(low + PULSE_DELAY - error, high + PULSE_DELAY + error),
    )
