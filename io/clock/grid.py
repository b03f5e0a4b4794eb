"""Sample times as a file has them → a rate and an even grid."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurofuse.io.errors import ReadError

LONG = 1.5  # steps; a longer one may be a hole
LOST = 0.75  # steps that later samples stay late by after a hole; jitter is made up for
HOLES = 0.05  # of all steps; with more of them the times are uneven, not interrupted
ON_GRID = 0.1  # of a step: what stands this near to the grid is taken to be on it
WANDER = 0.25  # of a step: times that stray further, jitter averaged out, keep their own place
BESIDE = 10  # samples on either side of a long step that tell whether the delay stays
SMOOTH = 21  # samples over which jitter is averaged out
LONGEST = 50  # times the samples there are: a grid beyond holds nearly nothing but holes


@dataclass(frozen=True)
class Grid:
    """Where samples lie on an even grid of times `start` + n / `rate`.

    Parameters
    ----------
    rate : float
        Samples a second [Hz].
    start : float
        Time of the first sample [s], freed of jitter.
    place : array (sample,)
        Position of each sample on the grid [steps].
    holes : list of (onset, duration)
        Interruptions [s, from `start`]: from the last sample before to the first after.
    scatter : float
        95 % of the file's times lie this near to their place [s].
    """

    rate: float
    start: float
    place: np.ndarray
    holes: list[tuple[float, float]]
    scatter: float

    @property
    def even(self) -> bool:
        """Whether samples are on the grid already, none missing."""
        return bool(self.place[-1] == len(self.place) - 1 and (np.diff(self.place) == 1).all())

    def fill(self, data: np.ndarray) -> np.ndarray:
        """Samples (channel, time) on the grid, linear in between; those on it stay exactly."""
        if self.even:
            return data
        slots = np.arange(round(float(self.place[-1])) + 1)
        return np.array([np.interp(slots, self.place, row) for row in data])


def even_grid(time: np.ndarray, source: object, resolution: float = 0.0) -> Grid:
    """The even grid that sample times lie on: its rate is the least-squares slope.

    Jitter and rounding of the times thus average out, and holes do not bend the rate. Where the
    simplest decimal rate fits the times as well as they are stored, that one is taken (10 Hz, not
    9.9999998). Times that wander from an even grid for longer than jitter does keep their place
    between its points.

    Parameters
    ----------
    time : array (sample,)
        Times [s], ascending.
    source : path
        For messages.
    resolution : float
        Steps in which the file can tell times [s], as of a float32 time vector.

    Raises
    ------
    ReadError
        If there are fewer than two times, they do not ascend, or nearly all is hole.

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
    if not np.isfinite(time).all() or not (np.diff(time) > 0).all():
        raise ReadError(
            f"{source}, whose sample times do not ascend",
            "times that grow from sample to sample",
            "export the recording again",
        )
    count = len(time)
    since = time - time[0]
    holes = np.empty(0, int)
    step, start, shift, run = _line(since, holes)
    if np.abs(_smooth((since - start) / step - np.arange(count))).max() > LOST / 2:
        holes = _holes(since)  # more than jitter about one line
        step, start, shift, run = _line(since, holes)
    near = np.round(shift)
    place = np.arange(count) + np.where(np.abs(shift - near) < ON_GRID, near, shift)[run]
    away = (since - start) / step - place
    stray = _smooth(away)
    if np.quantile(np.abs(stray), 0.95) > WANDER:
        place = place + stray - stray[0]
        start += float(stray[0] * step)
    scatter = float(np.quantile(np.abs(away), 0.95))
    if abs(start) < 1e-3 * step:
        start = 0.0
    if place[-1] > LONGEST * count:
        raise refuse(
            f"{count} samples with holes of together {since[-1] - count * step:.3g} s",
            "mostly samples",
        )
    rate = _plain(1 / step, place, since - start, max(resolution, float(np.spacing(time[-1]))))
    spans = [(float(since[i] - start), float(since[i + 1] - since[i])) for i in holes]
    return Grid(rate, float(time[0]) + start, place, spans, scatter * step)


def _line(since: np.ndarray, holes: np.ndarray) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Step and start [s] of the line through runs between holes, each run's delay [steps]."""
    run = np.zeros(len(since), int)
    run[holes + 1] = 1
    run = np.cumsum(run)
    index, sizes = np.arange(len(since)), np.bincount(run)
    middle, instant = np.bincount(run, index) / sizes, np.bincount(run, since) / sizes
    away = index - middle[run]
    spread = np.sum(away**2)  # not @: BLAS threads cost more than they save here
    step = float(np.sum(away * (since - instant[run])) / spread)  # one slope for all runs
    shift = instant / step - middle
    return step, float(shift[0] * step), shift - shift[0], run


def _holes(since: np.ndarray) -> np.ndarray:
    """Samples that a hole follows: a long step which later stamps do not make up for."""
    steps = np.diff(since)
    usual = float(np.median(steps))
    late = np.pad(since / usual - np.arange(len(since)), BESIDE, constant_values=np.nan)
    long = np.flatnonzero(steps > LONG * usual)
    before = long[:, None] + 1 + np.arange(BESIDE)  # in the padded array: the sample is the last
    after = before + BESIDE
    stays = np.nanmedian(late[after], axis=1) - np.nanmedian(late[before], axis=1)
    found = long[stays > LOST]
    return found if len(found) <= max(HOLES * len(steps), 3) else found[:0]


def _smooth(values: np.ndarray) -> np.ndarray:
    half = min(SMOOTH // 2, len(values) // 8)
    padded = np.pad(values, half, mode="edge")
    return np.convolve(padded, np.full(2 * half + 1, 1 / (2 * half + 1)), "valid")


def _plain(rate: float, place: np.ndarray, since: np.ndarray, resolution: float) -> float:
    """The shortest decimal number that tells the times as exactly as they are stored."""
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
