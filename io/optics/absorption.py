"""Absorption of haemoglobin in MNE's Beer-Lambert law, inverted for simulation."""

from functools import lru_cache

import numpy as np

UNIT_DISTANCE = 0.03  # m; the law is linear in it
PAIRED_WAVELENGTHS = (760.0, 850.0)  # nm; the law needs a second wavelength
WAVELENGTH_RANGE = (650.0, 950.0)  # nm in which the absorption of haemoglobin is used


def absorbs(wavelength: float) -> bool:
    """Whether the absorption of haemoglobin is known at a wavelength [nm].

    Examples
    --------
    >>> absorbs(760), absorbs(0)
    (True, False)
    """
    return WAVELENGTH_RANGE[0] <= wavelength <= WAVELENGTH_RANGE[1]


@lru_cache(maxsize=256)
def _density_per_haemoglobin(wavelength: float) -> np.ndarray:
    """Optical density (2,) per mol/L and metre of light path for HbO and HbR."""
    import mne

    # a unit optical density at each of two wavelengths gives the columns of MNE's inverse
    pair = sorted((wavelength, max(PAIRED_WAVELENGTHS, key=lambda r: abs(r - wavelength))))
    info = mne.create_info([f"S1_D1 {w:.9g}" for w in pair], 1.0, "fnirs_od", verbose="error")
    for channel, nm in zip(info["chs"], pair, strict=True):
        channel["loc"][3:9] = [0, 0, 0, UNIT_DISTANCE, 0, 0]
        channel["loc"][9] = nm
    raw = mne.io.RawArray(np.eye(2), info, verbose="error")
    unit = mne.preprocessing.nirs.beer_lambert_law(raw, ppf=1.0)
    return np.linalg.inv(unit.get_data()[:2])[pair.index(wavelength)] / UNIT_DISTANCE


def haemoglobin_to_density(
    hbo: np.ndarray,
    hbr: np.ndarray,
    wavelength: np.ndarray,
    distance: np.ndarray,
    *,
    partial_pathlength: float = 6.0,
) -> np.ndarray:
    """Optical density (channel, wavelength, time) due to changes of haemoglobin.

    The modified Beer-Lambert law with the absorption coefficients of MNE: the inverse of
    `neurofuse.io.to_haemoglobin`.

    Parameters
    ----------
    hbo, hbr : array (channel, time)
        Changes of concentration [mol/L].
    wavelength : array (wavelength,)
        Wavelengths [nm].
    distance : array (channel,)
        Source-detector distance [m].
    partial_pathlength : float
        Light path in the changed tissue, in source-detector distances.

    Returns
    -------
    array (channel, wavelength, time)
        Change of optical density [1].

    Examples
    --------
    >>> change = haemoglobin_to_density(np.full((1, 3), 1e-6), np.zeros((1, 3)), [760, 850], [0.03])
    >>> bool(change[0, 1, 0] > change[0, 0, 0] > 0)  # HbO absorbs more at 850 nm
    True
    """
    matrix = np.stack([_density_per_haemoglobin(float(w)) for w in wavelength])
    path = np.asarray(distance)[:, None, None] * partial_pathlength
    return path * np.einsum("wk,kct->cwt", matrix, np.stack([hbo, hbr]))
