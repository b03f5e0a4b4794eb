"""Artifact subspace reconstruction by mne-denoise."""

from typing import Any

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import (
    Classical,
    Treatment,
    lacking,
    refuse_few,
    refuse_short,
)
from neurofuse.io.errors import ParameterError
from neurofuse.io.logs import quiet
from neurofuse.models.inference.drift import drift

SHORTEST = 15.0  # s that calibration needs, of which a quarter must be calm


def learn(node: xr.Dataset, *, cutoff: float) -> Any:
    """Calibrate on the calmest windows of a recording: `mne_denoise.asr.ASR`."""
    try:
        from mne_denoise.asr import ASR
    except ImportError as error:
        raise lacking("asr", "mne-denoise", "neurofuse[methods]") from error

    refuse_few(node, "asr", 2)
    refuse_short(node, "asr", SHORTEST)
    data, rate = node.eeg.values, float(node.attrs["rate"])
    asr = ASR(sfreq=rate, cutoff=cutoff, verbose="error")
    try:
        with quiet():
            return asr.fit(1e6 * (data - drift(data, rate)))
    except (ValueError, RuntimeError, np.linalg.LinAlgError) as error:
        raise ParameterError(
            f"EEG that ASR cannot be calibrated on ({error})",
            "enough calm windows",
            "fit it to a calm recording of the same participant, or choose another method",
        ) from error


def apply(node: xr.Dataset, learned: Any, *, cutoff: float) -> np.ndarray:
    """Reconstruct windows that exceed the calibration; slow drift is kept out and added again."""
    data, rate = node.eeg.values, float(node.attrs["rate"])
    slow = drift(data, rate)
    with quiet():
        return slow + 1e-6 * learned.transform(1e6 * (data - slow))


ASR = Classical(
    "asr",
    "artifact subspace reconstruction: Kothe and Jung 2016, US patent 9,474,467; Chang et al. "
    "2020, IEEE Trans Biomed Eng 67:1114; mne-denoise",
    {
        "eeg": Treatment(
            apply, learn, settings={"cutoff": 10.0}, choices={"cutoff": (3.0, 5.0, 10.0, 20.0)}
        )
    },
    needs=f"2 EEG channels, {SHORTEST:g} s, mne-denoise",
)
