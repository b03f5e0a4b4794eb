"""What a modality shares with its references, estimated by regularised CCA and regressed out."""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Classical, Treatment, refuse_short, samples
from neurofuse.fusion.methods.lagged import Lagged, blocks
from neurofuse.fusion.methods.regression import back, ready, regressors

SHORTEST = 30.0  # s
BLOCK = 5.0  # s; blocks belong to the two halves in alternation
SHIFTS = 19  # of one side against the other, whose largest correlation is chance (p = 0.05)


def tcca(node: xr.Dataset, *, reach: float, taps: int, least: float, ridge: float) -> np.ndarray:
    """Remove the canonical variates of lagged references that correlate with the modality.

    References are embedded with lags; canonical correlation analysis with ridge penalties pairs
    their mixtures with those of the modality's own channels. Unlike the paper, which learns at
    rest, mixtures are estimated in one half of the recording and must correlate in the other half,
    by more than they do there when one side is shifted in time. All that pass are regressed out of
    every channel. Short channels of fNIRS are references too, and stay as they are.

    Parameters
    ----------
    node : Dataset
        EEG or fNIRS with `regressor` (regressor, time).
    reach : float
        Longest lag to both sides [s].
    taps : int
        Lags to each side.
    least : float
        Least correlation in the other half with which a variate is removed.
    ridge : float
        Penalty, relative to the mean variance of each side.

    Raises
    ------
    ParameterError
        If there is no reference or less than 30 s.
    """
    refuse_short(node, "tcca", SHORTEST)
    node, treated = _with_short(node)
    design, rows = regressors(node, reach, taps), ready(node)
    own = rows[treated]
    scale = own.std(-1, keepdims=True)
    scaled = own / np.where(scale > 0, scale, 1.0)
    turns = blocks(own.shape[1], max(1, round(BLOCK * node.attrs["rate"])))
    halves = turns[::2], turns[1::2]
    weights = [
        _passing(scaled, design, one, other, least, ridge) for one, other in (halves, halves[::-1])
    ]
    variates = _mixed(np.concatenate(weights, axis=1), design, turns)
    if not len(variates):
        return samples(node)
    found = np.linalg.lstsq(variates.T, own.T, rcond=None)[0]
    rows[treated] = own - found.T @ variates
    return back(node, rows)


def _with_short(node: xr.Dataset) -> tuple[xr.Dataset, np.ndarray]:
    """The node with its short channels among the references, and which rows are treated."""
    if "od" not in node:
        return node, np.ones(node.sizes["channel"], bool)
    is_short = node.short.values.astype(bool)
    waves = node.sizes["wavelength"]
    if not is_short.any() or is_short.all():
        return node, np.ones(is_short.size * waves, bool)
    light = node.od.values[is_short].reshape(-1, node.sizes["time"])
    light = light - light.mean(-1, keepdims=True)
    light /= light.std(-1, keepdims=True)
    reference = np.concatenate([node.regressor.values, light])
    attrs = node.regressor.attrs
    node = node.drop_vars("regressor").assign(regressor=(("reference", "time"), reference, attrs))
    return node, np.repeat(~is_short, waves)


def _passing(
    own: np.ndarray, design: Lagged, half: list, other_half: list, least: float, ridge: float
) -> np.ndarray:
    """Weights (regressor, variate) from one half, of variates that correlate in the other one."""
    own_weights, weights = _mixtures(own, design, half, ridge)
    theirs = _unit(_mixed(weights, design, other_half))
    kept = np.concatenate([own[:, start:stop] for start, stop in other_half], axis=1)
    ours = _unit(own_weights.T @ kept)
    held = (ours * theirs).sum(-1)
    steps = np.linspace(0, ours.shape[1], SHIFTS + 2)[1:-1].astype(int)
    chance = max(float((ours * np.roll(theirs, k, axis=-1)).sum(-1).max()) for k in steps)
    return weights[:, held >= max(least, chance)]


def _mixtures(
    own: np.ndarray, design: Lagged, where: list, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (channel, variate) and (regressor, variate), the most correlated first."""
    size = len(own), design.count
    covariance, lagged, cross = np.zeros((size[0],) * 2), np.zeros((size[1],) * 2), np.zeros(size)
    for start, stop in where:
        ours, theirs = own[:, start:stop], design.block(start, stop)
        covariance += ours @ ours.T
        lagged += theirs @ theirs.T
        cross += ours @ theirs.T
    length = sum(stop - start for start, stop in where)
    whiten = [_whitening(one / length, ridge) for one in (covariance, lagged)]
    left, _, right = np.linalg.svd(whiten[0] @ (cross / length) @ whiten[1].T, full_matrices=False)
    return whiten[0].T @ left, whiten[1].T @ right.T


def _mixed(weights: np.ndarray, design: Lagged, where: list) -> np.ndarray:
    """Mixtures (variate, time) of the regressors in these blocks."""
    return np.concatenate([weights.T @ design.block(*block) for block in where], axis=1)


def _whitening(covariance: np.ndarray, ridge: float) -> np.ndarray:
    size = len(covariance)
    values, axes = np.linalg.eigh(covariance + ridge * np.trace(covariance) / size * np.eye(size))
    return (axes / np.sqrt(np.maximum(values, 1e-12 * values.max()))).T


def _unit(rows: np.ndarray) -> np.ndarray:
    """Rows of mean 0 and length 1; constants become 0."""
    rows = rows - rows.mean(-1, keepdims=True)
    size = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(size > 0, size, 1.0)


_SETTINGS = {"reach": 1.0, "taps": 3, "least": 0.2, "ridge": 0.01}
_CHOICES = {"least": (0.2, 0.3, 0.5), "reach": (1.0, 3.0)}
TCCA = Classical(
    "tcca",
    "regularised temporally embedded canonical correlation of each modality with the other and "
    "sensors, as nuisance regressors: von Lühmann et al. 2020, NeuroImage 208:116472",
    {
        "eeg": Treatment(tcca, settings=_SETTINGS, choices=_CHOICES, references=("partner", "aux")),
        "nirs": Treatment(
            tcca,
            settings=_SETTINGS | {"reach": 3.0},
            choices=_CHOICES,
            references=("partner", "aux"),
        ),
    },
    needs=f"the other modality or sensors, {SHORTEST:g} s",
)
