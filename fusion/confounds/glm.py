"""A GLM of fNIRS that knows which samples were repaired: a cleaned Recording in, a table out."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.ndimage import minimum_filter1d
from scipy.signal import butter, sosfiltfilt
from scipy.stats import t as student

from neurofuse.fusion.confounds.design import finite_values, times_of
from neurofuse.fusion.confounds.regression import ESTIMATORS, regress
from neurofuse.fusion.confounds.weights import glm_weights
from neurofuse.io.errors import ParameterError
from neurofuse.io.logs import LOG
from neurofuse.io.modality import NIRS
from neurofuse.io.optics.conversion import to_haemoglobin
from neurofuse.io.recording import LOST, stream_dataset

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("hbo", "hbr")
CONFIDENCE = 0.95
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


def _checked(design: "pd.DataFrame", at: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, float]:
    columns = finite_values(design)
    step = np.diff(at)
    if not np.allclose(step, step[0], rtol=1e-2) or not columns.size:
        raise ParameterError(
            "a design with uneven times or no column",
            "even times [s] and a column for each regressor",
            "see make_first_level_design_matrix",
        )
    slack = 2 * max(float(step[0]), float(np.median(np.diff(time))))
    if abs(at[0]) > slack or abs(at[-1] - time[-1]) > slack:
        raise ParameterError(
            f"a design from {at[0]:g} to {at[-1]:g} s for fNIRS of {time[-1]:g} s",
            "times [s] after the first fNIRS sample, up to the last",
            "make the design for this recording",
        )
    size = np.linalg.norm(columns, axis=0)
    rank = np.linalg.matrix_rank(columns / np.where(size > 0, size, 1.0))
    if rank < columns.shape[1]:
        LOG.warning(
            "the %d columns of the design have rank %d: those that others explain have no estimate "
            "of their own",
            *(columns.shape[1], rank),
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
