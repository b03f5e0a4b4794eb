"""What cleaning says of each sample: in motion, lost, and how far it may be off."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurofuse.io.recording import GATE_OPEN, LOST

KNOWN = ("gate", "verdict", "uncertainty")


@dataclass(frozen=True)
class State:
    """Over the usable channels of a modality, each (time,); NaN where cleaning did not say."""

    motion: np.ndarray  # share of channels in motion
    masked: np.ndarray  # share of channels whose motion mask is above 0
    lost: np.ndarray  # share of channels lost
    squared_error: np.ndarray  # mean of the squared uncertainty, without what is lost


def usable(node: xr.Dataset) -> np.ndarray:
    """Channels (channel,) that a cleaner looks at: not bad, and of EEG no triggers and the like."""
    good = ~node.bad.values
    return good & (node.ch_type.values == "eeg") if "ch_type" in node.coords else good


def state(node: xr.Dataset) -> State:
    """The state of every sample of a node, or of a part of it in time.

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> node = eeg_dataset(np.zeros((2, 3)), 250.0, ["C3", "C4"])
    >>> gate = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    >>> state(node.assign(gate=(("channel", "time"), gate))).motion.tolist()
    [0.0, 0.5, 1.0]
    """
    good, unknown = usable(node), np.full(node.sizes["time"], np.nan)
    if not good.any() or not any(name in node for name in KNOWN):
        return State(unknown, unknown, unknown, unknown)
    part = node[[name for name in KNOWN if name in node]].isel(channel=good)
    part = part.transpose("channel", ..., "time")
    gate = part.gate.values if "gate" in part else None
    motion, masked = (
        unknown if gate is None else (gate > above).mean(0) for above in (GATE_OPEN, 0.0)
    )
    lost = part.verdict.values == LOST if "verdict" in part else None
    squared = unknown
    if "uncertainty" in part:
        squares = part.uncertainty.values.astype(float) ** 2
        counted = np.isfinite(squares)
        if lost is not None:
            counted &= ~lost if lost.ndim == squares.ndim else ~lost[:, None]
        squares = squares.reshape(-1, squares.shape[-1])
        counted = counted.reshape(squares.shape)
        number = counted.sum(0)
        total = np.where(counted, squares, 0.0).sum(0)
        squared = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return State(motion, masked, unknown if lost is None else lost.mean(0), squared)
