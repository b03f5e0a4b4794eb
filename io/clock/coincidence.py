"""How likely a match of two pulse trains is a coincidence, or an echo of the true match.

An echo joins each pulse to a neighbour of its true counterpart, one lag later.
"""

import numpy as np
from scipy import stats

from neurofuse.io.clock.trains import SEARCHED_DRIFT, Match, Trains, nearest

RANDOM_PAIRS = 300  # of pulses of one train; the train is shifted by their distance
LONGEST_RUN = 50  # pulses after such a pair that are compared with the shifted ones


def scattered_chance(trains: Trains, match: Match) -> float:
    """Log expected number of lines that match as well by chance, with pulses at random times.

    The number of lines that differ by more than the scatter, times the binomial probability that
    at least so many pulses of the shorter train coincide with one of the other (a-contrario
    detection: Desolneux, Moisan, Morel 2000).
    """
    near, count, shorter = _matched(trains, match)
    low, high = trains.span(match.clock)
    length = max(high - low, 1.0)
    in_y, in_x = trains.inside(match.clock, near)
    names_y, names_x = trains.y_name[in_y], trains.x_name[in_x]
    meetings = sum(
        np.count_nonzero(names_y == name) * np.count_nonzero(names_x == name)
        for name in np.intersect1d(names_y, names_x)
    )
    hit = min(meetings / shorter * 2 * near / length, 1.0)
    offsets = (np.ptp(trains.x) + np.ptp(trains.y)) / (2 * near) + 1
    drifts = 2e-6 * SEARCHED_DRIFT * length / (2 * near) + 1
    return float(np.log(offsets * drifts) + stats.binom.logsf(count - 1, shorter, hit))


def regular_chance(trains: Trains, match: Match) -> float:
    """The same with intervals of the observed distribution, but trains unrelated in time.

    Where intervals take a few values only, trains that coincide in one pulse tend to coincide in
    the following ones too. How many do is counted by shifting each train against itself.
    """
    _, count, shorter = _matched(trains, match)
    near = _surely_near(match)
    fraction = max(
        _likeness(times, names, row, near)
        for times, names in ((trains.x, trains.x_name), (trains.y, trains.y_name))
        for row in (1, min(count - 1, LONGEST_RUN))
    )
    starts = np.log(len(trains.x) * len(trains.y))
    return float(starts + stats.binom.logsf(count - 2, shorter - 1, fraction))


def echo_chance(trains: Trains, match: Match, rival: Match) -> float:
    """Probability of a match as good as `match` if it is only an echo of a true `rival`.

    If the rival is true, the match joins each pulse to another one of the same train, a lag later.
    The fraction of pulses that have such a neighbour is counted in the trains themselves (rounded
    in favour of the rival); the number that an echo can join is binomial.
    """
    near = 0.8 * _surely_near(match)
    count = int(np.count_nonzero(match.distance(trains) <= near))
    shorter = max(min(int(v.sum()) for v in trains.inside(match.clock, near)), count)
    lag = lag_between(trains, match, rival)
    fraction = max(
        _echoes(trains.x, trains.x_name, lag, near), _echoes(trains.y, trains.y_name, lag, near)
    )
    return float(stats.binom.sf(count - 1, shorter, fraction))


def lag_between(trains: Trains, match: Match, other: Match) -> float:
    """How much later [s] another line places the middle of the matched pulses."""
    middle = float(np.mean(trains.x[match.pairs[:, 1]]))
    return float(other.clock.to_common(middle) - match.clock.to_common(middle))


def _surely_near(match: Match) -> float:
    """A distance [s] that few pulses exceed even if the scatter is underestimated.

    With three pulses on a line of two free parameters the scatter is hardly known.
    """
    free = max(match.clock.anchors - 2, 1)
    wider = float(np.sqrt(free / stats.chi2.ppf(0.05, free)))
    return 2.5 * max(match.clock.residual, 1e-3) * wider


def _matched(trains: Trains, match: Match) -> tuple[float, int, int]:
    """A distance [s] that few pulses exceed, how many stay within it, and how many could."""
    near = 2.5 * max(match.clock.residual, 1e-3)
    count = int(np.count_nonzero(match.distance(trains) <= near))
    shorter = min(int(v.sum()) for v in trains.inside(match.clock, near))
    return near, count, max(shorter, len(match.pairs))


def _likeness(times: np.ndarray, names: np.ndarray, length: int, near: float) -> float:
    """Fraction of pulses that coincide when a train is shifted so that two random pulses coincide.

    Only the `length` pulses after these two are counted.
    """
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, len(times), (2, RANDOM_PAIRS))
    first, second = first[first != second], second[first != second]
    row = first[:, None] + np.arange(1, length + 1)
    exists = row < len(times)
    row = np.minimum(row, len(times) - 1)
    at = times[row] + (times[second] - times[first])[:, None]
    exists &= at <= times[-1] + near
    far = 8 * (np.ptp(times) + 1)
    key, wanted = times + far * names, (at + far * names[row]).ravel()
    hits = np.abs(key[nearest(key, wanted)] - wanted).reshape(at.shape) <= near
    return float(np.count_nonzero(hits & exists) / max(np.count_nonzero(exists), 1))


def _echoes(times: np.ndarray, names: np.ndarray, lag: float, near: float) -> float:
    """Fraction of pulses that have another of their name `lag` later, rounded upwards."""
    far = 4 * (np.ptp(times) + abs(lag) + 1)
    key = times + far * names
    inside = (times + lag >= times[0] - near) & (times + lag <= times[-1] + near)
    hits = np.abs(key[nearest(key, key + lag)] - key - lag) <= near
    return float((np.count_nonzero(hits & inside) + 1) / (np.count_nonzero(inside) + 2))
