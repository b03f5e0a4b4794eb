"""Means with intervals by participant, as text for tables."""

from collections.abc import Callable

import numpy as np


def interval(values: list[float], seed: int = 0) -> tuple[float, float, float]:
    """Mean over people and its 95 % bootstrap interval.

    Examples
    --------
    >>> interval([1.0, 1.0])
    (1.0, 1.0, 1.0)
    """
    array = np.asarray(values, float)
    draws = np.random.default_rng(seed).choice(array, (4000, len(array))).mean(1)
    return float(array.mean()), *np.quantile(draws, [0.025, 0.975]).tolist()


def cell(values: list[float], show: Callable[[float], float] = float, digits: int = 1) -> str:
    """Markdown of a mean over people with its interval."""
    if not values:
        return "–"
    return "{:.{d}f} [{:.{d}f}, {:.{d}f}]".format(*map(show, interval(values)), d=digits)


def decibel(energy: float, reference: float) -> float:
    return float(10 * np.log10((energy + 1e-30) / (reference + 1e-30)))


def ratio(level: float) -> float:
    """A ratio of energies from its dB."""
    return float(10 ** (level / 10))
