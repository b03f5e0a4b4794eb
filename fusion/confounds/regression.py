"""Regression with autocorrelated noise, outliers, and samples that count less.

Prewhitening by an autoregression, and robust regression on top (AR-IRLS: Barker et al. 2013,
Biomed Opt Express 4:1366). Weights apply to innovations, what a sample says beyond the samples
before it: one whose past is in doubt is in doubt itself, so that an innovation weighs as the worst
sample in it. A step of the baseline level within a repaired stretch is an innovation there only,
and does no harm after it. The autoregression itself is of all samples that are not lost, since
one from few stretches makes intervals too narrow.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from neurofuse.fusion.signal.motion import SD_OF_MAD

ESTIMATORS = ("robust", "ar", "ols")
ORDER = 4.0  # s of past in the autoregression, as MNE-NIRS advises
ROUNDS, CLOSE = 10, 1e-3  # of estimation, until estimates change by less than this share
BISQUARE = 4.685  # standard deviations beyond which a biweight is 0: 95 % efficient
LEAST = 1e-6  # weight of samples that count at all


def regress(
    series: np.ndarray,
    design: np.ndarray,
    rate: float,
    estimator: str,
    weight: np.ndarray | None = None,
    known: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Estimates (column,), their standard errors (column,), and the degrees of freedom.

    Parameters
    ----------
    series : array (time,)
        Of one channel, near 1 in size.
    design : array (time, column)
    rate : float
        [Hz].
    estimator : {"robust", "ar", "ols"}
    weight : array (time,), optional
        Of each sample, 0 to 1.
    known : bool array (time,), optional
        Which samples tell of the autocorrelation: all, or those with weight.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> design = np.column_stack([np.sin(np.arange(400) / 9), np.ones(400)])
    >>> noise = lfilter([1], [1, -0.8], rng.standard_normal(400))
    >>> beta, error, _ = regress(design @ [3.0, 1.0] + noise, design, 2.0, "robust")
    >>> bool(abs(beta[0] - 3) < 2 * error[0])
    True
    """
    weight = np.ones(series.size) if weight is None else weight
    told = np.asarray(weight > 0 if known is None else known, float)
    beta, error, left = _least_squares(series, design, weight)
    if estimator == "ols":
        return beta, error, left
    order = min(max(round(ORDER * rate), 1), series.size // 4)
    # the least of each sample and the `order` before it; what was before the first is unknown
    innovation = sliding_window_view(np.pad(weight, (order, 0)), order + 1).min(-1)
    for _ in range(ROUNDS):
        taps = _autoregression(series - design @ beta, told, order)
        white, whitened = (np.asarray(lfilter(taps, [1.0], x, axis=0)) for x in (series, design))
        before = beta
        beta, error, left = _least_squares(white, whitened, innovation)
        if estimator == "robust":
            beta, error, left = _biweight(white, whitened, innovation, beta)
        if _close(beta, before):
            break
    return beta, error, left


def _least_squares(
    series: np.ndarray, design: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Weighted; a sample of weight 0 is no degree of freedom."""
    inverse = np.linalg.pinv((design * weight[:, None]).T @ design, hermitian=True)
    beta = inverse @ (design.T @ (weight * series))
    left = max(float(weight.sum()) - design.shape[1], 1.0)
    variance = float(weight @ (series - design @ beta) ** 2) / left
    return beta, np.sqrt(np.diag(inverse) * variance), left


def _biweight(
    series: np.ndarray, design: np.ndarray, weight: np.ndarray, beta: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Tukey's biweight, from a first estimate on; standard errors after Huber (1973)."""
    here = weight > LEAST
    scale = 1.0
    for _ in range(ROUNDS):
        rest = series - design @ beta
        scale = SD_OF_MAD * float(np.median(np.abs(rest[here]))) or 1.0
        bounded = np.clip(1 - (rest / (BISQUARE * scale)) ** 2, 0, None) ** 2
        before = beta
        beta, _, _ = _least_squares(series, design, weight * bounded)
        if _close(beta, before):
            break
    share = (series - design @ beta) / (BISQUARE * scale)
    bounded = np.clip(1 - share**2, 0, None)
    total = float(weight.sum())
    left = max(total - design.shape[1], 1.0)
    # the mean slope of the influence of a residual, and the variance of that influence
    slope = float(weight @ np.where(bounded > 0, bounded * (1 - 5 * share**2), 0.0)) / total
    influence = float(weight @ (bounded**2 * share * BISQUARE * scale) ** 2) / left
    few = 1 + design.shape[1] / total * (1 - slope) / max(slope, 0.1)
    inverse = np.linalg.pinv((design * weight[:, None]).T @ design, hermitian=True)
    return beta, few * np.sqrt(np.diag(inverse) * influence) / max(slope, 0.1), left


def _close(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one - other).max() < CLOSE * max(float(np.abs(one).max()), 1e-30))


def _autoregression(rest: np.ndarray, weight: np.ndarray, order: int) -> np.ndarray:
    """The filter (order + 1,) that whitens a residual, by Yule and Walker from what counts."""
    seen = rest * weight
    products = np.array([seen[k:] @ seen[: seen.size - k] for k in range(order + 1)])
    counts = np.array([weight[k:] @ weight[: weight.size - k] for k in range(order + 1)])
    covariance = products / np.maximum(counts, 1.0)
    if covariance[0] <= 0:
        return np.eye(1, order + 1)[0]
    covariance *= 1 - np.arange(order + 1) / (rest.size + 1)
    covariance[0] *= 1 + 1e-6
    return np.r_[1.0, -solve_toeplitz(covariance[:-1], covariance[1:])]
