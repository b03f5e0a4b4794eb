"""Adapter for GEDAI, which users install themselves: its licence forbids commercial use.

neurofuse does not depend on it and contains none of its code.
"""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import (
    Classical,
    Treatment,
    lacking,
    refuse_few,
    refuse_short,
)
from neurofuse.fusion.signal.bands import EEG_MOTION, bandpass
from neurofuse.fusion.signal.motion import eeg_in_motion
from neurofuse.io.errors import ParameterError
from neurofuse.io.logs import quiet
from neurofuse.io.mne_objects.eeg import raw_from_eeg

LEAST = 20.0  # s
SIZE = 2e-5  # V; RMS to which its input is scaled, since its thresholds are in volts


def gedai(node: xr.Dataset) -> np.ndarray:
    """The package's adaptive multiband cleaner on the average reference.

    The mean over channels, which the average reference removes, is predicted from the cleaned
    channels by a regression over quiet samples. Adding the recorded mean instead would restore
    movement (measured error: 18.7 dB instead of -1.3 dB). GEDAI removes drift below 0.5 Hz, and it
    is not restored.
    """
    try:
        from gedai import AdaptiveMultibandGedai  # pyright: ignore
        from gedai.data import get_leadfield_cov_path  # pyright: ignore
    except ImportError as error:
        raise lacking("gedai", "gedai (noncommercial licence)", "gedai") from error
    import mne

    refuse_few(node, "gedai", 4)
    refuse_short(node, "gedai", LEAST)
    data = node.eeg.values
    average = data.mean(0)
    size = SIZE / (np.std(data - data.mean(-1, keepdims=True)) or 1.0)
    with quiet():
        known = {name.lower() for name in mne.read_cov(str(get_leadfield_cov_path())).ch_names}
        unknown = [str(n) for n in node.channel.values if str(n).lower() not in known]
        if unknown:
            raise ParameterError(
                f"EEG channels called {', '.join(unknown[:5])}",
                "names that the lead field of 'gedai' has, those of the 10-05 system",
                "rename these channels, mark them bad, or choose another method",
            )
        raw = raw_from_eeg(node.assign(eeg=node.eeg.copy(data=size * (data - average))))
        model = AdaptiveMultibandGedai()
        try:
            model.fit_raw(raw, verbose="error")
            cleaned = model.transform_raw(raw, verbose="error").get_data()
        except (RuntimeError, ValueError, np.linalg.LinAlgError) as error:
            raise ParameterError(
                f"EEG that GEDAI cannot clean ({error})",
                "channels that differ from each other, for long enough",
                "mark flat or bridged channels bad, or choose another method",
            ) from error
    rate = float(node.attrs["rate"])
    still = ~eeg_in_motion(data, rate)  # electrode drift would dominate the regression
    return cleaned / size + mean_of(cleaned / size, bandpass(data, rate, *EEG_MOTION), still)


def mean_of(cleaned: np.ndarray, data: np.ndarray, still: np.ndarray) -> np.ndarray:
    """Mean over channels (time,), predicted from channels on average reference.

    Parameters
    ----------
    cleaned : array (channel, time)
        Cleaned, on average reference.
    data : array (channel, time)
        Recorded, in any reference, without drift.
    still : bool array (time,)
        Samples to learn from.

    Examples
    --------
    >>> data = np.random.default_rng(0).standard_normal((3, 100))
    >>> data[2] = 0.0  # the reference
    >>> mean = mean_of(data - data.mean(0), data, np.ones(100, bool))
    >>> bool(np.allclose(mean, data.mean(0)))
    True
    """
    average = data.mean(0)
    known = (data - average)[:, still]
    middle, offset = known.mean(-1, keepdims=True), average[still].mean()
    weight = np.linalg.lstsq((known - middle).T, average[still] - offset, rcond=1e-6)[0]
    return offset + weight @ (cleaned - middle)


GEDAI = Classical(
    "gedai",
    "generalised eigenvalue de-artifacting against a lead field, adaptive multiband: Ros et al. "
    "2025, bioRxiv; the package gedai, under its own licence",
    {"eeg": Treatment(gedai)},
    needs=f"4 EEG channels, {LEAST:g} s, the package gedai",
)
