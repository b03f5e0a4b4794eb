"""How well a method removes real movements whose truth is known: one row a case, then by group."""

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.common.lost import repaired
from benchmarks.common.statistics import decibel, interval
from benchmarks.transplant.cases import PORR_KINDS, Case, cases
from neurofuse.fusion.methods.registry import get_method
from neurofuse.fusion.signal.bands import ALPHA, NIRS_ERROR, bandpass
from neurofuse.io import stream_dataset
from neurofuse.io.errors import ParameterError
from neurofuse.io.quality.calm import widened

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method

NEAR = 2.0  # s around a movement of optodes that count as in motion
LEAST = -60.0  # dB; smaller errors count as this, so that means over people exist
FLOOR = "floor"  # the row of what a perfect cleaner may leave
FIGURES = {  # unit, and whether less is better
    "error": ("dB", True),
    "unfiltered": ("dB", True),
    "change": ("dB", True),
    "alpha": ("1", False),
}


def evaluate(
    method: "Method" = "joint",
    part: str = "validation",
    modality: str | None = None,
    every: int = 1,
) -> pd.DataFrame:
    """Clean every case with a method, and compare with the truth.

    Parameters
    ----------
    method : str, Path, Cleaner or model
        A name of `neurofuse.methods()`, "floor", the path of weights, or an object: a cleaner, a
        model in memory.
    part : {"validation", "train", "test"}
        Of the split by participants. The test part is for final figures only.
    modality : {"eeg", "nirs"}, optional
        Both by default, as far as the method treats them.
    every : int
        Only every so many-th case, for a quick look.

    Returns
    -------
    DataFrame
        One row a case: `method`, `modality`, `receiver` (a person), `kind` of movement,
        `channels`, and

        - `error` [dB]: energy of (cleaned - true) over that of the true signal in motion; 0 is what
          zeros give. EEG unfiltered; fNIRS in 0.01-0.7 Hz, 2 s around movements.
        - `unfiltered` [dB]: the same for fNIRS unfiltered, medians removed.
        - `change` [dB]: the same outside motion; -60 and less count as -60.
        - `alpha`: size of the true alpha waves in the cleaned EEG in motion; 1 is all of it.
        - `refused`: why the method did not clean this case, where it did not.

    Examples
    --------
    >>> table = evaluate("uncorrected", every=40)  # doctest: +SKIP
    """
    cleaner = None if isinstance(method, str) and method == FLOOR else get_method(method)
    name, treated = (cleaner.name, cleaner.streams) if cleaner else (FLOOR, ("eeg", "nirs"))
    chosen = [c for c in cases(part) if c.modality in treated and modality in (None, c.modality)]
    rows = []
    for case in chosen[::every]:
        facts = {"method": name, "modality": case.modality, "receiver": case.receiver}
        facts |= {"kind": case.kind, "channels": len(case.motion)}
        try:
            found = figures(case, cleaned_by(cleaner, case) if cleaner else case.floor)
        except ParameterError as error:
            found = {"refused": str(error)}
        rows.append(facts | found)
    return pd.DataFrame(rows)


def cleaned_by(method: "Method", case: Case) -> np.ndarray:
    """The samples of a case after cleaning, before a verdict puts lost ones back."""
    cleaned = repaired(case.recording(), method)
    return np.asarray(stream_dataset(cleaned, case.modality)[case.variable].values)


def figures(case: Case, cleaned: np.ndarray) -> dict[str, float]:
    """The figures of one case; see `evaluate`."""
    rate = float(case.truth.attrs["rate"])
    truth = case.truth[case.variable].values
    error = cleaned - truth
    truth = truth - np.median(truth, axis=-1, keepdims=True)
    if case.modality == "eeg":
        inside, outside = case.motion & case.rest, ~case.motion & case.rest
        true_alpha, alpha = (bandpass(x, rate, *ALPHA) for x in (truth, truth + error))
        kept = (alpha * true_alpha)[inside].sum() / (true_alpha**2)[inside].sum()
        figure = {"error": _energies(error, truth, inside)}
        return figure | {"change": _energies(error, truth, outside), "alpha": float(kept)}
    near = widened(case.motion, round(NEAR * rate))
    inside, outside = (_both(m & case.rest, truth) for m in (near, ~near))
    unfiltered = error - np.median(error, axis=-1, keepdims=True)
    band_error, band_truth = (bandpass(x, rate, *NIRS_ERROR) for x in (error, truth))
    return {
        "error": _energies(band_error, band_truth, inside),
        "unfiltered": _energies(unfiltered, truth, inside),
        "change": _energies(band_error, band_truth, outside),
    }


def groups(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of a table by group: kinds of movement, with numbers of electrodes, and all together."""
    found = {"EEG, 2 to 4 electrodes": "modality == 'eeg' and kind != 'blink' and channels > 1"}
    found |= {f"Muse, {n}": f"kind == 'Muse' and channels == {n}" for n in (1, 2, 4)}
    found |= {f"Porr, {n}": f"kind in {PORR_KINDS} and channels == {n}" for n in (1, 2)}
    found |= {k: f"kind == '{k}' and channels > 1" for k in (*PORR_KINDS, "patch", "blink")}
    parts = {
        k: table.query(asked) for k, asked in (found | {"fNIRS": "modality == 'nirs'"}).items()
    }
    return {name: rows for name, rows in parts.items() if len(rows)}


def by_person(rows: pd.DataFrame, method: str, figure: str) -> dict[str, float]:
    """A figure of a method in each receiver, mean of the cases; empty where it has none."""
    values: dict[str, list[float]] = {}
    for row in rows.to_dict("records"):
        if row["method"] == method and np.isfinite(row.get(figure, np.nan)):
            values.setdefault(row["receiver"], []).append(row[figure])
    return {person: float(np.mean(own)) for person, own in values.items()}


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """By group and method: mean over receivers, 95 % bootstrap interval, median, worst person.

    Parameters
    ----------
    table : DataFrame
        As `evaluate` returns it; several may be concatenated.

    Returns
    -------
    DataFrame
        One row a group, method and figure: `mean`, `low`, `high`, `median`, `worst`, `people`.
    """
    rows = []
    for group, part in groups(table).items():
        for method, (figure, (unit, less)) in product(dict.fromkeys(part.method), FIGURES.items()):
            values = list(by_person(part, method, figure).values())
            if values:
                facts = {"group": group, "method": method, "figure": figure, "unit": unit}
                facts |= dict(zip(("mean", "low", "high"), interval(values), strict=True))
                facts |= {"median": float(np.median(values)), "people": len(values)}
                rows.append(facts | {"worst": max(values) if less else min(values)})
    return pd.DataFrame(rows)


def difference(
    table: pd.DataFrame, one: str, other: str, figure: str = "error"
) -> dict[str, tuple[float, float, float]]:
    """By group, how much less a figure of one method is than of another, paired by receiver."""
    found: dict[str, tuple[float, float, float]] = {}
    for group, part in groups(table).items():
        first, second = (by_person(part, name, figure) for name in (one, other))
        paired = [value - second[person] for person, value in first.items() if person in second]
        if paired:
            found[group] = interval(paired)
    return found


def _energies(error: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    decibels = decibel(float((error[mask] ** 2).sum()), float((truth[mask] ** 2).sum()))
    return max(LEAST, decibels)


def _both(mask: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A mask (channel, time) for both wavelengths."""
    return np.broadcast_to(mask[:, None], like.shape)
