"""Targeted principal component analysis: of stretches in motion only, all series together."""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Classical, Treatment, refuse_few
from neurofuse.fusion.signal.motion import rows_in_motion
from neurofuse.fusion.signal.segments import join_segments
from neurofuse.io.runs import runs

PASSES = 5


def tpca(node: xr.Dataset, *, share: float, threshold: float) -> np.ndarray:
    """Remove the largest principal components from stretches in which any series is in motion.

    Repeated, at most five times, until no motion is detected.

    Parameters
    ----------
    node : Dataset
        With `od` (channel, wavelength, time).
    share : float
        Fraction of the variance in motion that the removed components explain.
    threshold : float
        Moving standard deviation above which a series is in motion [robust SD above its median].
    """
    refuse_few(node, "tpca", 2)
    rate = float(node.attrs["rate"])
    rows = node.od.values.reshape(-1, node.sizes["time"]).copy()
    limit = np.asarray(rows_in_motion(rows, rate, threshold).any(0))
    mask = limit
    for _ in range(PASSES):
        if not mask.any() or mask.all():
            break
        rows = _without(rows, mask, share, rate)
        mask = rows_in_motion(rows, rate, threshold).any(0) & limit
    return rows.reshape(node.od.shape)


def _without(rows: np.ndarray, mask: np.ndarray, share: float, rate: float) -> np.ndarray:
    """Rows less the largest components of the masked samples, each stretch about its own mean."""
    cuts = runs(mask)
    parts = [rows[:, a:b] - rows[:, a:b].mean(-1, keepdims=True) for a, b in cuts]
    together = np.concatenate(parts, axis=-1)
    size = together.std(-1, keepdims=True)
    size[size == 0] = 1.0  # series have equal weight, however bright
    axes, values, _ = np.linalg.svd(together / size, full_matrices=False)
    if not values.any():  # stretches of single samples have no variance
        return rows
    held = np.cumsum(values**2) / (values**2).sum()
    removed = axes[:, : 1 + int(np.searchsorted(held, share))]
    out = rows.copy()
    for (first, last), part in zip(cuts, parts, strict=True):
        out[:, first:last] -= size * (removed @ (removed.T @ (part / size)))
    return np.stack([join_segments(row, cuts, rate) for row in out])


TPCA = Classical(
    "tpca",
    "targeted principal component analysis, repeated: Yücel et al. 2014, J Innov Opt Health Sci "
    "7:1350066",
    {
        "nirs": Treatment(
            tpca,
            settings={"share": 0.97, "threshold": 5.0},
            choices={"share": (0.8, 0.9, 0.97), "threshold": (5.0, 8.0)},
        )
    },
    needs="2 fNIRS channels",
)
