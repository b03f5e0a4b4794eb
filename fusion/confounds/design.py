"""Confounds as further columns of a design matrix."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from neurofuse.io.errors import ParameterError
from neurofuse.io.logs import LOG

if TYPE_CHECKING:
    import pandas as pd

# signals that add up with what is measured; the others say how good a sample is
REGRESSORS = ("level_step_", "short_channel_")
# share of a column's variance that the design explains already, beyond which it adds nothing but
# doubt about the estimates
REDUNDANT = 0.999
ROUNDING = 1e-12  # of a column's largest value: what varies less is constant


def add_confounds(
    design: "pd.DataFrame", frame: "pd.DataFrame", columns: Iterable[str] | None = None
) -> "pd.DataFrame":
    """Add confounds to the design matrix of a GLM, so that it keeps its full rank.

    Parameters
    ----------
    design : pandas.DataFrame
        Indexed by time [s], as `make_first_level_design_matrix` of MNE-NIRS and Nilearn returns it.
    frame : pandas.DataFrame
        Of `confounds`, "nirs", or read from its TSV; interpolated linearly to the times of
        `design`. Both must be of the same stretch of the recording.
    columns : names, optional
        Which columns. By default the steps of the baseline level and the short channels. For
        `fit_glm` take the short channels only: its weights make steps needless, and many of them
        its intervals too narrow. The other columns say how good a sample is, which weights
        (`glm_weights`) use better.

    Returns
    -------
    pandas.DataFrame
        `design` with the columns, mean 0 each. Missing values are 0. Columns that are constant or
        missing, or of which the columns before explain more than 99.9 %, are left out, and one
        warning in the log names them.

    Raises
    ------
    ParameterError
        If `design` has no increasing times, `frame` none or those of another stretch, or a column
        does not exist or is in `design` already.

    Examples
    --------
    >>> import pandas as pd
    >>> time = pd.Index(np.arange(0, 60, 0.1), name="time")
    >>> frame = pd.DataFrame({"level_step_00": (time > 30).astype(float)}, time)
    >>> design = pd.DataFrame({"task": np.sin(time[::5]), "constant": 1.0}, time[::5])
    >>> list(add_confounds(design, frame))
    ['task', 'constant', 'level_step_00']
    """
    check_frame(frame, "frame")
    if frame.index.name != "time" and "time" in frame:
        frame = frame.set_index("time")
    at, known = times_of(design, "design"), times_of(frame, "frame")
    _check_same_stretch(at, known)
    names = [str(name) for name in frame if str(name).startswith(REGRESSORS)]
    if columns is not None:
        if isinstance(columns, str) or not isinstance(columns, Iterable):
            raise ParameterError(f"columns={columns!r}", "a list of names", 'such as ["gvtd"]')
        names = list(dict.fromkeys(columns))
    absent = [name for name in names if name not in frame]
    if absent:
        raise ParameterError(
            f"columns {', '.join(map(str, absent))}",
            f"some of {', '.join(map(str, frame))}",
            "choose others",
        )
    twice = [name for name in names if name in design]
    if twice:
        raise ParameterError(
            f"columns {', '.join(twice)} in the design already", "other names", "rename them there"
        )
    basis = _orthonormal(finite_values(design))
    added, refused = {}, []
    for name in names:
        column = _interpolated(frame[name].to_numpy(float), known, at)
        size = np.linalg.norm(column)
        rest = column - basis @ (basis.T @ column)
        if size == 0:
            refused.append(f"{name} (constant or missing)")
        elif np.linalg.norm(rest) ** 2 < (1 - REDUNDANT) * size**2:
            refused.append(f"{name} (explained by other columns)")
        else:
            added[name] = column
            rest -= basis @ (basis.T @ rest)  # once more, for its rounding errors
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
    if refused:
        LOG.warning("left out of the design matrix: %s", ", ".join(refused))
    return design.assign(**added)


def times_of(frame: "pd.DataFrame", what: str) -> np.ndarray:
    """The increasing times (time,) [s] that a frame is indexed by."""
    check_frame(frame, what)
    try:
        times = frame.index.to_numpy(float)
    except (TypeError, ValueError):
        times = np.zeros(0)
    if times.size < 2 or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise ParameterError(
            f"{what} with the index {frame.index[:3].tolist()} …",
            "increasing times [s] as its index",
            "see make_first_level_design_matrix, and neurofuse's confounds for fNIRS",
        )
    return times


def check_frame(frame: object, what: str) -> None:
    """Raise an error unless it is a table."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise ParameterError(
            f"{what} of type {type(frame).__name__}",
            "a pandas.DataFrame",
            'of confounds take one modality: neurofuse.confounds(cleaned)["nirs"]',
        )


def finite_values(design: "pd.DataFrame") -> np.ndarray:
    """The columns (time, column) of a design matrix."""
    try:
        values = design.to_numpy(float)
    except (TypeError, ValueError):
        values = np.full(design.shape, np.nan)
    if not np.isfinite(values).all():
        raise ParameterError(
            "a design with missing values or text",
            "finite numbers in all columns",
            "see make_first_level_design_matrix",
        )
    return values


def _check_same_stretch(at: np.ndarray, known: np.ndarray) -> None:
    """Times that differ by a rate and its rounding are those of the same stretch."""
    slack = 2 * max(np.median(np.diff(at)), np.median(np.diff(known)))
    if abs(at[0] - known[0]) > slack or abs(at[-1] - known[-1]) > slack:
        raise ParameterError(
            f"a design from {at[0]:g} to {at[-1]:g} s for confounds from {known[0]:g} to "
            f"{known[-1]:g} s",
            "the same stretch of the recording",
            "cut the Recording as the data of the design are, then make its confounds",
        )


def _interpolated(values: np.ndarray, known: np.ndarray, at: np.ndarray) -> np.ndarray:
    """A column at the times `at`, mean 0, and 0 where it is missing or constant."""
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(at.size)
    column = np.interp(at, known, np.where(finite, values, values[finite].mean()))
    varies = np.ptp(column) > ROUNDING * np.abs(column).max()
    return column - column.mean() if varies else np.zeros(at.size)


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    """An orthonormal basis (time, …) of the columns (time, column) of a matrix."""
    size = np.linalg.norm(columns, axis=0)
    left, weight, _ = np.linalg.svd(columns[:, size > 0] / size[size > 0], full_matrices=False)
    least = max(columns.shape) * np.finfo(float).eps * weight.max(initial=0.0)
    return left[:, weight > least]
