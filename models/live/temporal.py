"""The fNIRS filter along time while a recording is made: the last seconds of a channel.

The same Gaussian smoother as `joint.wiener.temporal_filter`: the clean signal has the covariance of
the channel's quiet samples so far, the artifact one that is zero where the motion mask is shut.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg import get_lapack_funcs

from neurofuse.models.joint.architecture import Quiet

NORMAL_MEDIAN = 0.455  # median of squared standard normal deviates
MEMORY = 60.0  # s in which the usual energy is looked for
FORGOTTEN = 120.0  # s in which a quiet sample's weight falls to 1/e
AFTER_DRIFT = 0.1  # of the weight of what was known stays when the recording has drifted
PRIOR = 5.0  # s of white noise of usual size that stand in the covariance before anything is quiet
NUGGET = 0.02  # fraction of the variance that is added to it
LARGEST_EXCESS = 1e3  # times the usual energy
(SOLVE,) = get_lapack_funcs(("posv",), dtype=np.float64)  # Cholesky: half the work of LU


class History:
    """The last samples (…, time) of something; zeros before the first.

    Examples
    --------
    >>> history = History((1,), 3)
    >>> for x in range(9):
    ...     history.push(np.array([x]))
    >>> history.last(2).tolist(), history.last(1, 2).tolist()
    ([[7.0, 8.0]], [[6.0]])
    """

    def __init__(self, shape: tuple[int, ...], length: int):
        self.length: int = length
        self.held: np.ndarray = np.zeros((*shape, 4 * length))
        self.end: int = length

    def push(self, x: np.ndarray | float) -> None:
        """Add a sample (…)."""
        if self.end == self.held.shape[-1]:
            self.held[..., : self.length] = self.held[..., -self.length :]
            self.end = self.length
        self.held[..., self.end] = x
        self.end += 1

    def last(self, count: int, back: int = 0) -> np.ndarray:
        """View of `count` samples up to `back` before the newest; count + back <= length."""
        return self.held[..., self.end - back - count : self.end - back]


class QuietCovariance:
    """Covariance over time of each channel's quiet samples, with forgetting.

    Parameters
    ----------
    channels, wavelengths : int
    lags : int
        Samples of the window that it is used in.
    rate : float
        Sampling rate [Hz].
    quiet : Quiet
        What counts as quiet.
    """

    def __init__(self, channels: int, wavelengths: int, lags: int, rate: float, quiet: Quiet):
        self.quiet: Quiet = quiet
        self.kept: float = float(np.exp(-1 / (FORGOTTEN * rate)))
        self.sums: np.ndarray = np.zeros((channels, wavelengths, wavelengths, lags))
        self.weight: np.ndarray = np.zeros(channels)
        self.weighted: History = History((channels, wavelengths), lags)
        # what both factors of a product have lost, and a taper that keeps the matrix positive
        lag = np.arange(lags)
        self.factor: np.ndarray = self.kept ** (lag / 2) * (1 - lag / (2 * lags))
        self.prior: float = PRIOR * rate
        self.step: int = max(round(rate / 5), 1)
        stored = max(round(MEMORY * rate / self.step), 8)
        self.energy: np.ndarray = np.zeros((channels, wavelengths, stored))
        self.local: np.ndarray = np.zeros((channels, stored))
        self.variance: np.ndarray = np.zeros((channels, wavelengths))  # a robust one
        self.calm: np.ndarray = np.zeros(channels)  # local energy when it is quiet
        self.count: int = 0

    def add(self, around: np.ndarray, mask: np.ndarray, looked_at: np.ndarray) -> None:
        """Take in the next sample.

        Parameters
        ----------
        around : array (channel, wavelength, odd)
            The sample in the middle of its surroundings.
        mask : array (channel,)
            The largest motion mask there.
        looked_at : array of int
            Channels whose usual energy is determined anew.
        """
        sample = around[..., around.shape[-1] // 2]
        usual, energy = self.variance * NORMAL_MEDIAN, (around**2).mean(-1)
        local = np.divide(energy, usual, out=np.ones(usual.shape), where=usual > 0).mean(-1)
        number, off = divmod(self.count, self.step)
        self.count += 1
        if off == 0:
            at = number % self.energy.shape[-1]
            self.energy[..., at], self.local[:, at] = sample**2, local
        self._look(looked_at, min(number + 1, self.energy.shape[-1]))
        known = self.calm > 0
        excess = local / np.where(known, self.quiet.excess * self.calm, 1.0)
        quiet = (1 - mask + 1e-3) / (1 + excess.clip(0, LARGEST_EXCESS) ** 4)
        quiet = np.where(known, quiet, 0.0)
        self.weighted.push(sample * quiet[:, None])
        newest_first = self.weighted.held[..., : self.weighted.end][..., ::-1]
        before = newest_first[..., : self.sums.shape[-1]]
        self.sums *= self.kept
        self.sums += before[:, :, None, :1] * before[:, None]
        self.weight = self.kept * self.weight + quiet**2

    def _look(self, channels: np.ndarray, count: int) -> None:
        if not channels.size:
            return
        energy = self.energy[channels, :, :count]
        usual = np.partition(energy, (count - 1) // 2, -1)[..., (count - 1) // 2]
        usual = usual + 1e-9 * energy.mean(-1)  # 0 where a coarse converter stands still
        self.variance[channels] = usual / NORMAL_MEDIAN
        at = int(self.quiet.quantile * (count - 1))
        self.calm[channels] = np.partition(self.local[channels, :count], at, -1)[:, at]

    def forget(self) -> None:
        """Let what comes now count more than what was: the recording has changed."""
        self.sums *= AFTER_DRIFT
        self.weight *= AFTER_DRIFT

    def matrix(self, channels: np.ndarray, unit: np.ndarray) -> np.ndarray:
        """Covariance (channel, wavelength · lag, wavelength · lag) of a window.

        In units of its own of each channel and wavelength.
        """
        waves, lags = self.sums.shape[-2:]
        lagged = self.sums[channels]
        own = np.arange(waves)
        known = self.weight[channels]
        prior = self.prior / (1 + known / self.prior)  # the less the more is known
        lagged[:, own, own, 0] += prior[:, None] * self.variance[channels]
        known = known + prior
        lagged *= self.factor / known[:, None, None, None]
        lagged /= (unit[:, :, None] * unit[:, None, :])[..., None]
        both = np.concatenate([lagged[..., :0:-1].swapaxes(1, 2), lagged], -1)
        size = waves * lags
        whole = np.empty((len(channels), waves, lags, waves, lags))
        # rows of a Toeplitz matrix are shifted views of its lags
        shifted = sliding_window_view(both[..., ::-1], lags, -1)[..., ::-1, :]
        whole[:] = shifted.transpose(0, 1, 3, 2, 4)
        whole = whole.reshape(-1, size, size)
        diagonal = np.einsum("kii->ki", whole)
        diagonal += NUGGET * diagonal.mean(-1, keepdims=True)
        return whole


def smooth(
    observed: np.ndarray,
    rough: np.ndarray,
    missed: np.ndarray,
    unknown: np.ndarray,
    clean: np.ndarray,
    ties: np.ndarray,
    wanted: slice,
) -> tuple[np.ndarray, np.ndarray]:
    """Artifact of windows, and the variance of its error at some samples.

    Parameters
    ----------
    observed : array (channel, wavelength, time)
        Changes of optical density from sample to sample.
    rough : array (channel, band, wavelength, time)
        Rough artifact; that of a band is correlated over its reach.
    missed : array (channel, wavelength, time)
        Variance of what the rough artifact misses, independent between samples.
    unknown : array (channel, wavelength, time)
        Variance of what else is in the observed samples and no artifact.
    clean : array (channel, wavelength · time, wavelength · time)
        Covariance of the clean signal, positive definite.
    ties : array (band, time, time)
        Correlation of the artifact in each band.
    wanted : slice
        Samples whose variance is wanted.

    Returns
    -------
    artifact : array (channel, wavelength, time)
    variance : array (channel, wavelength, wanted)
    """
    channels, waves, length = observed.shape
    artifact = np.zeros((channels, waves, length, waves, length))
    for band, tie in zip(rough.swapaxes(0, 1), ties, strict=True):
        artifact += (band[:, :, :, None] * tie)[:, :, :, None] * band[:, None, None]
    artifact = artifact.reshape(clean.shape)
    np.einsum("kii->ki", artifact)[:] += missed.reshape(channels, -1)
    total = artifact + clean
    np.einsum("kii->ki", total)[:] += unknown.reshape(channels, -1)
    chosen = (np.arange(waves)[:, None] * length + np.arange(length)[wanted]).ravel()
    among = artifact[:, :, chosen]
    right = np.concatenate([observed.reshape(channels, -1, 1), among], -1)
    # symmetric, so that the transpose is the same matrix in the order that LAPACK wants
    pairs = zip(total, right, strict=True)
    solved = np.stack([SOLVE(a.T, b, overwrite_a=True)[1] for a, b in pairs])
    found = (artifact @ solved[..., :1]).reshape(observed.shape)
    variance = artifact[:, chosen, chosen] - (among * solved[..., 1:]).sum(1)
    return found, variance.reshape(channels, waves, -1).clip(0)
