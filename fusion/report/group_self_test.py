"""Self-tests of a study together: how large the errors of methods are, by participant."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.plain import UNCORRECTED
from neurofuse.fusion.report.group_row import GroupRow
from neurofuse.fusion.results.statistics import summarise

FEWEST = 3  # participants: of fewer no interval is given


@dataclass(frozen=True)
class MethodErrors:
    """One method in one modality.

    Attributes
    ----------
    method : str
    people, recordings : int
        How many it was tested in.
    mean, low, high : float
        Mean error over participants, with its 95 % confidence interval [dB].
    difference, p : float
        Its mean error minus that of the method that it is paired with, in the same participants
        [dB]; p of a Wilcoxon signed-rank test, corrected by Holm's procedure. NaN for that method
        itself.
    best : int
        In how many recordings its error is the smallest.
    """

    method: str
    people: int
    recordings: int
    mean: float
    low: float
    high: float
    difference: float
    p: float
    best: int


@dataclass(frozen=True)
class GroupSelfTest:
    """All methods in one modality, the smallest error first, paired with `against`."""

    modality: str
    against: str
    people: int
    recordings: int
    methods: tuple[MethodErrors, ...]


def group_self_test(rows: Sequence[GroupRow], modality: str) -> GroupSelfTest | None:
    """Statistics over participants; None where fewer than three were tested.

    Methods are paired with the one that cleaned the study, if it was tested, else with the one that
    was tested most often.

    Examples
    --------
    >>> rows = [
    ...     GroupRow(f"sub-{k}", "done", method="joint", errors={"eeg": {"joint": -6.0, "asr": k}})
    ...     for k in range(3)
    ... ]
    >>> found = group_self_test(rows, "eeg")
    >>> found.against, [(one.method, one.mean) for one in found.methods]
    ('joint', [('joint', -6.0), ('asr', 1.0)])
    """
    tested = [row for row in rows if row.errors.get(modality)]
    people = {row.participant for row in tested}
    if len(people) < FEWEST:
        return None
    often = Counter(name for row in tested for name in row.errors[modality])
    names = sorted(often)
    value = np.array([[row.errors[modality].get(n, np.nan) for n in names] for row in tested])
    against = _against(tested, often)
    table = xr.Dataset(
        {"value": (("recording", "method", "modality", "metric"), value[:, :, None, None])},
        {
            "method": names,
            "modality": [modality],
            "metric": ["error_db"],
            "units": ("metric", ["dB"]),
            "subject": ("recording", [row.participant for row in tested]),
        },
    )
    found = summarise(table, against=against).isel(modality=0, metric=0)
    best = Counter(row.best.get(modality, "") for row in tested)
    methods = []
    for name in names:
        of = {key: float(found[key].loc[name]) for key in ("mean", "low", "high")}
        paired = {key: float(found[key].loc[name]) for key in ("difference", "p")}
        if name == against:
            paired = dict.fromkeys(paired, np.nan)
        people_of = int(found.people.loc[name])
        methods.append(MethodErrors(name, people_of, often[name], **of, **paired, best=best[name]))
    ranked = tuple(sorted(methods, key=lambda one: (one.mean, one.method)))
    return GroupSelfTest(modality, against, len(people), len(tested), ranked)


def _against(tested: Sequence[GroupRow], often: Counter[str]) -> str:
    """The method that all others are paired with."""
    used = [name for name, _ in Counter(row.method for row in tested).most_common()]
    others = sorted(often, key=lambda name: (name == UNCORRECTED.name, -often[name], name))
    return next((name for name in used if name in often), others[0])
