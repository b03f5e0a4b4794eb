"""Closed-form Wiener stages, as in `models.joint.wiener`; batches are loops over LAPACK."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft
from scipy.linalg import LinAlgError, get_lapack_funcs

from neurofuse.models.edge.pools import hann, overlap_add, padded_frames
from neurofuse.models.joint.constants import MOST_IN_MOTION, RIDGES

EPS = 1e-8
SMALL = 4  # rows up to which numpy inverts a whole batch faster than LAPACK single matrices
FACTOR, INVERT, APPLY = get_lapack_funcs(("potrf", "potri", "potrs"), dtype=np.float32)


def lagged(x: np.ndarray, lags: list[int]) -> np.ndarray:
    """Stack shifted copies of (channel, time) to (lag * channel, time)."""
    reach, length = max(abs(k) for k in lags), x.shape[-1]
    padded = np.pad(x, ((0, 0), (reach, reach)))
    return np.concatenate([padded[:, reach + k : reach + k + length] for k in lags])


def factor(matrix: np.ndarray) -> np.ndarray:
    """Cholesky factor of a positive definite (n, n), a lower triangle.

    One that rounding has made indefinite gets as much on its diagonal as that takes; one that is
    not even nearly positive definite raises.
    """
    found, failed = FACTOR(matrix.T, lower=1)
    for ridge in RIDGES:
        if not failed:
            return found
        raised = matrix.copy()
        raised[np.diag_indices(len(raised))] += ridge * float(np.diagonal(matrix).mean())
        found, failed = FACTOR(raised.T, lower=1)
    if failed:
        raise LinAlgError("a matrix that is not positive definite")
    return found


def solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve one positive definite (n, n) for (n,) or (n, k)."""
    return APPLY(factor(matrix), right, lower=1)[0]


def inverse(matrix: np.ndarray) -> np.ndarray:
    """Inverse of positive definite (…, n, n)."""
    size = matrix.shape[-1]
    if size <= SMALL:
        return np.linalg.inv(matrix)
    out = np.empty_like(matrix)
    for one, made in zip(matrix.reshape(-1, size, size), out.reshape(-1, size, size), strict=True):
        half, _ = INVERT(factor(one), lower=1, overwrite_c=1)  # the lower triangle of it
        np.add(half, half.T, out=made)
    np.einsum("...ii->...i", out)[:] *= 0.5  # was added twice
    return out


def spatial_filter(
    observed: np.ndarray,
    rough: np.ndarray,
    quiet: np.ndarray,
    *,
    size: int,
    lags: list[int],
    shrinkage: float,
    pooling: float,
) -> np.ndarray:
    """Artifact (channel, time) that is linear in the observed channels (channel, time).

    Parameters
    ----------
    observed, rough : array (channel, time)
        Recorded signal, and the rough artifact, whose covariance in each window is taken for the
        artifact's.
    quiet : array (time,)
        Weight 0..1 of each sample in the covariance of the signal without motion.
    size : int
        Window length in samples (even).
    lags : list of int
        Shifts [samples] of the channels that the filter may use; 0 among them.
    shrinkage : float
        Fraction of each variance added to the diagonal of the quiet covariance.
    pooling : float
        Weight, 0..1, of the artifact covariance of all motion against that of each window.
    """
    channels, hop, length = len(observed), size // 2, observed.shape[-1]
    if not rough.any():
        return np.zeros_like(observed)
    stacked = lagged(observed, lags)
    weighted = lagged(observed, lags)
    weighted *= np.sqrt(quiet)
    noise = weighted @ weighted.T / (quiet.sum() + EPS)
    del weighted
    scale = np.diagonal(noise).copy()
    mean = float(scale.mean())
    noise[np.diag_indices(len(noise))] += shrinkage * scale + EPS * mean + 1e-30
    taper = hann(size)
    guesses = padded_frames(lagged(rough, lags), size, hop)
    busy = np.flatnonzero((guesses != 0).any((0, 2)))
    moving = np.empty((busy.size, *noise.shape), np.float32)
    for number, window in enumerate(busy):
        guess = guesses[:, window]
        np.matmul(guess * taper, guess.T, out=moving[number])
    del guesses  # as large as the recording times the lags
    moving /= taper.sum() + EPS
    size_of = np.einsum("kii->k", moving)[:, None, None]
    shape = (moving / np.sqrt(size_of + 1e-6 * mean)).sum(0)
    shape = shape / (float(np.trace(shape)) + 1e-20)
    here = slice(lags.index(0) * channels, (lags.index(0) + 1) * channels)
    signals = padded_frames(stacked, size, hop)
    out = np.zeros((channels, signals.shape[1], size), np.float32)
    for window, own, total in zip(busy, moving, size_of[:, 0, 0], strict=True):
        both = (1 - pooling) * own + pooling * total * shape
        weights = solve(both + noise, both[:, here])
        out[:, window] = weights.T @ signals[:, window] * taper
    return overlap_add(out, hop, length)


