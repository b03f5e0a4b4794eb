"""Errors of models and methods in labs, by participant; kept below `runs/`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.common.keys import result_key
from benchmarks.common.lost import repaired
from benchmarks.common.methods import packaged
from benchmarks.common.paths import write
from benchmarks.common.statistics import interval
from benchmarks.generality.cases import cases
from benchmarks.generality.train import FOLDER
from benchmarks.transplant.evaluation import figures
from neurofuse.io import stream_dataset
from neurofuse.io.errors import ParameterError

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method

HERE = Path(__file__).parent
MADE_BY = ("cases.py", "labs.py", "../transplant/evaluation.py", "../still/nirs.py")
FEWEST = 3  # participants of an interval


def errors(method: str | Path, lab: str) -> dict[str, float]:
    """Mean error [dB] of each participant of a lab after cleaning.

    Parameters
    ----------
    method : str or Path
        A name of `neurofuse.methods()`, or the path of weights.
    lab : str
        A key of `LABS`, or "techen".

    Returns
    -------
    dict of float
        By participant: energy of (cleaned - true) over that of the true signal in motion, mean over
        cases; 0 is what zeros give. EEG unfiltered; fNIRS in 0.01-0.7 Hz within 2 s of a movement.
    """
    known: dict[str | Path, Path] = {name: path for name, _, path in packaged()}
    weights = method if isinstance(method, Path) else known.get(method)
    name = method if isinstance(method, str) else method.parent.name
    files = [HERE / made_by for made_by in MADE_BY] + ([weights] if weights else [])
    key = result_key(lab, name, files=files)
    target = FOLDER / "errors" / f"{lab}-{name}_{key}.json"
    if not target.exists():
        write(target, measured(method, lab))
    return json.loads(target.read_text())


def measured(method: "Method", lab: str) -> dict[str, float]:
    """What `errors` returns, computed; without the cases that a method refuses."""
    found: dict[str, list[float]] = {}
    for case in cases(lab):
        try:
            cleaned = stream_dataset(repaired(case.recording(), method), case.modality)
        except ParameterError as refused:
            print(f"{lab}, {case.receiver}: {refused}", flush=True)
            continue
        error = figures(case, np.asarray(cleaned[case.variable].values))["error"]
        found.setdefault(case.receiver, []).append(error)
    return {person: float(np.mean(own)) for person, own in found.items()}


def mean(values: dict[str, float]) -> float:
    """Over participants."""
    return float(np.mean(list(values.values())))


def gap(one: dict[str, float], other: dict[str, float]) -> str:
    """How much larger the errors of one model are than of another [dB], paired by participant.

    With the 95 % bootstrap interval from three participants on.

    Examples
    --------
    >>> gap({"a": -3.0, "b": -2.0}, {"a": -4.0, "b": -4.0})
    '+1.5'
    """
    values = [error - other[person] for person, error in one.items()]
    if len(values) < FEWEST:
        return f"{np.mean(values):+.1f}"
    return "{:+.1f} [{:.1f}, {:.1f}]".format(*interval(values))
