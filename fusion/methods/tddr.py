"""Temporal derivative distribution repair of optical density."""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Classical, Treatment
from neurofuse.io.errors import ParameterError
from neurofuse.io.optics.conversion import plain_raw


def tddr(node: xr.Dataset) -> np.ndarray:
    """MNE-Python's, of every series by itself."""
    from mne.preprocessing.nirs import temporal_derivative_distribution_repair

    if node.sizes["wavelength"] < 2:
        raise ParameterError(
            "one wavelength", "at least two for 'tddr' (as MNE-Python has it)", "use bandpass"
        )
    raw = temporal_derivative_distribution_repair(plain_raw(node), verbose="error")
    return raw.get_data().reshape(node.od.shape)


TDDR = Classical(
    "tddr",
    "temporal derivative distribution repair: Fishburn et al. 2019, NeuroImage 184:171, "
    "as in MNE-Python",
    {"nirs": Treatment(tddr)},
    needs="2 wavelengths",
)
