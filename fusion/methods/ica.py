"""Independent component analysis: components with bursts or muscle activity are removed."""

from typing import Any

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Classical, Treatment, refuse_few
from neurofuse.io.errors import ParameterError
from neurofuse.io.logs import quiet
from neurofuse.io.mne_objects.eeg import raw_from_eeg

MUSCLE_BAND = (7, 45)  # Hz
SEED = 0  # of ICA's starting point


def learn(node: xr.Dataset, *, kurtosis: float) -> Any:
    """Separate the components and choose those to remove: `mne.preprocessing.ICA` and indices."""
    from mne.preprocessing import ICA
    from scipy.stats import kurtosis as excess

    refuse_few(node, "ica", 2)
    rate = node.attrs["rate"]
    ica = ICA(method="fastica", max_iter="auto", random_state=SEED, verbose="error")
    with quiet():
        fitted = raw_from_eeg(node).filter(1.0, None)
        try:
            # ICA needs no more than 125 Hz to find the mixture; it is applied to every sample.
            ica.fit(fitted, decim=max(1, int(rate // 125)))
            bursts = excess(ica.get_sources(fitted).get_data(), axis=-1) > kurtosis
            removed = set(np.flatnonzero(bursts).tolist())
            if np.isfinite(node.position.values).all() and rate > 2 * MUSCLE_BAND[1]:
                low, high = MUSCLE_BAND
                removed |= set(ica.find_bads_muscle(fitted, l_freq=low, h_freq=high)[0])
        except (RuntimeError, ValueError, np.linalg.LinAlgError) as error:
            raise ParameterError(
                f"EEG that ICA cannot separate ({error})",
                "channels that differ from each other, for long enough",
                "mark flat or bridged channels bad, or choose another method",
            ) from error
    return ica, sorted(removed)


def apply(node: xr.Dataset, learned: Any, *, kurtosis: float) -> np.ndarray:
    """Remove the components that were chosen."""
    ica, removed = learned
    with quiet():
        return ica.apply(raw_from_eeg(node), exclude=removed).get_data()


ICA = Classical(
    "ica",
    "independent components with excess kurtosis above 5 (after Delorme et al. 2007, "
    "NeuroImage 34:1443) or muscle-like (Dharmaprani et al. 2016) removed; FastICA, "
    "MNE-Python",
    {
        "eeg": Treatment(
            apply, learn, settings={"kurtosis": 5.0}, choices={"kurtosis": (2.0, 3.0, 5.0, 10.0)}
        )
    },
    needs="2 EEG channels",
)
