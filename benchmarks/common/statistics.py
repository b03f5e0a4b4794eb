"""Means with intervals by participant, as text for tables."""

from collections.abc import Callable

import numpy as np

RESAMPLINGS = 4000  # of the bootstrap
MEAN_AND_INTERVAL = "{:.{d}f} [{:.{d}f}, {:.{d}f}]"


def interval(values: list[float], seed: int = 0) -> tuple[float, float, float]:
    """Mean over participants and its 95 % bootstrap interval.

    Examples
    --------
    >>> interval([1.0, 1.0])
    (1.0, 1.0, 1.0)
    """
    array = np.asarray(values, float)
    means = np.random.default_rng(seed).choice(array, (RESAMPLINGS, len(array))).mean(1)
    return float(array.mean()), *np.quantile(means, [0.025, 0.975]).tolist()


def cell(values: list[float], unit: Callable[[float], float] = float, digits: int = 1) -> str:
    """Text of a mean over participants with its interval, in a unit made from dB.

    Examples
    --------
    >>> cell([10.0, 10.0], ratio), cell([])
    ('10.0 [10.0, 10.0]', '–')
    """
    if not values:
        return "–"
    return MEAN_AND_INTERVAL.format(*map(unit, interval(values)), d=digits)


def decibel(energy: float, reference: float) -> float:
    """A ratio of energies in dB."""
    return float(10 * np.log10((energy + 1e-30) / (reference + 1e-30)))


def ratio(decibels: float) -> float:
    """A ratio of energies from its dB."""
    return float(10 ** (decibels / 10))
