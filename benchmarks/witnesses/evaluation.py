"""Errors of every arm in every case, and their ratios: by participant with intervals."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track

from benchmarks.common.methods import JOINT
from benchmarks.common.statistics import decibel, interval, ratio
from benchmarks.joint_gain.segments import VIEWS
from benchmarks.witnesses.arms import (
    ALL,
    ALONE,
    IMU,
    MISMATCHED,
    MOTIONLESS,
    NONE,
    OTHER_IMU,
    SINGLE,
    TIMES,
    TOLD,
    TWO,
    errors,
)
from benchmarks.witnesses.cases import SEVERITIES, cases, stranger
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.weights import load_model

SEEDS = range(6)
BETTER = "the better of both"  # of the single-modality model and of joint without partner
PERSON = {"eeg": "eeg_person", "nirs": "nirs_person"}  # intervals are over people of the modality


@dataclass(frozen=True)
class Comparison:
    """One arm over another, of one modality with so many electrodes, and what is wanted."""

    stream: str
    electrodes: str
    setting: str
    arm: str
    reference: str
    target: str = ""


COMPARISONS = (
    *(
        Comparison("nirs", electrodes, setting, arm, reference, target)
        for electrodes, most in ((ALL, "≤ 0.82"), (TWO, "≤ 0.85"))
        for setting, arm, reference, target in (
            ("timing", JOINT, BETTER, most),
            ("timing", JOINT, ALONE, ""),
            ("timing", MISMATCHED, ALONE, "0.97 to 1.01"),
            ("timing", MOTIONLESS, ALONE, "≤ 1.01"),
            ("nothing", JOINT, ALONE, "≤ 1.01"),
        )
    ),
    Comparison("nirs", NONE, "timing", SINGLE, ALONE),
    Comparison("nirs", NONE, "timing", TIMES, ALONE),
    Comparison("nirs", NONE, "timing", TOLD, ALONE),
    Comparison("eeg", TWO, "waveforms", JOINT, MISMATCHED, "≤ 0.80"),
    Comparison("eeg", TWO, "waveforms", JOINT, SINGLE),
    Comparison("eeg", TWO, "timing", JOINT, SINGLE, "≤ 0.85"),
    Comparison("eeg", TWO, "timing", JOINT, ALONE),
    Comparison("eeg", TWO, "timing", MISMATCHED, ALONE),
    Comparison("eeg", TWO, "timing", MOTIONLESS, ALONE),
    Comparison("eeg", TWO, "nothing", JOINT, ALONE),
    *(
        Comparison(stream, electrodes, setting, arm, ALONE, target if stream == "nirs" else "")
        for stream, electrodes in (("nirs", NONE), ("eeg", TWO))
        for setting, arm, target in (
            ("turning", IMU, "≤ 0.90"),
            ("turning", OTHER_IMU, "≤ 1.02"),
            ("unseen", IMU, "≤ 1.02"),
            ("unseen", OTHER_IMU, "≤ 1.02"),
        )
    ),
)


def evaluate(
    joint: str | Path | CrossModalAutoencoder = "joint",
    nirs: str | Path | CrossModalAutoencoder = "nirs",
    eeg: str | Path | CrossModalAutoencoder = "eeg",
    part: str = "validation",
    seeds: Iterable[int] = SEEDS,
    limit: int | None = None,
) -> pd.DataFrame:
    """Clean every case with every arm.

    Parameters
    ----------
    joint, nirs, eeg : name, path of weights, or model in memory
        The joint model and the two of a single modality.
    part : {"validation", "train", "test"}
        Of the split by participants. The test part is for final figures only.
    seeds : iterable of int
        Each pairs the EEG people with other fNIRS people, and injects other movements.
    limit : int, optional
        Only so many cases, for a quick look.

    Returns
    -------
    DataFrame
        One row a case, modality, arm and view: `case`, `eeg_person`, `nirs_person`, `pairs`,
        `severity` ("weak", "strong"), `stream`, `setting`, `electrodes`, `arm`, `view` and
        `error`, the energy of (cleaned - true) in motion [V² or 1, summed over samples].

    Examples
    --------
    >>> table = evaluate(seeds=[0], limit=2)  # doctest: +SKIP
    """
    given = {"joint": joint, "nirs": nirs, "eeg": eeg}
    models = {
        name: one if isinstance(one, CrossModalAutoencoder) else load_model(one)
        for name, one in given.items()
    }
    known = cases(part, list(seeds))
    rows = []
    for case in track(known[:limit], description="cases"):
        facts = {"case": case.seed, "pairs": case.pairs}
        facts |= {"eeg_person": case.eeg_person, "nirs_person": case.nirs_person}
        for severity in SEVERITIES:
            made = errors(case, stranger(case, known), severity, models)
            rows += [facts | {"severity": severity} | row for row in made]
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Ratios of errors, one row a comparison, severity and view.

    Parameters
    ----------
    table : DataFrame
        As `evaluate` returns it; several may be concatenated.

    Returns
    -------
    DataFrame
        The fields of `Comparison`, `severity`, `view`, and `mean`, the geometric mean over the
        modality's participants with its 95 % bootstrap interval `low` to `high`, `median` over
        cases, `participants` and `cases`. What was not measured has no row.
    """
    rows = []
    for one in COMPARISONS:
        for severity in SEVERITIES:
            for view in VIEWS[one.stream]:
                values = decibels(table, one, severity, view)
                if values.empty:
                    continue
                people = by_person(values)
                middle = map(ratio, interval(people))
                facts = vars(one) | {"severity": severity, "view": view}
                facts |= dict(zip(("mean", "low", "high"), middle, strict=True))
                facts |= {"median": ratio(float(values.decibels.median()))}
                rows.append(facts | {"participants": len(people), "cases": len(values)})
    return pd.DataFrame(rows)


def decibels(table: pd.DataFrame, one: Comparison, severity: str, view: str) -> pd.DataFrame:
    """How much larger the error of an arm is than that of its reference [dB], by case."""
    asked = {"stream": one.stream, "setting": one.setting, "severity": severity, "view": view}
    own = table.loc[(table[list(asked)] == pd.Series(asked)).all(axis=1)]

    def of(arm: str) -> pd.Series:
        chosen = own.loc[(own.arm == arm) & own.electrodes.isin([one.electrodes, NONE])]
        return chosen.set_index("case")["error"]

    people = own.groupby("case")[PERSON[one.stream]].first()

    def over(reference: str) -> pd.DataFrame:
        pairs = pd.concat([of(one.arm), of(reference)], axis=1, join="inner")
        values = [decibel(a, b) for a, b in pairs.to_numpy()]
        return pd.DataFrame({"decibels": values, "person": people.reindex(pairs.index)})

    # the better reference is chosen for all cases at once, as anyone who has to choose one would
    references = [SINGLE, ALONE] if one.reference == BETTER else [one.reference]
    return max(map(over, references), key=lambda found: np.mean(by_person(found) or -np.inf))


def by_person(values: pd.DataFrame) -> list[float]:
    """Means of each person's cases [dB]."""
    return values.groupby("person").decibels.mean().tolist()
