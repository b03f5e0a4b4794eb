"""How changes of calm channels are expressed."""

import numpy as np

FLOOR = -80.0  # dB: whatever changes less is unchanged, so that means exist
WORST = 0.9  # quantile over channels: the worst tenth changes by more


def change_in_decibels(change: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Energies (row,) of a change over those of the signal [dB], -80 dB at least.

    Examples
    --------
    >>> change_in_decibels(np.array([0.0, 1.0]), np.array([1.0, 10.0])).tolist()
    [-80.0, -10.0]
    """
    share = np.maximum(change / np.maximum(energy, 1e-300), 10 ** (FLOOR / 10))
    return 10 * np.log10(share)


def spread(change: np.ndarray) -> dict[str, float]:
    """Median and worst tenth over channels of changes (row,) in dB."""
    return {"change": float(np.median(change)), "worst": float(np.quantile(change, WORST))}
