"""Does a self-test say how large errors are in a recording, and which method is best there?

Its errors are compared with the true ones, its choice with the best method and with "joint" always.
"""

import argparse
import logging
import warnings
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import xarray as xr
from rich.progress import track

from benchmarks.common.keys import result_key, weights
from benchmarks.common.page import Page, Table
from benchmarks.common.paths import ROOT
from benchmarks.self_test.cases import GROUPS, SECONDS, Case, cases
from neurofuse.fusion.methods.cleaner import apply
from neurofuse.fusion.methods.plain import UNCORRECTED
from neurofuse.fusion.methods.registry import default_method, get_method
from neurofuse.fusion.metrics.errors import ErrorScorer
from neurofuse.fusion.self_test import SelfTest, self_test
from neurofuse.fusion.self_test.material import lost_samples
from neurofuse.fusion.self_test.scores import with_truth
from neurofuse.io import mark_bad, stream_dataset, streams, to_optical_density, with_stream

NEAR = 1.5  # dB, the aim for the difference from the true error …
AIM = 80.0  # … in so many % of recordings and modalities
ALL = "all"
NAMES = {"eeg": "EEG", "nirs": "fNIRS"}

TITLE = "Self-test: what it says of a recording, and the truth"
QUESTION = """Does `neurofuse.self_test` know how large errors are in a recording, and which method
is best there? {cases} recordings ({part} part of the split) whose truth is known: {people}simulated
people of {seconds:g} s, recordings at rest with injected motion (0.3, 1 and 2 times the typical
size), and recordings of one modality with transplanted real movements; the self-test sees only what
a user has. Error: `error_db` in motion as in `neurofuse.compare`, without what is lost. Difference:
predicted - true error of the learned method (joint; the single-modality model where there is one
modality), mean and standard deviation; shares within {near:g} dB (aim: {aim:g} %), of the learned
method and of all. Best named: how often the method with the smallest predicted error has the
smallest true one. Beside it how often always naming the learned method is right, in how many cases
it is not, in how many of these the self-test names the best, and what either choice costs: true
error over that of the best method."""
LIMITS = """The truth of the real movements holds what their donors' own signals leave, which no
method can remove. A recording of {seconds:g} s or less holds few movements of fNIRS, and its error
is mostly that of baseline levels after them: the same movements at another place leave another
error, which no prediction can foresee. The learned method is nearly always the best: little is left
to choose. Movements below the motion mask are not injected. How much quiet energy is subtracted
from movements was chosen on people of the validation part; the test part was not opened."""
COMMAND = "python -m benchmarks.self_test --part {part} --page docs/measured/{page}"


def true_errors(case: Case, methods: list[str]) -> dict[tuple[str, str], float]:
    """Error [dB] of methods by name and modality."""
    recording, truth = (
        to_optical_density(one) if "nirs" in streams(one) else one
        for one in (mark_bad(case.contaminated), case.truth)
    )
    lost = {s: lost_samples(stream_dataset(recording, s), s) for s in streams(recording)}
    scorer = ErrorScorer(truth, _without(lost, recording))
    found = {}
    for name in methods:
        cleaner = get_method(name)
        cleaned = with_truth(apply(cleaner, recording, judged=True), truth, lost)
        value = scorer.score(cleaned).value
        for stream in streams(recording):
            if stream in cleaner.streams:
                found[name, stream] = float(value.loc[stream, "error_db"])
    return found


def _without(lost: dict[str, np.ndarray], recording: xr.DataTree) -> xr.DataTree:
    """A recording whose `motion` leaves out what is lost, which no method is asked to repair."""
    for stream in streams(recording):
        node = stream_dataset(recording, stream)
        motion = node.motion.transpose("channel", "time").values & ~lost[stream]
        node = node.assign(motion=(("channel", "time"), motion))
        recording = with_stream(recording, stream, node)
    return recording


def without_motion(case: Case) -> xr.DataTree:
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
    both: dict[tuple[str, str], list[dict]] = {}
    for row in rows.dropna(subset=["predicted", "true"]).to_dict("records"):
        both.setdefault((row["case"], row["modality"]), []).append(row)
    for (case, modality), own in both.items():
        true = {row["method"]: row["true"] for row in own}
        predicted = {row["method"]: row["predicted"] for row in own}
        best, named = (min(found, key=found.__getitem__) for found in (true, predicted))
        [learned] = [row["method"] for row in own if row["learned"]]
        made.append(
            {
                "case": case,
                "modality": modality,
                "group": own[0]["group"],
                "best": best,
                "named": named,
                "constant": learned,
                "cost": true[named] - true[best],
                "cost of constant": true[learned] - true[best],
                "difference": predicted[learned] - true[learned],
            }
        )
    return pd.DataFrame(made)


