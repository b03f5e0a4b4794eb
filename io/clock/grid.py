"""Sample times as a file has them → a rate and an even grid."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG

LONG_STEP = 1.5  # steps; a longer one may be a gap
LASTING_DELAY = 0.75  # steps by which samples stay late after a gap; after jitter they do not
MOST_GAPS = 0.05  # of all steps; with more of them the times are uneven, not interrupted
ON_GRID = 0.1  # of a step: times this near to the grid are taken to be on it
LARGEST_WANDER = 0.25  # of a step: smoothed times that deviate further keep their place
CONTEXT = 10  # samples on either side of a long step that show whether the delay lasts
SMOOTHING = 21  # samples over which jitter is averaged out
MOST_REPEATED = 0.01  # of all times; with more repeated ones the device's times are not usable
LONGEST_GRID = 50  # times the number of samples: a longer grid consists mostly of gaps


@dataclass(frozen=True)
class Grid:
    """Where samples lie on an even grid of times `start` + n / `rate`.

    Parameters
    ----------
    rate : float
        Samples a second [Hz].
    start : float
        Time of the first sample [s], without its jitter.
    place : array (sample,)
        Position of each sample on the grid [steps].
    gaps : list of (onset, duration)
        Interruptions [s, from `start`]: from the last sample before to the first after.
    scatter : float
        95 % of the file's times lie within this distance of their place [s].
    """

    rate: float
    start: float
    place: np.ndarray
    gaps: list[tuple[float, float]]
    scatter: float

    @property
    def even(self) -> bool:
        """Whether samples are on the grid already, none missing."""
        return bool(self.place[-1] == len(self.place) - 1 and (np.diff(self.place) == 1).all())

    def fill(self, data: np.ndarray) -> np.ndarray:
        """Samples (channel, time) interpolated linearly to the grid; those on it stay exactly."""
        if self.even:
            return data
        slots = np.arange(round(float(self.place[-1])) + 1)
        return np.array([np.interp(slots, self.place, row) for row in data])


def even_grid(time: np.ndarray, source: object, resolution: float = 0.0) -> Grid:
    """The even grid that sample times lie on: its rate is the least-squares slope.

    Jitter and rounding of the times thus average out, and gaps do not bias the rate. Where the
    simplest decimal rate fits the times as exactly as they are stored, that one is taken (10 Hz,
    not 9.9999998). Times that wander from an even grid for longer than jitter does keep their
    place between its points. Single times that were given twice are placed between their
    neighbours, with a warning.

    Parameters
    ----------
    time : array (sample,)
        Times [s], ascending.
    source : path
        For messages.
    resolution : float
        Resolution of the file's times [s], for example of a float32 time vector.

    Raises
    ------
    ReadError
        If there are fewer than two times, they do not ascend, or they consist mostly of gaps.

    Examples
    --------
    >>> grid = even_grid(np.round(np.arange(600) / 10.17, 3), "a.snirf")  # stamps in whole ms
    >>> round(grid.rate, 3)
    10.17
    >>> even_grid(np.array([0.0, 0.1, 0.2, 0.7, 0.8]), "a.snirf").place.tolist()
    [0.0, 1.0, 2.0, 7.0, 8.0]
    """
    refuse = _refusal(source)
    if len(time) < 2:
        raise refuse(f"{len(time)} sample times", "at least two")
    time = _once(time, source)
    if not np.isfinite(time).all() or not (np.diff(time) > 0).all():
        raise ReadError(
            f"{source}, whose sample times do not ascend",
            "times that grow from sample to sample",
            "export the recording again",
        )
    count = len(time)
    since = time - time[0]
    gaps = np.empty(0, int)
    step, start, shift, run = _line(since, gaps)
    if np.abs(_smooth((since - start) / step - np.arange(count))).max() > LASTING_DELAY / 2:
        gaps = _gaps(since)  # more than jitter about one line
        step, start, shift, run = _line(since, gaps)
    near = np.round(shift)
    place = np.arange(count) + np.where(np.abs(shift - near) < ON_GRID, near, shift)[run]
    away = (since - start) / step - place
    stray = _smooth(away)
    if np.quantile(np.abs(stray), 0.95) > LARGEST_WANDER:
        place = place + stray - stray[0]
        start += float(stray[0] * step)
    scatter = float(np.quantile(np.abs(away), 0.95))
    if abs(start) < 1e-3 * step:
        start = 0.0
    if place[-1] > LONGEST_GRID * count:
        raise refuse(
            f"{count} samples with gaps of {since[-1] - count * step:.3g} s in total",
            "more samples than gaps",
        )
    rate = _plain(1 / step, place, since - start, max(resolution, float(np.spacing(time[-1]))))
    spans = [(float(since[i] - start), float(since[i + 1] - since[i])) for i in gaps]
    return Grid(rate, float(time[0]) + start, place, spans, scatter * step)


def _once(time: np.ndarray, source: object) -> np.ndarray:
    """Times of which each is given once: repeated ones lie evenly up to the next."""
    repeated = np.flatnonzero(np.diff(time) == 0) + 1
    if not 0 < len(repeated) <= max(MOST_REPEATED * len(time), 3) or len(repeated) > len(time) / 4:
        return time
    LOG.warning(
        "%s: %d time %s given twice (the first: %.10g s, at sample %d); placed between the times "
        "around",
        source,
        len(repeated),
        "stamp is" if len(repeated) == 1 else "stamps are",
        time[repeated[0]],
        repeated[0],
    )
    index = np.arange(len(time) + 1)
    known = np.delete(index, repeated)
    after = time[known[-2]] + np.median(np.diff(time)) * (known[-1] - known[-2])
    return np.interp(index, known, np.append(time[known[:-1]], after))[:-1]


def _line(since: np.ndarray, gaps: np.ndarray) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Step and start [s] of the line through runs between gaps, each run's delay [steps]."""
    run = np.zeros(len(since), int)
    run[gaps + 1] = 1
    run = np.cumsum(run)
    index, sizes = np.arange(len(since)), np.bincount(run)
    middle, instant = np.bincount(run, index) / sizes, np.bincount(run, since) / sizes
    away = index - middle[run]
    spread = np.sum(away**2)  # not @: BLAS threads cost more than they save here
    step = float(np.sum(away * (since - instant[run])) / spread)  # one slope for all runs
    shift = instant / step - middle
    return step, float(shift[0] * step), shift - shift[0], run


