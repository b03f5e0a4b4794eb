"""Does a self-test say how large errors are in a recording, and which method is best there?

Its errors are compared with the true ones, its choice with the best method and with "joint" always.
"""

import argparse
import logging
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from rich.progress import track

from benchmarks.common.page import Page, Table
from benchmarks.self_test.cases import GROUPS, SECONDS, Case, cases
from neurofuse.fusion.methods.cleaner import apply
from neurofuse.fusion.methods.plain import UNCORRECTED
from neurofuse.fusion.methods.registry import default_method, get_method
from neurofuse.fusion.metrics.errors import ErrorScorer
from neurofuse.fusion.self_test import SelfTest, self_test
from neurofuse.io import mark_bad, stream_dataset, streams, with_stream
from neurofuse.synth.real_movement import LARGE

NEAR = 1.5  # dB, the aim for the difference from the true error …
AIM = 80.0  # … in so many % of recordings and modalities
EVEN = 0.5  # dB; a choice this close to the best counts as right too, in a column of its own
ALL = "all"
NAMES = {"eeg": "EEG", "nirs": "fNIRS"}

TITLE = "Self-test: what it says of a recording, and the truth"
QUESTION = """Does `neurofuse.self_test` know how large errors are in a recording, and which method
is best there? {cases} recordings ({part} part of the split) whose truth is known: {people}
simulated people of {seconds:g} s, recordings at rest with injected motion, and recordings of one
modality with transplanted real movements, of which the self-test sees only what a user has. Error:
`error_db` in motion, as in `neurofuse.compare`. Difference: predicted - true error of the learned
method (joint; the single-modality model where there is one modality), and of all methods; shares
within {near:g} dB (aim: {aim:g} %). Best: how often the method with the smallest predicted error is
the one with the smallest true error; beside it how often "always the learned method" is right, how
often it is not and what the self-test then gets right, and how much error [dB] each choice costs
over the best method."""
LIMITS = """A recording of {seconds:g} s or less holds few movements: with the true artifact
moved to other places of the true signal, the fNIRS error of the joint model changed by 1 to 3 dB,
which no prediction from the recording can foresee. In recordings of two modalities the
learned method is nearly always the best, so that there is little to choose. Movements below the
motion mask are not injected."""
COMMAND = "python -m benchmarks.self_test --part {part} --page docs/measured/{page}"


def true_errors(case: Case, methods: list[str]) -> dict[tuple[str, str], float]:
    """Error [dB] of methods by name and modality."""
    recording = mark_bad(case.contaminated)
    scorer = ErrorScorer(case.truth, recording)
    found = {}
    for name in methods:
        cleaner = get_method(name)
        value = scorer.score(apply(cleaner, recording, judged=True)).value
        for stream in streams(recording):
            if stream in cleaner.streams:
                found[name, stream] = float(value.loc[stream, "error_db"])
    return found


def without_motion(case: Case):
    """The recording as a user has it: nothing says where motion is."""
    recording = case.contaminated
    for stream in streams(recording):
        node = stream_dataset(recording, stream).drop_vars("motion")
        recording = with_stream(recording, stream, node)
    return recording


def rows_of(case: Case) -> list[dict]:
    """One row a modality and method."""
    begun = perf_counter()
    found: SelfTest = self_test(without_motion(case))
    seconds = perf_counter() - begun
    learned = default_method(case.contaminated)
    facts = {"case": case.name, "group": case.group, "seconds": round(seconds, 1)}
    if not found.tested:
        return [facts | {"lacking": "; ".join(found.lacking.values())}]
    names = [str(name) for name in found.table.method.values]
    true = true_errors(case, names)
    rows = []
    for stream in streams(case.contaminated):
        own = facts | {"modality": NAMES[stream], "lacking": found.lacking.get(stream, "")}
        if stream in found.lacking:
            rows.append(own)
            continue
        for name in names:
            if (name, stream) in true:
                figures = {"predicted": found.figure(name, stream), "true": true[name, stream]}
                factor = found.uncertainty_factor.get(name, {}).get(stream, np.nan)
                rows.append(own | {"method": name, "learned": name == learned} | figures)
                rows[-1]["factor"] = factor
    return rows


