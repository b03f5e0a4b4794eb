"""Adapter for GEDAI, where a user has installed it: its licence forbids commercial use.

neurofuse does not depend on it and holds none of its code.
"""

import numpy as np
import xarray as xr

from neurofuse.fusion.peers.peer import Peer, Treatment, lacking, refuse_few
from neurofuse.io.eeg import raw_from_eeg
from neurofuse.io.errors import ParameterError
from neurofuse.io.guard import quiet


def gedai(node: xr.Dataset) -> np.ndarray:
    """The package's adaptive multiband cleaner on the average reference, which is added again."""
    try:
        from gedai import AdaptiveMultibandGedai
    except ImportError as error:
        raise lacking("gedai", "gedai (noncommercial licence)", "gedai") from error

    refuse_few(node, "gedai", 4)
    data = node.eeg.values
    average = data.mean(0)
    try:
        with quiet():
            raw = raw_from_eeg(node.assign(eeg=node.eeg.copy(data=data - average)))
            model = AdaptiveMultibandGedai()
            model.fit_raw(raw, verbose="error")
            return model.transform_raw(raw, verbose="error").get_data(picks="eeg") + average
    except (RuntimeError, ValueError, np.linalg.LinAlgError) as error:
        raise ParameterError(
            f"EEG that GEDAI cannot clean ({error})",
            "channels with standard 10-20 names, for long enough",
            "choose another method",
        ) from error


GEDAI = Peer(
    "gedai",
    "generalized eigenvalue de-artifacting: Ros et al. 2025; the package gedai",
    {"eeg": Treatment(gedai)},
)
