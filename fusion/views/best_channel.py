"""The channel to show where none is named: the one with the best quality.

Never that with the largest response: what is chosen for its size looks like an effect in noise.
"""

import numpy as np
import xarray as xr

from neurofuse.fusion.views.before_after import View
from neurofuse.io.modality import EEG


def best_channel(view: View, quality: xr.Dataset | object) -> int | None:
    """The channel (index) with the fewest measures beyond their limits, then the least motion, then
    the best contact: in fNIRS the highest scalp coupling index, in EEG the least power above 50 Hz.

    Parameters
    ----------
    view : View
        EEG or fNIRS.
    quality : Dataset
        Its `neurofuse.io.channel_quality`; with anything else only motion counts.

    Returns
    -------
    int or None
        Of long channels where there are any; None where no channel is used.

    Examples
    --------
    >>> import neurofuse as nf
    >>> from neurofuse.fusion.views.before_after import views_of
    >>> recording, _ = nf.simulate(20, seed=0, nirs_montage=None)
    >>> (view,) = views_of(recording)
    >>> view.channel[best_channel(view, nf.io.channel_quality(recording, "eeg"))] in view.channel
    True
    """
    candidates = view.used & ~view.short if (view.used & ~view.short).any() else view.used
    if not candidates.any():
        return None
    disturbed = np.zeros(len(view.channel))
    for mask in (view.in_motion, view.lost):
        disturbed += 0 if mask is None else mask.mean(axis=1)
    order = [np.round(disturbed, 2)]
    if isinstance(quality, xr.Dataset):
        from neurofuse.io.quality.channels import MASKS

        masks = [m for m in MASKS[view.stream] if m != "short" and m in quality]
        beyond = np.sum([quality[m].values for m in masks], axis=0)
        measure = quality.high_ratio if view.modality is EEG else -quality.sci
        order = [beyond, *order, measure.fillna(np.inf).values]
    return int(np.lexsort([*reversed(order), ~candidates])[0])
