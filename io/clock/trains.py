"""Two pulse trains and the lines in time that match them: a Hough vote, then refinement."""

from dataclasses import dataclass

import numpy as np

from neurofuse.io.clock.line import fit_line, least_squares
from neurofuse.io.clock_model import ClockModel

FEWEST_ANCHORS = 3
SEARCHED_DRIFT = 1000.0  # ppm; beyond what is accepted, so that a refusal can name it
VOTING_WINDOW = 0.2  # s, width within which time differences vote together
TOLERANCE = 0.3  # s, to match pulses before the line is known well
LEAST_TOLERANCE = 0.02  # s, pulses as near as this match however small the scatter
MOST_VOTES = 30_000_000  # pairs of pulses times drifts; of longer trains every n-th pulse votes
MOST_CANDIDATES = 40
LEAST_VOTES = 0.25  # of the most votes; lines with fewer are no candidates
ITERATIONS = 12  # of matching and fitting; two or three are usual


@dataclass(frozen=True)
class Trains:
    """Both trains: times [s] in order, and a number for each pulse's name."""

    y: np.ndarray  # the EEG's
    x: np.ndarray  # the fNIRS's
    y_name: np.ndarray
    x_name: np.ndarray

    def span(self, clock: ClockModel) -> tuple[float, float]:
        """Where both trains run, in common time [s]."""
        first, last = clock.to_common(self.x[[0, -1]])
        return max(self.y[0], first), min(self.y[-1], last)

    def inside(self, clock: ClockModel, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """Which pulses of each train (y, x) lie where both run."""
        low, high = self.span(clock)
        at = clock.to_common(self.x)
        return (
            (self.y >= low - margin) & (self.y <= high + margin),
            (at >= low - margin) & (at <= high + margin),
        )


@dataclass(frozen=True)
class Match:
    """A line, and the pulses that it matches: (pair, 2), indices in y and in x."""

    clock: ClockModel
    pairs: np.ndarray

    def distance(self, trains: Trains) -> np.ndarray:
        """Time [s] between the pulses of each pair on this line."""
        return np.abs(trains.y[self.pairs[:, 0]] - self.clock.to_common(trains.x[self.pairs[:, 1]]))


def matches(trains: Trains) -> list[Match]:
    """The lines that match at least three pulses, with drifts up to ±1000 ppm.

    Examples
    --------
    >>> x = np.array([3.0, 9.5, 20.1, 42.7])
    >>> one = np.zeros(4, int)
    >>> best = max(matches(Trains(x + 2, x, one, one)), key=lambda m: len(m.pairs))
    >>> round(best.clock.offset, 6), best.pairs.tolist()
    (2.0, [[0, 0], [1, 1], [2, 2], [3, 3]])
    """
    return [m for start in _voted(trains) if (m := _refined(trains, start)) is not None]


def nearest(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """For each of `wanted` the index of the nearest of `values`."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    right = np.searchsorted(ranked, wanted).clip(0, len(ranked) - 1)
    left = np.maximum(right - 1, 0)
    nearer = np.abs(ranked[left] - wanted) <= np.abs(ranked[right] - wanted)
    return order[np.where(nearer, left, right)]


def _voted(trains: Trains) -> list[ClockModel]:
    """Rough lines that many pairs share, from votes over (offset, drift) (Hough 1962)."""
    x, y = trains.x, trains.y
    centre, half = (x[0] + x[-1]) / 2, max(float(np.ptp(x)) / 2, 1e-3)
    reach = 1e-6 * SEARCHED_DRIFT * half  # s by which drift shifts the ends of the train
    steps = int(np.ceil(reach / (VOTING_WINDOW / 2)))
    every = max(1, int(np.ceil(len(x) * len(y) * (2 * steps + 1) / MOST_VOTES)))
    voter = slice(None, None, every)
    same = trains.x_name[voter][:, None] == trains.y_name
    if not same.any():
        return []
    gap_of_pair = (y - x[voter][:, None])[same]
    lever = np.broadcast_to((x[voter] - centre)[:, None], same.shape)[same]
    low = gap_of_pair.min() - reach - VOTING_WINDOW
    bins = int((gap_of_pair.max() + reach - low) / (VOTING_WINDOW / 2)) + 2
    ranked: list[tuple[int, float, float]] = []
    for drift in np.linspace(-1, 1, 2 * steps + 1) * 1e-6 * SEARCHED_DRIFT:
        cell = ((gap_of_pair - lever * drift - low) / (VOTING_WINDOW / 2)).astype(int)
        votes = np.bincount(cell, minlength=bins)
        votes[:-1] += votes[1:]
        top = np.flatnonzero(votes >= max(1, FEWEST_ANCHORS // every, LEAST_VOTES * votes.max()))
        top = top[np.argsort(-votes[top], kind="stable")[: 4 * MOST_CANDIDATES]]
        ranked += [(int(votes[t]), low + (t + 1) * VOTING_WINDOW / 2, drift) for t in top]
    ranked.sort(key=lambda r: (-r[0], abs(r[2])))
    kept: list[tuple[float, float]] = []
    for votes, middle, drift in ranked:
        if votes < LEAST_VOTES * ranked[0][0] or len(kept) == MOST_CANDIDATES:
            break
        if all(abs(middle - other) > 0.75 * VOTING_WINDOW for other, _ in kept):
            kept.append((middle, drift))
    return [ClockModel(middle - centre * drift, 1e6 * drift) for middle, drift in kept]


def _refined(trains: Trains, clock: ClockModel) -> Match | None:
    """The line through the pulses that match about a first guess, without outliers."""
    tolerance = TOLERANCE
    y = x = last = pairs = np.empty(0)
    for iteration in range(ITERATIONS):
        last, pairs = pairs, _paired(trains, clock, tolerance)
        y, x = trains.y[pairs[:, 0]], trains.x[pairs[:, 1]]
        if len(x) < FEWEST_ANCHORS or np.ptp(x) < 1e-9:
            return None
        if iteration > 2 and np.array_equal(pairs, last):
            break
        fitted = x, y
        if iteration < 2 and np.count_nonzero(kept := _straight(x, y - x)) >= FEWEST_ANCHORS:
            fitted = (x[kept], y[kept]) if np.ptp(x[kept]) > 1e-9 else fitted
        clock = least_squares(*fitted)
        error = np.abs(y - clock.to_common(x))
        spread = 1.4826 * float(np.median(error)) * np.sqrt(len(error) / (len(error) - 2))
        tolerance = float(np.clip(4 * spread, LEAST_TOLERANCE, TOLERANCE))
    return Match(fit_line(x, y, "events"), pairs)


def _paired(trains: Trains, clock: ClockModel, tolerance: float) -> np.ndarray:
    """Pairs (y, x) of pulses of one name that are each other's nearest, within `tolerance` [s]."""
    at = clock.to_common(trains.x)
    # names are shifted so far gap_of_pair in time that one search finds the nearest pulse of a name
    far = 4 * (np.ptp(np.append(at, trains.y)) + 1)
    y_key, x_key = trains.y + far * trains.y_name, at + far * trains.x_name
    to_y, to_x = nearest(y_key, x_key), nearest(x_key, y_key)
    index = np.arange(len(x_key))
    mutual = (to_x[to_y] == index) & (np.abs(y_key[to_y] - x_key) <= tolerance)
    return np.column_stack([to_y[mutual], index[mutual]])


def _straight(x: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """Which points lie on one line: median of slopes (Theil 1950), then within 4 deviations."""
    some = np.linspace(0, len(x) - 1, min(len(x), 80)).astype(int)
    i, j = np.triu_indices(len(some), 1)
    run, rise = x[some][j] - x[some][i], gap[some][j] - gap[some][i]
    slopes = rise[np.abs(run) > 1e-9] / run[np.abs(run) > 1e-9]
    slopes = slopes[np.abs(slopes) <= 2e-6 * SEARCHED_DRIFT]
    rest = gap - (np.median(slopes) if len(slopes) else 0.0) * x
    error = np.abs(rest - np.median(rest))
    return error <= max(4 * 1.4826 * float(np.median(error)), LEAST_TOLERANCE)
