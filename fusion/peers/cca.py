"""What a stream and its references have in common, found by regularised CCA and regressed out."""

import numpy as np
import xarray as xr

from neurofuse.fusion.peers.peer import Peer, Treatment, refuse_short, samples
from neurofuse.fusion.peers.regression import back, ready, regressors

SHORTEST = 30.0  # s
HALVES = 2  # interleaved in blocks: what is found in one must hold in the other
BLOCK = 5.0  # s


def tcca(node: xr.Dataset, *, reach: float, taps: int, least: float, ridge: float) -> np.ndarray:
    """Canonical variates of lagged references that correlate with the stream are taken out.

    References are embedded with lags; canonical correlation analysis with ridge penalties pairs
    their mixtures with those of the stream's own channels. Mixtures are found in half of the
    recording and correlated in the other half: chance does not pass. Those that pass are found
    again in the whole and regressed out of every channel.

    Parameters
    ----------
    node : Dataset
        EEG or fNIRS with `regressor` (regressor, time).
    reach : float
        Longest lag to both sides [s].
    taps : int
        Lags to each side.
    least : float
        Correlation in the other half from which on a variate is nuisance.
    ridge : float
        Penalty, relative to the mean variance of each side.
    """
    refuse_short(node, "tcca", SHORTEST)
    design, rows = regressors(node, reach, taps), ready(node)
    scale = rows.std(-1, keepdims=True)
    own = rows / np.where(scale > 0, scale, 1.0)
    block = max(1, round(BLOCK * node.attrs["rate"]))
    half = (np.arange(rows.shape[1]) // block) % HALVES
    held = [
        _correlation(
            *_mixtures(own[:, half == h], design[:, half == h], ridge), own, design, half != h
        )
        for h in range(HALVES)
    ]
    count = int((np.minimum(*held) >= least).sum())
    if not count:
        return samples(node)
    variates = _mixtures(own, design, ridge)[1][:, :count].T @ design
    weights = np.linalg.lstsq(variates.T, rows.T, rcond=None)[0]
    return back(node, rows - weights.T @ variates)


def _mixtures(own: np.ndarray, design: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights (channel, variate) and (regressor, variate), the most correlated first."""
    whiten = [_whitening(side @ side.T / side.shape[1], ridge) for side in (own, design)]
    cross = whiten[0] @ (own @ design.T / own.shape[1]) @ whiten[1].T
    left, _, right = np.linalg.svd(cross, full_matrices=False)
    return whiten[0].T @ left, whiten[1].T @ right.T


def _whitening(covariance: np.ndarray, ridge: float) -> np.ndarray:
    size = len(covariance)
    values, axes = np.linalg.eigh(covariance + ridge * np.trace(covariance) / size * np.eye(size))
    return (axes / np.sqrt(np.maximum(values, 1e-12 * values.max()))).T


def _correlation(own_weights, design_weights, own, design, where) -> np.ndarray:
    one, other = own_weights.T @ own[:, where], design_weights.T @ design[:, where]
    one, other = (x - x.mean(-1, keepdims=True) for x in (one, other))
    size = np.sqrt((one**2).sum(-1) * (other**2).sum(-1))
    return (one * other).sum(-1) / np.where(size > 0, size, 1.0)


_SETTINGS = {"reach": 1.0, "taps": 3, "least": 0.3, "ridge": 0.01}
_CHOICES = {"least": (0.2, 0.3, 0.5), "reach": (1.0, 3.0)}
TCCA = Peer(
    "tcca",
    "regularised temporally embedded canonical correlation of each stream with the other and "
    "sensors, as nuisance regressors: von Lühmann et al. 2020, NeuroImage 208:116472",
    {
        "eeg": Treatment(tcca, settings=_SETTINGS, choices=_CHOICES, references=("partner", "aux")),
        "nirs": Treatment(
            tcca, settings=_SETTINGS, choices=_CHOICES, references=("partner", "aux")
        ),
    },
)
