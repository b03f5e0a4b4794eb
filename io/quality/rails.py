"""Rails: the largest and smallest value that an amplifier or detector can give."""

import numpy as np

BAND = 0.005  # of the range: a saturated amplifier hovers a little off its rail
EQUAL = 1e-6  # of the range: equal samples after single precision
FEWEST = 32  # samples, to tell a rail from chance
PAIRS = 0.1  # share of samples that are followed by another at a rail
REPORTED = 0.01  # more than this share of samples at a rail: the channel is railed
UNUSABLE = 0.25  # more than this share: unusable (docs/quality.md: chosen on real recordings)


def rail_share(samples: np.ndarray, low: float, high: float) -> float:
    """Share of samples at the rails `low` and `high`, 0 where these are no rails.

    Rails are where three samples in a row, or a tenth of all in pairs, are equal to an extreme
    value: a signal in coarse steps may meet its extreme now and then, and hum that overdrives an
    amplifier jumps from rail to rail. Samples within half a percent of the range of a rail then
    count as being at it.

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
    if finite.sum() < FEWEST:
        return 0.0
    span = high - (low if np.isfinite(low) else float(samples[finite].min()))

    def within(share: float) -> np.ndarray:
        return (samples >= high - share * span) | (samples <= low + share * span)

    held = within(EQUAL)
    pairs = held[:, :-1] & held[:, 1:]
    if not (pairs[:, :-1] & pairs[:, 1:]).any() and pairs.sum() <= PAIRS * finite.sum():
        return 0.0
    return float(within(BAND).sum() / finite.sum())
