"""A comparison in one line, in which order its rows stand, and what its controls are."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurofuse.fusion.compare import MISMATCHED, ORACLE, REFERENCES
from neurofuse.fusion.report.metric_words import badness
from neurofuse.fusion.views.phrases import listed, significant
from neurofuse.io.modality import MODALITIES

ERROR = "error_db"
MOTION, QUIET = "noref_motion_ratio", "noref_quiet_change"
UNCORRECTED, ZERO = REFERENCES
CONTROLS = {
    UNCORRECTED: "the recording as it is",
    ZERO: "an output of zeros, which a method must beat",
    ORACLE: "the truth put in where motion is: the best that any method can reach",
    MISMATCHED: "the joint model beside a partner from another time: a gain that remains is not "
    "the partner's",
}
TIED = 3  # names of methods that share the best value; more are counted


def is_control(method: str) -> bool:
    """Whether a row stands for comparison only.

    Examples
    --------
    >>> is_control("zero"), is_control("tddr")
    (True, False)
    """
    return method in CONTROLS


def verdict(table: xr.Dataset) -> str:
    """Which methods did best, in one line; without a truth what can be said instead.

    Parameters
    ----------
    table : Dataset
        Of `neurofuse.compare`.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, recording = nf.simulate(20, seed=2, bouts_per_minute=9, nirs_montage=None)
    >>> line = verdict(nf.compare(recording, ["pca"], truth))
    >>> line.startswith("Smallest error in motion: in EEG pca")
    True
    """
    known = table.attrs.get("truth") != "unknown"
    parts = [_modality(table, str(name), known) for name in table.modality.values]
    parts = [part for part in parts if part]
    if not parts:
        return "No method could be scored."
    first = "Smallest error in motion" if known else "Truth unknown, so none can be called best"
    return f"{first}: {'; '.join(parts)}."


def in_order(value: xr.DataArray) -> list[str]:
    """Methods of a table (method, metric) with figures: the smallest error first, controls last.

    Without a truth nothing says which is best: the order is that of the table.
    """
    known = value.isel(method=value.notnull().any("metric").values)
    names = [str(name) for name in known.method.values]
    if ERROR in known.metric.values:
        error = dict(zip(names, known.sel(metric=ERROR).values.tolist(), strict=True))
        names.sort(key=lambda name: (np.isnan(error[name]), error[name]))
    return sorted(names, key=is_control)


def best_rows(metric: str, value: xr.DataArray) -> list[str]:
    """Methods (no controls) with the best value of a metric; several where they share it.

    Examples
    --------
    >>> rows = xr.DataArray([0.0, 3.0, -1.0], coords={"method": ["zero", "a", "b"]})
    >>> best_rows("error_db", rows)
    ['b']
    """
    names = [str(name) for name in value.method.values]
    far = np.where([is_control(n) for n in names], np.nan, badness(metric, value.values))
    if np.isnan(far).all():
        return []
    return [name for name, size in zip(names, far, strict=True) if size == np.nanmin(far)]


def _modality(table: xr.Dataset, stream: str, known: bool) -> str:
    value = table.value.sel(modality=stream)
    where = f"in {MODALITIES[stream].display}"

    def of(metric: str, row: str) -> float:
        known = metric in value.metric.values and row in value.method.values
        return float(value.sel(metric=metric).loc[row]) if known else np.nan

    def best(metric: str) -> tuple[str, float]:
        known = metric in value.metric.values
        rows = best_rows(metric, value.sel(metric=metric)) if known else []
        return _names(rows), of(metric, rows[0]) if rows else np.nan

    if known:
        names, error = best(ERROR)
        if not names:
            return ""
        before = _size(of(ERROR, UNCORRECTED))
        if error >= 0:
            return f"{where} no method beats an output of zeros (best: {names}, {_size(error)})"
        return f"{where} {names} ({_size(error)}; uncorrected {before}, zeros 0 dB)"
    calm, change = best(MOTION), best(QUIET)
    parts = []
    if calm[0]:
        before = _size(of(MOTION, UNCORRECTED))
        parts.append(
            f"{calm[0]} left motion most like quiet parts ({_size(calm[1])}; uncorrected {before})"
        )
    if change[0]:
        parts.append(f"{change[0]} changed quiet parts least ({_size(change[1])})")
    return f"{where} {listed(parts)}" if parts else ""


def _names(rows: Sequence[str]) -> str:
    return "" if not rows else listed(rows) if len(rows) <= TIED else f"{len(rows)} methods"


def _size(decibels: float) -> str:
    if np.isinf(decibels):
        return "no change" if decibels < 0 else "+inf dB"
    return f"{significant(decibels)} dB".replace("-", "−")
