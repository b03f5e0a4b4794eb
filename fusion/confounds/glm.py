"""A GLM of fNIRS that knows which samples were repaired.

Prewhitening by an autoregression, and robust regression on top (AR-IRLS: Barker et al. 2013,
Biomed Opt Express 4:1366). Weights apply to innovations, what a sample says beyond the samples
before it: one whose past is in doubt is in doubt itself, so that an innovation weighs as the worst
sample in it. A step of the baseline level within a repaired stretch is an innovation there only,
and does no harm after it. The autoregression itself is of all samples that are not lost, since
one from few stretches makes intervals too narrow.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg import solve_toeplitz
from scipy.ndimage import minimum_filter1d
from scipy.signal import butter, lfilter, sosfiltfilt
from scipy.stats import t as student

from neurofuse.fusion.confounds.design import times_of
from neurofuse.fusion.confounds.weights import glm_weights
from neurofuse.fusion.signal.motion import SD_OF_MAD
from neurofuse.io.errors import ParameterError
from neurofuse.io.logs import LOG
from neurofuse.io.modality import NIRS
from neurofuse.io.optics.conversion import to_haemoglobin
from neurofuse.io.recording import LOST, stream_dataset

if TYPE_CHECKING:
    import pandas as pd

ESTIMATORS = ("robust", "ar", "ols")
KINDS = ("hbo", "hbr")
CONFIDENCE = 0.95
ORDER = 4.0  # s of past in the autoregression, as MNE-NIRS advises
ROUNDS, CLOSE = 10, 1e-3  # of estimation, until estimates change by less than this share
BISQUARE = 4.685  # standard deviations beyond which a biweight is 0: 95 % efficient
LEAST = 1e-6  # weight of samples that count at all
PADDING = 5.0  # s that are mirrored at both ends for the low-pass
PASSED = 0.8  # of the design's Nyquist frequency, up to which data are kept


def fit_glm(
    cleaned: xr.DataTree,
    design: "pd.DataFrame",
    *,
    estimator: str = "robust",
    weighted: bool = True,
) -> "pd.DataFrame":
    """Estimate the effects of a design on HbO and HbR of a cleaned Recording.

    Parameters
    ----------
    cleaned : Recording
        Of `neurofuse.clean`.
    design : pandas.DataFrame
        Indexed by time [s] after the first fNIRS sample, evenly, one column a regressor; short
        channels by `add_confounds`, but no steps of the baseline level, which weights make
        needless. Data are low-passed and interpolated to its times: 1 to 2 Hz are enough for
        haemodynamic responses.
    estimator : {"robust", "ar", "ols"}
        Prewhitened robust regression (AR-IRLS), prewhitening alone, or ordinary least squares,
        which takes neighbouring samples for independent: its intervals are far too narrow.
    weighted : bool
        Whether samples count by `glm_weights`; false: all alike.

    Returns
    -------
    pandas.DataFrame
        One row for each `channel`, `kind` ("hbo" or "hbr") and `column`: the estimate `beta` and
        its standard error `error` [mol/L per unit of the column], `t`, `p` (two-sided), the bounds
        `low` and `high` of the 95 % confidence interval, and the degrees of freedom `freedom`. NaN
        for a channel that is bad, lacks samples, or has too few that count.

    Raises
    ------
    ParameterError
        If the design has missing values, no even times, or not the recording's; or for another
        estimator.
    SchemaError
        If `cleaned` is no Recording, or its fNIRS has one wavelength or no positions.

    Examples
    --------
    >>> import neurofuse as nf
    >>> import pandas as pd
    >>> _, contaminated = nf.simulate(60, seed=3, eeg_montage=None)
    >>> time = pd.Index(np.arange(0, 60, 0.5), name="time")
    >>> design = pd.DataFrame({"task": np.sin(time / 5), "constant": 1.0}, time)
    >>> table = fit_glm(nf.clean(contaminated), design)
    >>> bool((table.low < table.high).all()), table.kind.unique().tolist()
    (True, ['hbo', 'hbr'])
    """
    import pandas as pd

    if estimator not in ESTIMATORS:
        raise ParameterError(
            f"estimator={estimator!r}", f"one of {', '.join(ESTIMATORS)}", "choose one of them"
        )
    weight = glm_weights(cleaned)
    measured = weight > 0
    if "verdict" in stream_dataset(cleaned, NIRS.name):
        measured = stream_dataset(cleaned, NIRS.name).verdict != LOST
    node = stream_dataset(to_haemoglobin(cleaned), NIRS.name)
    at = times_of(design, "design")
    columns, rate = _checked(design, at, node.time.values - float(node.time[0]))
    rows = []
    for kind in KINDS:
        samples = node[kind].transpose("channel", "time").values
        for name, (series, counts, known) in zip(
            node.channel.values, _resampled(node, samples, weight, measured, at), strict=True
        ):
            (beta, error), left = np.full((2, design.shape[1]), np.nan), np.nan
            if np.isfinite(series).all() and counts.sum() > 2 * design.shape[1]:
                unit = float(np.std(series)) or 1.0
                told = (counts, known) if weighted else (None, None)
                beta, error, left = regress(series / unit, columns, rate, estimator, *told)
                beta, error = beta * unit, error * unit
            rows += [
                (str(name), kind, str(column), b, e, left)
                for column, b, e in zip(design.columns, beta, error, strict=True)
            ]
    names = ["channel", "kind", "column", "beta", "error", "freedom"]
    table = pd.DataFrame(rows, columns=names)
    empty = table[table.beta.isna()].channel.unique()
    if len(empty):
        LOG.warning("no estimates of %d channels: bad or too few samples", len(empty))
    reach = student.ppf(0.5 + CONFIDENCE / 2, table.freedom) * table.error
    table["t"] = table.beta / table.error
    table["p"] = 2 * student.sf(table.t.abs(), table.freedom)
    return table.assign(low=table.beta - reach, high=table.beta + reach)


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


def _checked(design: "pd.DataFrame", at: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, float]:
    columns = design.to_numpy(float)
    step = np.diff(at)
    if not np.allclose(step, step[0], rtol=1e-2) or not np.isfinite(columns).all():
        raise ParameterError(
            "a design with uneven times or missing values",
            "even times [s] and finite columns",
            "see make_first_level_design_matrix",
        )
    slack = 2 * max(float(step[0]), float(np.median(np.diff(time))))
    if abs(at[0]) > slack or abs(at[-1] - time[-1]) > slack:
        raise ParameterError(
            f"a design from {at[0]:g} to {at[-1]:g} s for fNIRS of {time[-1]:g} s",
            "times [s] after the first fNIRS sample, up to the last",
            "make the design for this recording",
        )
    return columns, 1 / float(np.median(step))


def _resampled(
    node: xr.Dataset,
    samples: np.ndarray,
    weight: xr.DataArray,
    measured: xr.DataArray,
    at: np.ndarray,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Each channel's samples, weights and whether it measured at times `at` [s].

    The least weight of the samples that are merged, and measured if all of them were.
    """
    time = node.time.values - float(node.time[0])
    rate, wanted = float(node.attrs["rate"]), 1 / float(np.median(np.diff(at)))
    lowpass = butter(4, PASSED * wanted / 2, fs=rate, output="sos") if wanted < rate else None
    reach = 2 * int(np.ceil(rate / wanted / 2)) + 1
    nearest = np.clip(np.searchsorted(time, at - 0.5 / rate), 0, time.size - 1)
    told = (x.transpose("channel", "time").values for x in (weight, measured))
    for series, counts, known in zip(samples, *told, strict=True):
        centred = series - series.mean()
        if lowpass is not None:
            padding = min(series.size - 1, round(PADDING * rate))
            centred = sosfiltfilt(lowpass, centred, padlen=padding)
        counted, whole = (minimum_filter1d(x, reach)[nearest] for x in (counts, known))
        yield np.interp(at, time, centred), counted, whole


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