def choices(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a recording and modality: the best method, the one that was named, and their cost."""
    made = []
    for (case, modality), own in rows.groupby(["case", "modality"], sort=False):
        own = own.dropna(subset=["predicted", "true"]).set_index("method")
        if own.empty:
            continue
        best, named = own.true.idxmin(), own.predicted.idxmin()
        [learned] = own.index[own.learned.astype(bool)]
        made.append(
            {
                "case": case,
                "modality": modality,
                "group": own.group.iloc[0],
                "best": best,
                "named": named,
                "constant": learned,
                "cost": own.true[named] - own.true[best],
                "cost of constant": own.true[learned] - own.true[best],
                "difference": own.predicted[learned] - own.true[learned],
            }
        )
    return pd.DataFrame(made)


def share(mask: pd.Series) -> str:
    """Percent of so many."""
    return f"{100 * mask.mean():.0f} % of {len(mask)}" if len(mask) else "–"


def table(rows: pd.DataFrame) -> Table:
    """One row a group and modality, then all."""
    columns = ["recordings", "modality", "mean difference [dB]", f"within {NEAR:g} dB"]
    columns += ["all methods within", "best named", "learned is best", "it is not; then named"]
    columns += ["cost of the named; of the learned [dB]"]
    picked = choices(rows)
    lines = []
    for group in (*GROUPS, ALL):
        for modality in (*NAMES.values(), *([ALL] if group == ALL else [])):
            own, every = (
                one[
                    ((one.group == group) | (group == ALL))
                    & ((one.modality == modality) | (modality == ALL))
                ]
                for one in (picked, rows.dropna(subset=["predicted", "true"]))
            )
            if own.empty:
                continue
            every = every[every.method != UNCORRECTED.name]
            other = own[own.best != own.constant]
            off = (every.predicted - every.true).abs() <= NEAR
            lines.append(
                [
                    group,
                    modality,
                    f"{own.difference.mean():+.1f} ± {own.difference.std(ddof=0):.1f}",
                    share(own.difference.abs() <= NEAR),
                    share(off),
                    share(own.best == own.named),
                    share(own.best == own.constant),
                    f"{len(other)}; {int((other.best == other.named).sum())}",
                    f"{own.cost.mean():.2f}; {own['cost of constant'].mean():.2f}",
                ]
            )
    return Table(columns, lines)


def page(rows: pd.DataFrame, part: str, name: str) -> Page:
    """The page of results."""
    values = {
        "cases": rows.case.nunique(),
        "part": part,
        "people": rows[rows.group == GROUPS[0]].case.nunique(),
        "seconds": SECONDS,
        "near": NEAR,
        "aim": AIM,
        "page": name,
        "large": LARGE,
    }
    text = rows.copy()
    for column in ("predicted", "true", "factor"):
        text[column] = text[column].map(lambda x: "" if np.isnan(x) else f"{x:.2f}")
    text = text.fillna("").astype(str)
    untested = rows[rows.lacking.fillna("") != ""]
    limits = LIMITS.format(**values)
    if len(untested):
        limits += f" Not tested, as the self-test said: {len(untested)} recordings x modalities."
    return Page(
        title=TITLE,
        question=QUESTION.format(**values),
        table=table(rows),
        limits=limits,
        command=COMMAND.format(**values),
        data={"": table(rows), "rows": Table([str(c) for c in text], text.to_numpy().tolist())},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", default="validation", choices=["validation", "test"])
    parser.add_argument("--every", type=int, default=1, help="only every so many-th recording")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    rows: list[dict] = []
    for number, case in enumerate(track(cases(options.part), description="recordings", total=None)):
        if number % options.every == 0:
            rows += rows_of(case)
            for row in rows[-6:]:
                if row.get("case") == case.name and "predicted" in row:
                    values = (row["modality"], row["method"], row["true"], row["predicted"])
                    print(case.group, case.name, *values, row["seconds"], flush=True)
    made = page(
        pd.DataFrame(rows), options.part, options.page.name if options.page else "self_test.md"
    )
    print(made.markdown("self_test"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
