"""Correlation based signal improvement: assumes that HbO and HbR are anticorrelated."""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Classical, Treatment
from neurofuse.io.errors import ParameterError
from neurofuse.io.logs import quiet
from neurofuse.io.optics.absorption import haemoglobin_to_density
from neurofuse.io.optics.conversion import plain_raw

PATHLENGTH = 6.0  # any value: it cancels in the conversion to haemoglobin and back


def cbsi(node: xr.Dataset) -> np.ndarray:
    """Apply MNE-NIRS's function to haemoglobin and convert the result to optical density.

    HbO becomes (HbO - a HbR) / 2, a the ratio of their standard deviations, and HbR -HbO / a.
    """
    wavelength, distance = node.wavelength.values, node.distance.values
    if wavelength.size != 2 or not (np.isfinite(distance) & (distance > 0)).all():
        raise ParameterError(
            f"{wavelength.size} wavelength(s), {int((distance > 0).sum())} of {distance.size} "
            "distances known",
            "two wavelengths and all distances for 'cbsi'",
            "set a montage, or choose another method",
        )
    import mne

    with quiet():
        from mne_nirs.signal_enhancement import enhance_negative_correlation

        raw = mne.preprocessing.nirs.beer_lambert_law(plain_raw(node), ppf=PATHLENGTH)
        raw = enhance_negative_correlation(raw)
    row = {name: i for i, name in enumerate(raw.ch_names)}
    data = raw.get_data()
    hbo, hbr = (
        np.stack([data[row[f"S{k}_D{k} {kind}"]] for k in range(1, distance.size + 1)])
        for kind in ("hbo", "hbr")
    )
    return haemoglobin_to_density(hbo, hbr, wavelength, distance, partial_pathlength=PATHLENGTH)


CBSI = Classical(
    "cbsi",
    "correlation based signal improvement: Cui et al. 2010, NeuroImage 49:3039; MNE-NIRS",
    {"nirs": Treatment(cbsi)},
    needs="exactly 2 wavelengths, source-detector distances",
)
