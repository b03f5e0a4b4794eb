"""Does a known response come back, in its size and with honest statistics, after cleaning?

python -m benchmarks.responses --part test --page docs/measured/responses.md
"""

import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common.page import Page, Table
from benchmarks.common.paths import ROOT, recordings_folder
from benchmarks.common.statistics import cell
from benchmarks.responses import eeg, nirs
from benchmarks.responses.evaluation import REST, by_person, kept

HRF, ERP = "HRF", "ERP"
QUESTION = """Does a known response come back after cleaning, in its size, and with intervals that
hold the truth? HRFs ({hbo:g} µM HbO, {hbr:g} µM HbR at the peak, {stimulus:g} s of stimulus) are
added to fNIRS of {nirs} people at rest: a channel responds to one of {sequences} sequences of about
{events} events, or to none. ERPs ({peak:g} µV at {at}, {trials} trials) are added to EEG of {eeg}
people at rest, {part} part of the split; then movements are injected (severity {severities}: weak;
typical; strong), some during responses. GLMs at {rate:g} Hz, cosines to {slowest:g} Hz: prewhitened
(ar), with robust regression (robust); + confounds: short channels, and weights (`fit_glm`).
Intervals of ordinary least squares hold the truth in {ols:.0f} % without movement (CSV). Size: over
the true one, against the same estimate without movement; inside: of trials in which the channel
moves. Error: root mean square, over the true peak or in µV. Coverage [%]: 95 % intervals that hold
a response's true size; false [%]: those without 0 where nothing was evoked. Means over people."""
LIMITS = """Movements are generated. Real rest is not calm for {rest:g} % of the time, and holds the
responses to tasks of its own (imagery, tapping), which no interval knows of: see the rows without
movement. Each modality is cleaned without the other. Trials are rejected above {rejected:g} µV from
peak to peak in any channel. Targets of the joint model: size 0.97 to 1.03, strong 0.93 at least;
coverage 93 to 97; error of ERPs 0.8 of that of rejected trials at most, size inside 0.8 at
least."""


def spread(rows: pd.DataFrame, figure: str, digits: int, unit: float = 1.0) -> str:
    """Means over people at each severity, as one cell."""
    means = [np.mean(people(own, figure)) for _, own in rows.groupby("severity")]
    return "; ".join(f"{unit * value:.{digits}f}" for value in means)


def people(rows: Any, figure: str) -> list[float]:
    """A figure of each participant who has it."""
    return rows.groupby("participant")[figure].mean().dropna().tolist()


def groups(table: Any, *keys: str) -> Any:
    """Parts of a table by the values of some columns, in its order."""
    return table.groupby(list(keys), sort=False)


def overview(effects: pd.DataFrame, averages: pd.DataFrame) -> Table:
    """One row a method and estimator."""
    columns = ["response", "method", "estimator", "size", "inside", "error", "coverage", "false"]
    lines = []
    for (method, estimator), own in groups(effects, "method", "estimator"):
        cells = [spread(own, "size", 2), "–", spread(own, "error", 2)]
        cells += [spread(own, "coverage", 0), spread(own, "false", 1)]
        lines.append([HRF, str(method), str(estimator), *cells])
    for (method, estimator), own in groups(averages, "method", "estimator"):
        cells = [spread(own, "size", 2), spread(own, "inside", 2), spread(own, "error", 2, 1e6)]
        lines.append([ERP, str(method), str(estimator), *cells, "–", "–"])
    return Table(columns, lines)


def everything(effects: pd.DataFrame, averages: pd.DataFrame) -> Table:
    """Each figure with its interval over people, severity by severity."""
    columns = ["response", "method", "estimator", "severity", "figure", "mean over people"]
    lines = []
    given = ((HRF, effects, ("size", "error", "coverage", "false")),)
    given += ((ERP, averages, ("size", "inside", "error")),)
    for response, table, figures in given:
        for (method, estimator, severity), own in groups(table, "method", "estimator", "severity"):
            for figure in figures:
                unit = 1e6 if (response, figure) == (ERP, "error") else 1.0
                cells = [response, method, estimator, f"{severity:g}", figure]
                values = [unit * value for value in people(own, figure)]
                lines.append([*map(str, cells), cell(values, digits=3)])
    return Table(columns, lines)


def page(tables: dict[str, pd.DataFrame], part: str) -> Page:
    """The page of all rows."""
    effects, averages = by_person(tables["nirs"]), tables["eeg"]
    plain: Any = effects[effects.method == REST]
    shown: Any = effects[effects.estimator != "ols"]
    calm = np.mean([nirs.calm_share(recording) for _, recording in nirs.rests(part)])
    values = {
        "hbo": 1e6 * nirs.PEAK["hbo"],
        "hbr": 1e6 * nirs.PEAK["hbr"],
        "stimulus": nirs.STIMULUS,
        "nirs": effects.participant.nunique(),
        "eeg": averages.participant.nunique(),
        "sequences": len(nirs.SEQUENCES),
        "events": round(nirs.LENGTH / float(np.mean(nirs.APART))),
        "peak": 1e6 * eeg.PEAK,
        "at": eeg.AT,
        "trials": round(eeg.LENGTH / float(np.mean(eeg.APART))),
        "part": part,
        "severities": ", ".join(f"{s:g}" for s in nirs.SEVERITIES),
        "ols": np.mean(people(plain[plain.estimator == "ols"], "coverage")),
        "rate": nirs.RATE,
        "slowest": nirs.SLOWEST,
        "rest": round(100 * (1 - float(calm)), 1),
        "rejected": 1e6 * eeg.REJECTED,
    }
    return Page(
        title="Known responses",
        question=QUESTION.format(**values),
        table=overview(shown, averages),
        limits=LIMITS.format(**values),
        command=f"python -m benchmarks.responses --part {part} --page docs/measured/responses.md",
        data={"": overview(effects, averages), "people": everything(effects, averages)},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=["validation", "test"], default="validation")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/responses")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    recordings_folder()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    made = page(kept(options.part, options.out), options.part)
    print(made.markdown("responses"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