def share(mask: np.ndarray) -> str:
    """Percent of so many."""
    return f"{100 * mask.mean():.0f} % of {len(mask)}" if len(mask) else "–"


def table(rows: pd.DataFrame) -> Table:
    """One row a group and modality, then all."""
    columns = ["recordings", "modality", "mean difference [dB]", f"within {NEAR:g} dB"]
    columns += ["all methods within", "best named", "learned is best", "it is not; then named"]
    columns += ["cost of the named; of the learned [dB]"]
    picked, known = choices(rows), rows.dropna(subset=["predicted", "true"])
    known = known.query(f"method != '{UNCORRECTED.name}'")
    lines = []
    for group, modality in product((*GROUPS, ALL), (*NAMES.values(), ALL)):
        if modality == ALL and group != ALL:
            continue
        asked = [f"group == '{group}'"] * (group != ALL)
        asked += [f"modality == '{modality}'"] * (modality != ALL)
        own, every = (one.query(" and ".join(asked)) if asked else one for one in (picked, known))
        if len(own):
            lines.append([group, modality, *_figures(own, every)])
    return Table(columns, lines)


def _figures(own: pd.DataFrame, every: pd.DataFrame) -> list[str]:
    """Cells of a row, from its choices and from all its methods."""
    difference = own["difference"].to_numpy(float)
    off = every["predicted"].to_numpy(float) - every["true"].to_numpy(float)
    best, named, constant = (own[c].to_numpy(str) for c in ("best", "named", "constant"))
    right, learned = best == named, best == constant
    return [
        f"{difference.mean():+.1f} ± {difference.std():.1f}",
        share(np.abs(difference) <= NEAR),
        share(np.abs(off) <= NEAR),
        share(right),
        share(learned),
        f"{int((~learned).sum())}; {int((right & ~learned).sum())}",
        f"{own['cost'].mean():.2f}; {own['cost of constant'].mean():.2f}",
    ]


def page(rows: pd.DataFrame, part: str, name: str) -> Page:
    """The page of results."""
    people = len({row["case"] for row in rows.to_dict("records") if row["group"] == GROUPS[0]})
    values = {
        "cases": rows.case.nunique(),
        "part": part,
        "people": f"{people} " if people else "no ",
        "seconds": SECONDS,
        "near": NEAR,
        "aim": AIM,
        "page": name,
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


def _key() -> str:
    """Of all that makes rows: weights, the self-test and the cases."""
    parts = [*weights(ROOT / "models/pretrained"), *(ROOT / "fusion/self_test").glob("*.py")]
    return result_key(SECONDS, files=[*parts, Path(__file__).with_name("cases.py")])


def rows_of_all(part: str, file: Path, every: int, first: int) -> pd.DataFrame:
    """Rows of every so many-th recording, those in a file first, which is kept up to date."""
    rows: list[dict] = pd.read_csv(file).to_dict("records") if file.exists() else []
    done = {(row["group"], row["case"]) for row in rows}
    file.parent.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(track(cases(part), description="recordings", total=None)):
        if number % every == first and (one.group, one.name) not in done:
            rows += rows_of(one.case())
            pd.DataFrame(rows).to_csv(file, index=False)
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", default="validation", choices=["validation", "test"])
    parser.add_argument("--every", type=int, default=1, help="only every so many-th recording")
    parser.add_argument("--first", type=int, default=0, help="of these, so that two can share")
    parser.add_argument("--rows", type=Path, help="where rows are kept; those there are not made")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    options.rows = options.rows or ROOT / f"runs/self_test/{options.part}-{_key()}.csv"
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    made = rows_of_all(options.part, options.rows, options.every, options.first)
    if options.page is None and options.every > 1:
        return
    name = options.page.name if options.page else "self_test.md"
    shown = page(made, options.part, name)
    print(shown.markdown("self_test"))
    if options.page:
        shown.write(options.page)


if __name__ == "__main__":
    main()
