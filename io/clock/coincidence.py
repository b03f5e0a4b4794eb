"""How likely a match of two trains of pulses is accident, or the echo of another one."""

import numpy as np
from scipy import stats

from neurofuse.io.clock.trains import SEARCHED_DRIFT, Match, Trains, nearest

DRAWS, ROW = 300, 50  # pairs of pulses laid on each other, pulses in a row that are looked at


def scattered_chance(trains: Trains, match: Match) -> float:
    """Log of how many lines would match as well if both trains were unrelated, at random times.

    Number of lines that differ by more than the scatter, times the binomial chance that so many
    pulses of the poorer train meet one of the other (a-contrario: Desolneux, Moisan, Morel 2000).
    """
    near, count, poorer = _matched(trains, match)
    low, high = trains.span(match.clock)
    length = max(high - low, 1.0)
    in_y, in_x = trains.inside(match.clock, near)
    names_y, names_x = trains.y_name[in_y], trains.x_name[in_x]
    meetings = sum(
        np.count_nonzero(names_y == name) * np.count_nonzero(names_x == name)
        for name in np.intersect1d(names_y, names_x)
    )
    hit = min(meetings / poorer * 2 * near / length, 1.0)
    offsets = (np.ptp(trains.x) + np.ptp(trains.y)) / (2 * near) + 1
    drifts = 2e-6 * SEARCHED_DRIFT * length / (2 * near) + 1
    return float(np.log(offsets * drifts) + stats.binom.logsf(count - 1, poorer, hit))


def regular_chance(trains: Trains, match: Match) -> float:
    """The same if both trains were alike in their intervals but not in time.

    Where intervals come from a few values, trains that share one pulse share more of them: how
    many of the next ones, and of all that follow, is counted by laying each train on itself.
    """
    _, count, poorer = _matched(trains, match)
    near = _surely_near(match)
    share = max(
        _likeness(times, names, row, near)
        for times, names in ((trains.x, trains.x_name), (trains.y, trains.y_name))
        for row in (1, min(count - 1, ROW))
    )
    starts = np.log(len(trains.x) * len(trains.y))
    return float(starts + stats.binom.logsf(count - 2, poorer - 1, share))


def echo_chance(trains: Trains, match: Match, rival: Match) -> float:
    """Chance that `match` is only the echo of a true `rival`.

    Were the rival true, the match would join each pulse to another one of the same train, a lag
    later. How many pulses have such a neighbour is counted in the trains themselves; by chance a
    match could not join many more (binomial, the share rounded in favour of the rival).
    """
    near = 0.8 * _surely_near(match)
    count = int(np.count_nonzero(match.distance(trains) <= near))
    poorer = max(min(int(v.sum()) for v in trains.inside(match.clock, near)), count)
    lag = apart(trains, match, rival)
    share = max(
        _echoes(trains.x, trains.x_name, lag, near), _echoes(trains.y, trains.y_name, lag, near)
    )
    return float(stats.binom.sf(count - 1, poorer, share))


def apart(trains: Trains, match: Match, other: Match) -> float:
    """How much later [s] another line puts the middle of the matched pulses."""
    middle = float(np.mean(trains.x[match.pairs[:, 1]]))
    return float(other.clock.to_common(middle) - match.clock.to_common(middle))


def _surely_near(match: Match) -> float:
    """A distance [s] that few pulses exceed even if the scatter is larger than it looks.

    Of three pulses on a line with two free parameters, the scatter is hardly known.
    """
    free = max(match.clock.anchors - 2, 1)
    wider = float(np.sqrt(free / stats.chi2.ppf(0.05, free)))
    return 2.5 * max(match.clock.residual, 1e-3) * wider


def _matched(trains: Trains, match: Match) -> tuple[float, int, int]:
    """A distance [s] that few pulses exceed, how many keep it, and how many there could be."""
    near = 2.5 * max(match.clock.residual, 1e-3)
    count = int(np.count_nonzero(match.distance(trains) <= near))
    poorer = min(int(v.sum()) for v in trains.inside(match.clock, near))
    return near, count, max(poorer, len(match.pairs))


def _likeness(times: np.ndarray, names: np.ndarray, length: int, near: float) -> float:
    """Share of pulses that meet one when a train is laid on itself with any two pulses together.

    Of the `length` pulses that follow the two.
    """
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, len(times), (2, DRAWS))
    first, second = first[first != second], second[first != second]
    row = first[:, None] + np.arange(1, length + 1)
    there = row < len(times)
    row = np.minimum(row, len(times) - 1)
    at = times[row] + (times[second] - times[first])[:, None]
    there &= at <= times[-1] + near
    far = 8 * (np.ptp(times) + 1)
    key, wanted = times + far * names, (at + far * names[row]).ravel()
    hits = np.abs(key[nearest(key, wanted)] - wanted).reshape(at.shape) <= near
    return float(np.count_nonzero(hits & there) / max(np.count_nonzero(there), 1))


def _echoes(times: np.ndarray, names: np.ndarray, lag: float, near: float) -> float:
    """Share of pulses that have another of their name `lag` later, on the safe side."""
    far = 4 * (np.ptp(times) + abs(lag) + 1)
    key = times + far * names
    inside = (times + lag >= times[0] - near) & (times + lag <= times[-1] + near)
    hits = np.abs(key[nearest(key, key + lag)] - key - lag) <= near
    return float((np.count_nonzero(hits & inside) + 1) / (np.count_nonzero(inside) + 2))
