"""What each method leaves of known responses: one row an estimate, kept between runs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common.evaluation import PACKAGED
from benchmarks.common.keys import method_key, result_key, weights_key
from benchmarks.common.methods import JOINT, UNCORRECTED
from benchmarks.common.paths import ROOT, write
from benchmarks.responses import eeg, nirs
from neurofuse.fusion.clean import clean

METHODS = {
    "nirs": [UNCORRECTED, "tddr", "spline", "wavelet", JOINT],
    "eeg": [UNCORRECTED, "asr", "wavelet", JOINT],
}
CONFOUNDED = f"{JOINT} + confounds"
REST = "without movement"
CODE = (
    *("models/joint/*.py", "models/inference/*.py", "fusion/methods/*.py"),
    *("fusion/confounds/*.py", "fusion/clean.py", "fusion/verdict.py"),
    *("io/quality/*.py", "io/optics/*.py", "synth/*.py", "benchmarks/responses/[!_]*.py"),
)


def evaluate(method: str, stream: str, part: str) -> pd.DataFrame:
    """All cases of a part with one method; the rows of fNIRS are estimates, those of EEG averages.

    Parameters
    ----------
    method : str
        A name of `neurofuse.methods()`.
    stream : {"nirs", "eeg"}
        Which responses.
    part : {"validation", "train", "test"}
        Of the split by participants. The test part is for final figures only.
    """
    return _nirs(method, part) if stream == "nirs" else _eeg(method, part)


def _nirs(method: str, part: str) -> pd.DataFrame:
    found, rest = [], pd.Series(dtype=float)
    for case in nirs.cases(part):
        if case.severity == 0:  # the same draw without movement comes first
            plain = nirs.estimates(case, case.truth, False)
            rest = plain.beta
            if method == UNCORRECTED:
                found.append(_told(plain.assign(rest=rest), case.participant, 0.0, REST))
            continue
        cleaned = clean(case.moving, method)
        arms = {method: False, CONFOUNDED: True} if method == JOINT else {method: False}
        for name, confounded in arms.items():
            rows = nirs.estimates(case, cleaned, confounded).assign(rest=rest)
            found.append(_told(rows, case.participant, case.severity, name))
    return pd.concat(found, ignore_index=True)


def _told(rows: pd.DataFrame, participant: str, severity: float, method: str) -> pd.DataFrame:
    return rows.assign(participant=participant, severity=severity, method=method)


def _eeg(method: str, part: str) -> pd.DataFrame:
    rows = []
    for case in eeg.cases(part):
        told = {"participant": case.participant, "severity": case.severity}
        if method == UNCORRECTED:
            found = eeg.figures(case, case.truth)["all trials"]
            rows.append(told | {"method": REST, "estimator": "all trials"} | found)
            cleaned = case.moving
        elif method == JOINT:
            cleaned = clean(case.moving, method, uncertainty=True)
        else:
            cleaned = clean(case.moving, method)
        for name, found in eeg.figures(case, cleaned).items():
            rows.append(told | {"method": method, "estimator": name} | found)
    return pd.DataFrame(rows)


def kept(part: str, folder: Path) -> dict[str, pd.DataFrame]:
    """Rows of all methods by stream, from the folder where they were made before.

    One JSON a method and stream, under the key of weights, settings and code.
    """
    key = result_key("responses", files=[p for pattern in CODE for p in ROOT.glob(pattern)])
    tables = {}
    for stream, methods in METHODS.items():
        found = []
        for method in methods:
            weights = PACKAGED.get(method)
            own = method_key(method) if weights is None else weights_key(weights)
            target = folder / key / part / f"{stream}_{method}_{own}.json"
            if not target.exists():
                made = evaluate(method, stream, part)
                write(target, {"rows": made.to_dict("records")})
            found.append(pd.DataFrame(json.loads(target.read_text())["rows"]))
        tables[stream] = pd.concat(found, ignore_index=True)
    return tables


def by_person(rows: pd.DataFrame) -> pd.DataFrame:
    """Figures of the fNIRS estimates of each participant, method, estimator and severity.

    Returns
    -------
    DataFrame
        `size`: of responses over the true one, against the same estimate without movement;
        `error`: root mean square error of all estimates over the true peak; `coverage` [%]: of
        intervals of responses that hold the true size; `false` [%]: of intervals without 0 where
        there is no response.
    """
    true = rows["size"]
    given = rows.assign(
        size=1 + (rows.beta - rows.rest).where(true == 1),
        error=(rows.beta - true) ** 2,
        coverage=100 * ((rows.low <= 1) & (rows.high >= 1)).astype(float).where(true == 1),
        false=100 * ((rows.low > 0) | (rows.high < 0)).astype(float).where(true == 0),
    )
    keys = ["method", "estimator", "severity", "participant"]
    table: Any = given.groupby(keys, sort=False)[["size", "error", "coverage", "false"]].mean()
    return table.assign(error=np.sqrt(table.error)).reset_index()
