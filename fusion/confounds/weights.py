"""How much samples and epochs count in an estimate.

fNIRS is interpolated under the motion mask, towards no change: what the brain did there is not in
the samples, so that they count as little as the mask is open. EEG is filtered there, and a trial
counts by the inverse variance of its error: s² / (s² + u²) relative to a trial at rest, of variance
s², where the error's is u² (Aitken 1936, Proc R Soc Edinb 55:42). A Wiener filter takes as much of
the signal as it leaves in doubt, so that 1 - u² / s² of it is kept.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurofuse.fusion.confounds.state import KNOWN
from neurofuse.io.errors import ParameterError
from neurofuse.io.lazy import BLOCK
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.recording import GATE_OPEN, LOST, check, stream_dataset, streams

LEAST_KEPT = 0.5  # of a signal, lest doubtful trials are blown up


def glm_weights(cleaned: xr.DataTree) -> xr.DataArray:
    """How much each fNIRS sample counts in a weighted GLM, such as `fit_glm`.

    In a GLM without prewhitening multiply data and design matrix by the square roots of the
    weights. With it, weigh each innovation by the least weight of the samples that it is made of.

    Parameters
    ----------
    cleaned : Recording
        Of `neurofuse.clean`.

    Returns
    -------
    DataArray
        `weight` (channel, time) [1], 0 to 1: 1 - motion mask, as fNIRS is interpolated under it;
        0 where a sample is lost, missing, or its channel marked bad. A method without motion mask
        leaves 1 in motion.

    Raises
    ------
    ParameterError
        If there is no fNIRS.
    SchemaError
        If `cleaned` is no Recording.

    Examples
    --------
    >>> import neurofuse as nf
    >>> _, contaminated = nf.simulate(60, seed=3, eeg_montage=None)
    >>> cleaned = nf.clean(contaminated)
    >>> weight = glm_weights(cleaned)
    >>> bool((weight.values[cleaned["nirs"].gate.values == 0] == 1).all()), float(weight.min())
    (True, 0.0)
    """
    node = stream_dataset(to_optical_density(_with(cleaned, NIRS.name)), NIRS.name)
    weight = np.ones((node.sizes["channel"], node.sizes["time"]))
    if "gate" in node:
        weight -= node.gate.transpose("channel", "time").values
    lost = ~np.isfinite(node.od.transpose(*NIRS.dims).values).all(1) | node.bad.values[:, None]
    if "verdict" in node:
        lost |= node.verdict.transpose("channel", "time").values == LOST
    weight[lost] = 0
    coords = {"channel": node.channel, "time": node.time}
    return xr.DataArray(weight, coords, ("channel", "time"), "weight", {"units": "1"})


def epoch_weights(
    cleaned: xr.DataTree, onsets: Sequence[float] | np.ndarray, tmin: float, tmax: float
) -> xr.DataArray:
    """How much each epoch counts in each channel's weighted average, such as an ERP.

    The average is `(weights * epochs).sum("epoch") / weights.sum("epoch")`. Repaired trials hold
    less than their whole ERP; with `(weights * weights.kept).sum("epoch")` below the line the
    average has its full size, and a little more noise.

    Parameters
    ----------
    cleaned : Recording
        Of `neurofuse.clean`.
    onsets : array (epoch,)
        Onsets of the events [s] on the Recording's clock, as in `/events`.
    tmin, tmax : float
        Begin and end of an epoch, both included, relative to its event [s].

    Returns
    -------
    DataArray
        `weight` (epoch, channel) [1], 0 to 1, with the coordinates `onset` [s] and `kept`
        (epoch, channel) [1]. 0 where the channel is marked bad or a sample of the epoch is lost,
        missing or outside the recording. Else s² / (s² + u²): u² is the mean squared uncertainty,
        s² the channel's variance within an epoch, the median of those without motion. `kept` is the
        share of a signal that the repair leaves, 1 - u² / s², 0.5 at least. Without an estimate of
        uncertainty both are 1 in repaired epochs.

    Raises
    ------
    ParameterError
        If there is no EEG, no onset, an onset that is not finite, or `tmin` is not before `tmax`.
    SchemaError
        If `cleaned` is no Recording.

    Examples
    --------
    >>> import neurofuse as nf
    >>> _, contaminated = nf.simulate(60, seed=3, nirs_montage=None)
    >>> cleaned = nf.clean(contaminated, uncertainty=True)
    >>> weight = epoch_weights(cleaned, [5.0, 20.0, 59.9], -0.2, 0.8)
    >>> weight.shape, float(weight[2].max())
    ((3, 19), 0.0)
    """
    node = stream_dataset(_with(cleaned, EEG.name), EEG.name)
    try:
        onset, reach = np.asarray(onsets, float), np.asarray([tmin, tmax], float)
    except (TypeError, ValueError):
        onset, reach = np.zeros(0), np.zeros(0)
    known = onset.size and np.isfinite(onset).all() and np.isfinite(reach).all()
    if onset.ndim != 1 or reach.shape != (2,) or not known or tmin >= tmax:
        raise ParameterError(
            f"onsets of shape {np.shape(onsets)}, tmin={tmin!r}, tmax={tmax!r}",
            "at least one onset [s], all finite, and tmin before tmax",
            "see the onsets in recording['events']",
        )
    rate = float(node.attrs["rate"])
    first = np.round((onset + tmin - float(node.time[0])) * rate).astype(int)
    length = round((tmax - tmin) * rate) + 1
    whole = np.flatnonzero((first >= 0) & (first + length <= node.sizes["time"]))
    node = node[["eeg", *(name for name in KNOWN if name in node)]].transpose("channel", "time")
    shape = len(onset), node.sizes["channel"]
    variance, error = np.full(shape, np.nan), np.zeros(shape)
    moving, lost = np.zeros(shape, bool), np.ones(shape, bool)
    size = max(round(BLOCK * rate), 1)
    for block in np.unique(first[whole] // size):  # a large EEG stays in its file
        begin = block * size
        part = node.isel(time=slice(begin, begin + size + length)).load()
        for epoch in whole[first[whole] // size == block]:
            now = part.isel(time=slice(first[epoch] - begin, first[epoch] - begin + length))
            variance[epoch] = now.eeg.values.var(1)
            lost[epoch] = ~np.isfinite(variance[epoch])
            if "gate" in now:
                moving[epoch] = (now.gate.values > GATE_OPEN).any(1)
            if "verdict" in now:
                lost[epoch] |= (now.verdict.values == LOST).any(1)
            if "uncertainty" in now:
                error[epoch] = (now.uncertainty.values.astype(float) ** 2).mean(1)
    usual = [
        _usual(v[~off], m[~off]) for v, m, off in zip(variance.T, moving.T, lost.T, strict=True)
    ]
    weight = _relative(np.array(usual), error)
    # 1 - u² / s², by the weight
    kept = np.clip(2 - 1 / np.maximum(weight, LEAST_KEPT / 2), LEAST_KEPT, 1.0)
    weight[lost | node.bad.values] = 0
    coords = {
        "epoch": np.arange(len(onset)),
        "onset": ("epoch", onset, {"units": "s"}),
        "kept": (("epoch", "channel"), kept, {"units": "1"}),
        "channel": node.channel,
    }
    return xr.DataArray(weight, coords, ("epoch", "channel"), "weight", {"units": "1"})


def _with(recording: xr.DataTree, stream: str) -> xr.DataTree:
    check(recording)
    if stream not in streams(recording):
        raise ParameterError(
            f"a Recording with {' and '.join(streams(recording))} only",
            f"an /{stream} node",
            "clean a Recording that has it",
        )
    return recording


def _relative(usual: np.ndarray, error: np.ndarray) -> np.ndarray:
    """s² / (s² + u²) of variances; 1 where nothing is uncertain, 0 where that is unknown."""
    error = np.where(np.isnan(error), np.inf, error.astype(float))
    share = usual / np.where(error > 0, usual + error, 1.0)
    return np.where(error > 0, share, 1.0)


def _usual(variance: np.ndarray, moving: np.ndarray) -> float:
    """Median variance of a channel's epochs without motion, or of all if there are none."""
    calm = variance if moving.all() else variance[~moving]
    return float(np.median(calm)) if calm.size else 0.0
