"""Gaussians of rows in which some numbers are missing, by expectation maximisation."""

from dataclasses import dataclass

import numpy as np

STEPS = 4
NUGGET = 1e-3  # added to every variance, of standardised numbers
MEAN_PRIOR = 10.0  # rows that a mean in common counts for


@dataclass(frozen=True)
class Gaussian:
    """Mean (number,) and covariance (number, number)."""

    mean: np.ndarray
    covariance: np.ndarray


def shared(rows: np.ndarray, kind: np.ndarray, kinds: int) -> list[Gaussian]:
    """A start for each kind: its own mean, and the covariance within all kinds.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(500, 2)) * [1, 3]
    >>> shared(rows, np.zeros(500, int), 1)[0].covariance.round().diagonal().tolist()
    [1.0, 9.0]
    """
    known = np.isfinite(rows)
    means = np.zeros((kinds, rows.shape[1]))
    for k in range(kinds):
        own = known[kind == k].sum(0)
        means[k] = np.where(known, rows, 0)[kind == k].sum(0) / (own + MEAN_PRIOR)
    start = Gaussian(np.zeros(rows.shape[1]), np.eye(rows.shape[1]))
    within = fit(rows - means[kind], start, 1.0).covariance
    return [Gaussian(mean, within) for mean in means]


def fit(rows: np.ndarray, start: Gaussian, prior: float) -> Gaussian:
    """The Gaussian of rows (row, number), NaN where missing.

    Parameters
    ----------
    rows : array (row, number)
    start : Gaussian
        Where it begins.
    prior : float
        Rows that the covariance of `start` counts for.
    """
    mean, covariance = start.mean, start.covariance
    known = np.isfinite(rows)
    patterns, pattern_of = np.unique(known, axis=0, return_inverse=True)
    for _ in range(STEPS):
        total, square = np.zeros_like(mean), np.zeros_like(covariance)
        for number, seen in enumerate(patterns):
            own = rows[pattern_of.ravel() == number]
            whole = np.tile(mean, (len(own), 1))
            whole[:, seen] = own[:, seen]
            left = np.zeros_like(covariance)
            if not seen.all():
                across = covariance[np.ix_(seen, ~seen)]
                back = np.linalg.solve(covariance[np.ix_(seen, seen)], across).T
                whole[:, ~seen] += (own[:, seen] - mean[seen]) @ back.T
                left[np.ix_(~seen, ~seen)] = covariance[np.ix_(~seen, ~seen)] - back @ across
            total += whole.sum(0)
            square += whole.T @ whole + len(own) * left
        count = len(rows)
        mean = (total + MEAN_PRIOR * start.mean) / (count + MEAN_PRIOR)
        middle = total / count
        own = square - count * np.outer(middle, middle)
        covariance = (own + prior * start.covariance) / (count + prior)
        covariance = covariance + NUGGET * np.eye(len(covariance))
    return Gaussian(mean, (covariance + covariance.T) / 2)
