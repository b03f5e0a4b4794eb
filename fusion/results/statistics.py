"""Many comparisons together: means with intervals by participant, paired tests against a method.

Recordings of one participant are not independent: they are averaged first, and participants are
resampled.
"""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError

LIMIT_DB = 100.0  # what is infinite counts as this
RESAMPLES = 2000
CONFIDENCE = 95.0  # percent


def summarise(table: xr.Dataset, *, against: str = "joint", seed: int = 0) -> xr.Dataset:
    """Means over participants, their intervals, and differences from one method.

    Parameters
    ----------
    table : Dataset
        `value` (recording, method, modality, metric) with the coordinate `subject` (recording), as
        of `neurofuse.fusion.cohort.compare_all`. Figures beyond 100 dB, either way, count as that.
    against : str
        The method that all others are paired with.
    seed : int
        Seed of the bootstrap, stored in `attrs["seed"]`.

    Returns
    -------
    Dataset
        For (method, modality, metric), in the units of the metric: `mean`; `low` and `high`, its
        95 % confidence interval (bootstrap by subject, percentiles); `difference`,
        `difference_low` and `difference_high`, of the method minus `against` in the same
        participants. Further `people`, the number of participants with a figure, and `p`, of a
        Wilcoxon signed-rank test of the differences, corrected for the number of methods by Holm's
        procedure (Holm 1979, Scand J Stat 6:65) within each modality and metric.

    Raises
    ------
    ParameterError
        If the method to compare with is not in the table, or it has no recordings.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> value = rng.standard_normal((12, 2, 1, 1)) + np.array([0.0, 5.0])[:, None, None]
    >>> table = xr.Dataset(
    ...     {"value": (("recording", "method", "modality", "metric"), value)},
    ...     {"method": ["joint", "ica"], "modality": ["eeg"], "metric": ["error_db"],
    ...      "units": ("metric", ["dB"]), "subject": ("recording", np.repeat(np.arange(6), 2))},
    ... )
    >>> summary = summarise(table)
    >>> bool(summary.difference.loc["ica", "eeg", "error_db"] > 3)
    True
    >>> round(float(summary.p.loc["ica", "eeg", "error_db"]), 3)
    0.031
    """
    if "recording" not in table.value.dims or "subject" not in table.coords:
        raise ParameterError(
            f"a table over {', '.join(map(str, table.value.dims))}",
            "one over `recording` with the coordinate `subject`",
            "compare several recordings with neurofuse.fusion.cohort.compare_all",
        )
    names = table.method.values.tolist()
    if against not in names:
        raise ParameterError(f"the method {against!r}", f"one of {', '.join(names)}", "choose one")
    value = table.value.transpose("recording", "method", "modality", "metric")
    decibel = table.units.values == "dB"
    data = np.where(decibel, np.clip(value.values, -LIMIT_DB, LIMIT_DB), value.values)
    by_participant = _by_participant(data, table.subject.values)
    rng = np.random.default_rng(seed)
    resampled = rng.integers(len(by_participant), size=(RESAMPLES, len(by_participant)))
    gap = by_participant - by_participant[:, [names.index(against)]]
    summary = {"mean": _mean(by_participant), "people": np.isfinite(by_participant).sum(0)}
    summary["low"], summary["high"] = _interval(by_participant, resampled)
    summary["difference"] = _mean(gap)
    summary["difference_low"], summary["difference_high"] = _interval(gap, resampled)
    p = np.full(gap.shape[1:], np.nan)
    for modality, metric in np.ndindex(gap.shape[2:]):
        rows = [m for m, name in enumerate(names) if name != against]
        p[rows, modality, metric] = holm(paired_p(gap[:, row, modality, metric]) for row in rows)
    summary["p"] = p
    dims = ("method", "modality", "metric")
    coords = {name: table[name] for name in (*dims, "units")}
    return xr.Dataset(
        {name: (dims, values) for name, values in summary.items()},
        coords,
        attrs={"against": against, "seed": seed, "draws": RESAMPLES},
    )


def paired_p(differences: np.ndarray) -> float:
    """p of a two-sided Wilcoxon signed-rank test of paired differences.

    Parameters
    ----------
    differences : array (participant,)
        NaN where a participant has no figure.

    Returns
    -------
    float
        NaN with fewer than two participants, 1 if nothing differs.

    Examples
    --------
    >>> paired_p(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    0.03125
    """
    from scipy.stats import wilcoxon

    known = differences[np.isfinite(differences)]
    if known.size < 2:
        return np.nan
    if not known.any():
        return 1.0
    _, p = wilcoxon(known, zero_method="zsplit")
    return float(p)  # pyright: ignore[reportArgumentType]


def holm(p: Iterable[float]) -> np.ndarray:
    """p values corrected for their number (Holm 1979, Scand J Stat 6:65).

    Parameters
    ----------
    p : floats
        NaN is not counted and stays NaN.

    Returns
    -------
    array (test,)
        Corrected p values, at most 1.

    Examples
    --------
    >>> holm([0.01, 0.04, float("nan"), 0.03]).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    values = np.array(list(p), float)
    out = values.copy()
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known])]
    factor = np.arange(order.size, 0, -1)
    out[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factor))
    return out


def _by_participant(data: np.ndarray, subject: np.ndarray) -> np.ndarray:
    participants = dict.fromkeys(subject.tolist())
    return np.stack([_mean(data[subject == participant]) for participant in participants])


def _mean(data: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is known; NaN where nothing is."""
    known = ~np.isnan(data)
    total = np.where(known, data, 0.0).sum(0)
    return np.where(known.any(0), total / np.maximum(known.sum(0), 1), np.nan)


def _interval(by_participant: np.ndarray, resampled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    edges = (100 - CONFIDENCE) / 2
    means = np.stack([_mean(by_participant[chosen]) for chosen in resampled])
    known = ~np.isnan(means).all(0)
    low, high = (np.full(by_participant.shape[1:], np.nan) for _ in range(2))
    if known.any():
        low[known], high[known] = np.nanpercentile(means[:, known], [edges, 100 - edges], axis=0)
    return low, high
