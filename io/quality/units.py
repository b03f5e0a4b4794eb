"""Refuse streams whose values are not plausible in the unit they claim, before cleaning."""

import numpy as np
import xarray as xr

from neurofuse.io.errors import SchemaError
from neurofuse.io.modality import EEG, MODALITIES, NIRS
from neurofuse.io.recording import stream_dataset, streams

PLAUSIBLE_EEG = (1e-9, 5e-3)  # V, median absolute deviation of a usable EEG channel
LARGEST_DENSITY = 5.0  # median absolute deviation of optical density
EXAMINED = 60.0  # s in the middle of the recording


def refuse_units(recording: xr.DataTree) -> None:
    """Refuse EEG that is not plausible in volts, and optical density that is too large.

    Judged is the median absolute deviation of a minute in the middle, as its median over the good
    channels, so that neither loose electrodes nor movement decide.

    Parameters
    ----------
    recording : Recording

    Raises
    ------
    SchemaError
        If EEG or optical density varies by an amount that its unit does not allow.

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
        name = MODALITIES[stream].cleaned_variable
        if name not in node:
            continue  # light intensity has no unit
        usual = _usual(node[name], node.bad.values, float(node.attrs["rate"]))
        if stream == EEG.name and usual > 0 and not PLAUSIBLE_EEG[0] <= usual <= PLAUSIBLE_EEG[1]:
            raise SchemaError(
                f"EEG that varies by {usual:.3g} V",
                f"volts, in which EEG varies by {PLAUSIBLE_EEG[0]:g} to {PLAUSIBLE_EEG[1]:g} "
                "(usually about 1e-5)",
                "scale it (microvolts times 1e-6), or correct the unit in its file",
            )
        if stream == NIRS.name and usual > LARGEST_DENSITY:
            raise SchemaError(
                f"optical density that varies by {usual:.3g}",
                f"-ln(light / reference), which varies by less than {LARGEST_DENSITY:g}",
                "give light intensity as `intensity`, or scale the optical density",
            )


def _usual(variable: xr.DataArray, bad: np.ndarray, rate: float) -> float:
    """Median over good channels of the median absolute deviation; 0 without a finite channel."""
    length = variable.sizes["time"]
    count = min(length, max(int(EXAMINED * rate), 1))
    first = (length - count) // 2
    part = variable.isel(channel=~bad, time=slice(first, first + count)).values
    part = part.reshape(-1, part.shape[-1])
    part = part[np.isfinite(part).all(axis=-1)]
    if not part.size:
        return 0.0
    spread = np.median(np.abs(part - np.median(part, axis=-1, keepdims=True)), axis=-1)
    return float(np.median(spread))