def _gaps(since: np.ndarray) -> np.ndarray:
    """Last samples before gaps: a long step whose delay later samples do not make up for."""
    steps = np.diff(since)
    usual = float(np.median(steps))
    late = np.pad(since / usual - np.arange(len(since)), CONTEXT, constant_values=np.nan)
    long = np.flatnonzero(steps > LONG_STEP * usual)
    before = long[:, None] + 1 + np.arange(CONTEXT)  # in the padded array: the sample is the last
    after = before + CONTEXT
    stays = np.nanmedian(late[after], axis=1) - np.nanmedian(late[before], axis=1)
    gaps = long[stays > LASTING_DELAY]
    return gaps if len(gaps) <= max(MOST_GAPS * len(steps), 3) else gaps[:0]


def _smooth(values: np.ndarray) -> np.ndarray:
    half = min(SMOOTHING // 2, len(values) // 8)
    padded = np.pad(values, half, mode="edge")
    return np.convolve(padded, np.full(2 * half + 1, 1 / (2 * half + 1)), "valid")


def _plain(rate: float, place: np.ndarray, since: np.ndarray, resolution: float) -> float:
    """The shortest decimal rate that yields the times as exactly as they are stored."""
    nearest = rate + np.spacing(rate) * np.arange(-8, 9)
    exact = [float(near) for near in nearest if np.array_equal(place / near, since)]
    if exact:
        return min(exact, key=lambda near: len(repr(near)))
    for digits in range(1, 16):
        simple = float(f"{rate:.{digits}g}")
        if np.abs(since - place / simple).max() <= 2 * resolution:
            return simple
    return rate


def _refusal(source: object) -> Callable[[str, str], ReadError]:
    return lambda found, wanted: ReadError(
        f"{found} in {source}", wanted, "export the recording again"
    )
