"""How much somebody moves in a recording: what a self-test says of its movements."""

import numpy as np
import xarray as xr

from neurofuse.fusion.movements import movements
from neurofuse.fusion.self_test.material import Material
from neurofuse.fusion.self_test.result import Movements
from neurofuse.fusion.verdict import with_verdicts
from neurofuse.io.modality import MODALITIES


def describe(
    part: xr.DataTree, repaired: xr.DataTree, found: dict[str, Material]
) -> dict[str, Movements]:
    """Rates, sizes and shares of movements, by modality.

    Parameters
    ----------
    part, repaired : Recording
        What is tested, and the same with its movements repaired.
    found : dict of Material
        By modality.
    """
    listed = [m for m in movements(part, with_verdicts(part, repaired)) if m.verdict == "repaired"]
    described = {}
    for stream, one in found.items():
        sizes = [m.size_before for m in listed if m.modality == stream]
        minutes = one.moving.shape[-1] / one.rate / 60
        described[stream] = Movements(
            per_minute=len(sizes) / minutes,
            size=float(np.median(sizes)) if sizes else np.nan,
            moving=one.moving_share,
            quiet=one.quiet_share,
            lost=one.lost_share,
            together=_together(one, found.get(MODALITIES[stream].other.name)),
        )
    return described


def _together(one: Material, other: Material | None) -> float:
    """Share of a modality's motion in any channel at which the other moves too."""
    own = np.asarray(one.moving.any(0))
    if other is None or not own.any():
        return np.nan
    times = np.flatnonzero(own) / one.rate
    at = np.minimum((times * other.rate).astype(int), other.moving.shape[-1] - 1)
    return float(np.asarray(other.moving.any(0))[at].mean())
