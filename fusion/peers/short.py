"""Regression of short channels, which see the scalp alone."""

import numpy as np
import xarray as xr

from neurofuse.fusion.peers.peer import Peer, Treatment
from neurofuse.io.errors import ParameterError
from neurofuse.io.guard import quiet
from neurofuse.io.optics import plain_raw


def short(node: xr.Dataset) -> np.ndarray:
    """Each long channel less its nearest short one, scaled; MNE-NIRS's regression."""
    if not node.short.values.any() or node.short.values.all():
        raise ParameterError(
            f"{int(node.short.values.sum())} short of {node.sizes['channel']} fNIRS channels",
            "short and long ones for 'short'",
            "measure with short channels, or choose another method",
        )
    with quiet():
        from mne_nirs.signal_enhancement import short_channel_regression

        raw = short_channel_regression(plain_raw(node), max_dist=float(_limit(node)))
    return raw.get_data().reshape(node.od.shape)


def _limit(node: xr.Dataset) -> float:
    """A distance [m] between the longest short and the shortest long channel."""
    distance, is_short = node.distance.values, node.short.values
    return (distance[is_short].max() + distance[~is_short].min()) / 2


SHORT = Peer(
    "short",
    "short-channel regression: Saager and Berger 2005, J Opt Soc Am A 22:1874; Scholkmann et al. "
    "2014, Physiol Meas 35:2467; MNE-NIRS",
    {"nirs": Treatment(short)},
)
