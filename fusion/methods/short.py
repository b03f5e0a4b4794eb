"""Regression of short channels, which see the scalp alone."""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Classical, Treatment
from neurofuse.io.errors import ParameterError


def short(node: xr.Dataset) -> np.ndarray:
    """Each long channel less its nearest short one, scaled (Scholkmann et al. 2014, eq. 26-27).

    Both are of the same wavelength and about their means. MNE-NIRS takes the first wavelength of
    the short channel for all wavelengths of the long one, so its function is not called here.

    Parameters
    ----------
    node : Dataset
        With `od` (channel, wavelength, time), `short` (channel,) and optode positions [m]. A
        channel without positions gets the mean of all short channels.
    """
    is_short = node.short.values.astype(bool)
    if not is_short.any() or is_short.all():
        raise ParameterError(
            f"{int(is_short.sum())} short of {is_short.size} usable fNIRS channels",
            "short and long ones for 'short'",
            "measure with short channels, or choose another method",
        )
    out = node.od.values.copy()
    rows = out[is_short] - out[is_short].mean(-1, keepdims=True)
    middle = (node.source_position.values + node.detector_position.values) / 2
    for channel in np.flatnonzero(~is_short):
        away = np.linalg.norm(middle[is_short] - middle[channel], axis=-1)
        known = np.isfinite(away).any()
        scalp = rows[np.nanargmin(away)] if known else rows.mean(0)
        own = out[channel] - out[channel].mean(-1, keepdims=True)
        share = (scalp * own).sum(-1) / (scalp**2).sum(-1)
        out[channel] -= share[:, None] * scalp
    return out


SHORT = Classical(
    "short",
    "short-channel regression: Saager and Berger 2005, J Opt Soc Am A 22:1874; Scholkmann et al. "
    "2014, Physiol Meas 35:R1",
    {"nirs": Treatment(short)},
    needs="short channels",
)
