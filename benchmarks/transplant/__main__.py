"""Which method removes real movements, where the truth is known because they were transplanted?

The large movements of people in motion are cut out and added to other people's recordings at rest.
"""

import argparse
import logging
import warnings
from pathlib import Path

import pandas as pd
from rich.progress import track

from benchmarks.common.methods import UNCORRECTED, ZERO, row_name
from benchmarks.common.page import Page, Table
from benchmarks.transplant.cases import cases
from benchmarks.transplant.evaluation import FLOOR, LEAST, NEAR, evaluate, summary
from neurofuse.models.training.movers import DRIFT
from neurofuse.synth.real_movement import LARGE
from neurofuse.synth.transplant import SIZE

METHODS = [FLOOR, UNCORRECTED, ZERO, "joint", "eeg", "nirs"]
METHODS += ["wavelet", "asr", "wiener", "spline", "tddr"]
MAIN, NIRS = "EEG, 2 to 4 electrodes", "fNIRS"

TITLE = "Real movements in recordings at rest"
QUESTION = """Which method removes real movements? Large movements of {donors} people (donors) are
cut out and added to recordings at rest of {receivers} others (receivers), so that the truth is
known: {events} times in {cases} recordings, {part} part of the split. EEG of one to four dry
electrodes, in joined calm stretches; kinds of movement: {kinds}. The EEG columns are of two to four
electrodes without blinks, which stand apart. fNIRS: movements of optodes, in {pairs} neighbouring
pairs. Error: energy of (cleaned - true) over that of the true signal in motion, 0 dB is what zeros
give; EEG unfiltered, fNIRS in 0.01-0.7 Hz within {near:g} s of a movement, and unfiltered. Change:
the same outside motion ({least:g}: none). Alpha: size of the true alpha waves in the cleaned EEG in
motion. Means over receivers with 95 % bootstrap intervals, median, and worst receiver; {floor}:
what the donors' own signals leave, so that no method can be expected below it."""
LIMITS = """Few donors (fNIRS: {nirs_donors}), and intervals over receivers know nothing of that. In
EEG a movement begins and ends at zero, drift below {drift:g} Hz is taken from the receivers, and
channels in which a movement is too small to be known rest exactly. Movements are scaled to {small}
dB over the variance at rest, less where too much of the donor's own signal would come along. Their
peaks exceed {large} standard deviations at rest: at 10 there is hardly anything but blinks in EEG.
One detector, which no method uses, finds movements and calm stretches
(`neurofuse.io.quality.calm`)."""
COMMAND = "python -m benchmarks.transplant --part {part} --page docs/measured/transplant.md"


def number(row: dict, name: str, digits: int = 1) -> str:
    """A figure without a minus before zero."""
    return f"{row[name] + 0.0:.{digits}f}".replace("-0.0", "0.0") if row else "–"


def overview(results: pd.DataFrame) -> Table:
    """One row a method: both modalities, means, medians and worst people."""
    rows = {(r["group"], r["method"], r["figure"]): r for r in results.to_dict("records")}
    columns = ["method", "EEG error [dB]", "median; worst", "change", "alpha", "Muse 1; 2; 4"]
    columns += ["blinks", "fNIRS error [dB]", "fNIRS median; worst", "unfiltered", "fNIRS change"]
    cells = []
    for method in dict.fromkeys(results.method):
        own = {(group, figure): row for (group, m, figure), row in rows.items() if m == method}
        eeg, nirs, blinks = (own.get((g, "error"), {}) for g in (MAIN, NIRS, "blink"))
        muse = [number(own.get((f"Muse, {n}", "error"), {}), "mean") for n in (1, 2, 4)]
        line = [row_name(str(method)), spread(eeg), pair(eeg)]
        line += [number(own.get((MAIN, "change"), {}), "mean")]
        line += [number(own.get((MAIN, "alpha"), {}), "mean", 2)]
        line += ["; ".join(muse) if eeg else "–", number(blinks, "mean"), spread(nirs), pair(nirs)]
        line += [number(own.get((NIRS, figure), {}), "mean") for figure in ("unfiltered", "change")]
        cells.append(line)
    return Table(columns, cells)


def spread(row: dict) -> str:
    """Mean with its interval."""
    if not row:
        return "–"
    return f"{number(row, 'mean')} [{number(row, 'low')}, {number(row, 'high')}]"


def pair(row: dict) -> str:
    """Median and worst person."""
    return f"{number(row, 'median')}; {number(row, 'worst')}" if row else "–"


def everything(results: pd.DataFrame) -> Table:
    """All rows of a summary as text."""
    numbers = ("mean", "low", "high", "median", "worst")
    text = results.assign(**{name: results[name].map("{:.3f}".format) for name in numbers})
    return Table([str(c) for c in text.columns], text.astype(str).to_numpy().tolist())


def page(results: pd.DataFrame, part: str) -> Page:
    """The page of all methods."""
    known = cases(part)
    pairs = [len(case.motion) for case in known if case.modality == "nirs"]
    placed = [(case.modality, donor) for case in known for donor in case.donors]
    values = {
        "events": len(placed),
        "cases": len(known),
        "donors": len(set(placed)),
        "kinds": ", ".join(dict.fromkeys(c.kind for c in known if c.modality == "eeg")),
        "pairs": " to ".join(map(str, sorted({min(pairs), max(pairs)}))) if pairs else "no",
        "least": LEAST,
        "drift": DRIFT,
        "small": " (EEG) and ".join(f"{a:g} to {b:g}" for a, b in SIZE.values()) + " (fNIRS)",
        "large": " (EEG) and ".join(f"{x:g}" for x in LARGE.values()) + " (fNIRS)",
        "nirs_donors": len({donor for modality, donor in placed if modality == "nirs"}),
        "receivers": len({case.receiver for case in known}),
        "part": part,
        "near": NEAR,
        "floor": FLOOR,
    }
    return Page(
        title=TITLE,
        question=QUESTION.format(**values),
        table=overview(results),
        limits=LIMITS.format(**values),
        command=COMMAND.format(**values),
        data={"": overview(results), "groups": everything(results)},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", default="validation", choices=["train", "validation", "test"])
    parser.add_argument("--method", nargs="+", default=METHODS, help="names, or paths of weights")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    tables = [evaluate(m, options.part) for m in track(options.method, description="methods")]
    made = page(summary(pd.concat(tables)), options.part)
    print(made.markdown("transplant"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
