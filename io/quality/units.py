"""Streams whose numbers cannot be in the unit they claim: refused before they are cleaned."""

import numpy as np
import xarray as xr

from neurofuse.io.errors import SchemaError
from neurofuse.io.recording import stream_dataset, streams

EEG = (1e-9, 5e-3)  # V: half the samples of a usable EEG channel vary by more, and by less
DENSITY = 5.0  # optical density by which half the samples may differ from their median, at most
LOOKED_AT = 60.0  # s


def refuse_units(recording: xr.DataTree) -> None:
    """Raise SchemaError if EEG cannot be in volts, or optical density is none.

    Looked at is the median absolute deviation of a minute in the middle, and its median over the
    good channels, so that neither loose electrodes nor movement decide.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> eeg = np.random.default_rng(0).normal(0, 20.0, (4, 1000))  # in microvolts
    >>> refuse_units(build(eeg_dataset(eeg, 250.0, list("abcd"))))
    Traceback (most recent call last):
    neurofuse.io.errors.SchemaError: found EEG that varies by 13.7 V; wanted volts, ...
    """
    for stream in streams(recording):
        node = stream_dataset(recording, stream)
        name = "eeg" if stream == "eeg" else "od"
        if name not in node:
            continue  # light intensity has no unit
        usual = _usual(node[name], node.bad.values, float(node.attrs["rate"]))
        if stream == "eeg" and usual > 0 and not EEG[0] <= usual <= EEG[1]:
            raise SchemaError(
                f"EEG that varies by {usual:.3g} V",
                f"volts, in which EEG varies by {EEG[0]:g} to {EEG[1]:g} (usually about 1e-5)",
                "scale it (microvolts times 1e-6), or correct the unit in its file",
            )
        if stream == "nirs" and usual > DENSITY:
            raise SchemaError(
                f"optical density that varies by {usual:.3g}",
                f"the natural logarithm of light lost, which varies by less than {DENSITY:g}",
                "give light intensity as `intensity`, or scale the optical density",
            )


def _usual(variable: xr.DataArray, bad: np.ndarray, rate: float) -> float:
    """Median over good channels of the median absolute deviation; 0 where nothing can be said."""
    length = variable.sizes["time"]
    count = min(length, max(int(LOOKED_AT * rate), 1))
    first = (length - count) // 2
    part = variable.isel(channel=~bad, time=slice(first, first + count)).values
    part = part.reshape(-1, part.shape[-1])
    part = part[np.isfinite(part).all(axis=-1)]
    if not part.size:
        return 0.0
    spread = np.median(np.abs(part - np.median(part, axis=-1, keepdims=True)), axis=-1)
    return float(np.median(spread))
