"""A calm stretch of a recording, and how changes of it are expressed."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

FLOOR = -80.0  # dB: whatever changes less is unchanged, so that means exist
WORST = 0.9  # quantile over channels: the worst tenth changes by more


@dataclass(frozen=True)
class Case:
    """A calm stretch of one participant."""

    stream: str  # "eeg" or "nirs"
    participant: str
    device: str  # the folder of its recording
    rate: float  # Hz
    kind: str  # how it was made: "native", "resampled", or what drift was added
    recording: xr.DataTree
    truth: np.ndarray | None = None  # (channel, time) V, the EEG before drift was added


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
