"""Rails: the largest and smallest value that an amplifier or detector can output."""

import numpy as np

NEAR_RAIL = 0.005  # of the range: a saturated amplifier hovers a little off its rail
AT_RAIL = 1e-6  # of the range: equal samples after single precision
FEWEST_SAMPLES = 32  # to distinguish a rail from chance
PAIRED = 0.1  # fraction of samples that are followed by another at a rail
REPORTED = 0.01  # above this fraction of samples at a rail the channel is railed
UNUSABLE = 0.25  # above this fraction it is unusable (docs/quality.md: from real recordings)


def rail_share(samples: np.ndarray, low: float, high: float) -> float:
    """Fraction of samples at the rails `low` and `high`, 0 where these are no rails.

    An extreme value is a rail if three samples in a row, or a tenth of all samples in pairs, are
    equal to it: a coarsely quantised signal may reach its extreme now and then, and hum that
    overdrives an amplifier jumps from rail to rail. Samples within half a percent of the range of
    a rail then count as being at it.

    Parameters
    ----------
    samples : array (burst, time)
        Bursts of samples, NaN where missing.
    low, high : float
        Extremes of the channel; -inf for one that has only an upper rail.

    Returns
    -------
    float
        Of the samples that are not missing.

    Examples
    --------
    >>> samples = np.array([[9.0, 9.0, 9.0, 8.99] + 4 * [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]])
    >>> rail_share(samples, 0.0, 9.0)
    0.125
    """
    finite = np.isfinite(samples)
    if finite.sum() < FEWEST_SAMPLES:
        return 0.0
    span = high - (low if np.isfinite(low) else float(samples[finite].min()))

    def within(fraction: float) -> np.ndarray:
        return (samples >= high - fraction * span) | (samples <= low + fraction * span)

    held = within(AT_RAIL)
    pairs = held[:, :-1] & held[:, 1:]
    if not (pairs[:, :-1] & pairs[:, 1:]).any() and pairs.sum() <= PAIRED * finite.sum():
        return 0.0
    return float(within(NEAR_RAIL).sum() / finite.sum())