def temporal_filter(
    observed: np.ndarray,
    rough: np.ndarray,
    variance: np.ndarray,
    quiet: np.ndarray,
    *,
    size: int,
    reach: np.ndarray,
) -> np.ndarray:
    """Artifact (channel, wavelength, time) of single channels, from their own past and future.

    Parameters
    ----------
    observed : array (channel, wavelength, time)
        Derivative of optical density.
    rough : array (channel, band, wavelength, time)
        Rough artifact in bands; the artifact of a band is correlated over its reach.
    variance : array (channel, wavelength, time)
        Variance of what the rough artifact misses, independent between samples.
    quiet : array (channel, time)
        Weight 0..1 of each sample in the covariance of the clean signal.
    size : int
        Window length in samples (even): the context from which motion is interpolated.
    reach : array (band,)
        Correlation length [samples] of the artifact in each band.
    """
    waves, length = observed.shape[1:]
    hop, taper = size // 2, hann(size)
    lag = (np.arange(waves * size) % size).astype(np.float32)
    apart = -0.5 * np.square(lag[:, None] - lag)
    ties = np.exp(apart / np.square(reach).astype(np.float32)[:, None, None])
    found = np.zeros_like(observed)
    for row, out in enumerate(found):
        if not rough[row].any():
            continue
        whole = padded_frames(rough[row].sum(0), size, hop)
        active = (whole != 0).any((0, 2))
        signal, spread, guess = (
            np.ascontiguousarray(np.moveaxis(padded_frames(x, size, hop), -2, 0)).reshape(
                len(active), *shape
            )
            for x, shape in (
                (observed[row], (-1,)),
                (variance[row], (-1,)),
                (rough[row], (len(ties), waves * size)),
            )
        )
        clean = stationary_covariance(observed[row], quiet[row], size)
        precision = inverse(clean)
        artifact = np.zeros_like(signal)
        for window in np.flatnonzero(active):
            moving = np.flatnonzero(spread[window] > 0)
            if not moving.size:
                continue
            if moving.size > MOST_IN_MOTION * spread.shape[1]:
                own = _artifact_covariance(guess[window], spread[window], ties)
                artifact[window] = own @ solve(own + clean, signal[window])
                continue
            block = np.ix_(moving, moving)
            own = _artifact_covariance(
                guess[window][:, moving], spread[window][moving], ties[:, block[0], block[1]]
            )
            unknown = inverse(precision[block])
            pulled = precision[moving] @ signal[window]
            artifact[window, moving] = own @ solve(own + unknown, unknown @ pulled)
        parts = artifact.reshape(len(active), waves, size).swapaxes(0, 1) * taper
        out[:] = overlap_add(parts, hop, length)
    return found


def _artifact_covariance(guess: np.ndarray, spread: np.ndarray, ties: np.ndarray) -> np.ndarray:
    """Of a rough artifact (band, sample) and of what it misses (sample,)."""
    artifact = np.zeros((len(spread), len(spread)), np.float32)
    for part, tie in zip(guess, ties, strict=True):
        artifact += tie * part[:, None] * part
    artifact[np.diag_indices(len(spread))] += spread
    return artifact


def stationary_covariance(x: np.ndarray, weight: np.ndarray, size: int) -> np.ndarray:
    """Covariance (wavelength·size, wavelength·size) of a stationary signal (wavelength, time).

    Of its quiet parts, by `weight` (time,).
    """
    waves, length = x.shape
    spectrum = np.asarray(fft.rfft(x * weight, 2 * max(length, size)))
    cross = spectrum[:, None] * spectrum.conj()
    lags = np.asarray(fft.irfft(cross, 2 * max(length, size))) / (np.square(weight).sum() + EPS)
    step = np.arange(-size + 1, size)
    # rows of a Toeplitz matrix are shifted views of its lags, of which negative ones are at the end
    tapered = (lags[..., step] * (1 - np.abs(step) / (2 * size))).astype(np.float32)
    shifted = sliding_window_view(tapered[..., ::-1], size, -1)[..., ::-1, :]
    matrix = shifted.transpose(0, 2, 1, 3).reshape(waves * size, waves * size)
    nugget = 0.02 * float(np.diagonal(matrix).mean()) + 1e-30
    matrix[np.diag_indices(len(matrix))] += nugget
    return matrix
