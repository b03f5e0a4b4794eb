"""What are witnesses of movement worth: the other modality, and an IMU on the head?

python -m benchmarks.witnesses --part validation --page docs/measured/witnesses.md
"""

import argparse
import logging
from pathlib import Path

import pandas as pd

from benchmarks.common.methods import JOINT
from benchmarks.common.page import Page, Table, stacked
from benchmarks.common.paths import recordings_folder
from benchmarks.joint_gain.segments import VIEWS
from benchmarks.witnesses.arms import ALL, NONE, SINGLE, TIMES, TOLD, TWO
from benchmarks.witnesses.bounds import SHIFT
from benchmarks.witnesses.cases import ELECTRODES, LENGTH, SEVERITIES, TURNING, UNSEEN
from benchmarks.witnesses.evaluation import SEEDS, Comparison, evaluate, summary
from neurofuse.io.modality import MODALITIES
from neurofuse.models.training.split import PARTS

SHARED = {
    "timing": "timing shared",
    "waveforms": "waveforms shared",
    "nothing": "nothing shared",
    "turning": "movements turn the head",
    "unseen": "jaw, face, touch",
}
GIVEN = {
    ("nirs", ALL): "fNIRS, EEG of all electrodes",
    ("nirs", TWO): "fNIRS, EEG of 2 electrodes",
    ("nirs", NONE): "fNIRS only",
    ("eeg", TWO): "EEG of 2 electrodes",
}
TITLE = "Witnesses of movement"
QUESTION = """What are witnesses of movement worth, where a device has few channels: the other
modality, and an IMU on the head? Movements are injected into {cases} recordings of {length:g} s,
EEG of {eeg} and fNIRS of {nirs} people at rest ({part} part of the split), weak (severity {weak:g})
and strong ({strong:g}). The fNIRS has {pairs} neighbouring pairs of a source and a detector; two
electrodes are {electrodes}. A figure is the error of the first over that of the second: energy of
(cleaned - true) in motion, below 1 the first is better. fNIRS in 0.01-0.7 Hz within 2 s of its
motion and, in the further columns, unfiltered; EEG unfiltered and, in the further columns, below
5 Hz. Geometric means over the participants of the modality with 95 % bootstrap intervals; medians
over cases.

Joint without partner is given one modality only. The better of both is that or the single-modality
model, whichever has the smaller mean error of all cases. A mismatched partner is in motion
too, but of other people at other times; a motionless one is the partner before motion was injected.
IMU: without the other modality, with an accelerometer and a gyroscope over without them, where
movements turn the head ({turning}) and where they hardly do ({unseen}). True times are bounds: an
accelerometer that shakes exactly while the fNIRS is in motion, or (told) the logit of motion is
raised by {shift:g} there and lowered by {shift:g} elsewhere."""
LIMITS = """Injected movements, whose timing both modalities share but for a lag of up to 0.3 s. The
true times are those at which movement changes fNIRS samples of any channel, however little. Cases
in which nothing moves in a modality do not count for it. Intervals are over people, and say nothing
of other weights."""
COMMAND = "python -m benchmarks.witnesses --part {part}{more} --page docs/measured/witnesses.md"


def overview(results: pd.DataFrame) -> Table:
    """One row a comparison: weak and strong movements, in both views."""
    columns = ["modality", "movements", "error of", "over", "wanted"]
    for severity in SEVERITIES:
        columns += [severity, f"{severity}, median"]
    columns += [f"{severity}, further" for severity in SEVERITIES] + ["cases"]
    fields = ["stream", "electrodes", "setting", "arm", "reference", "target"]
    rows = []
    for key, own in results.groupby(fields, sort=False):
        one = Comparison(*key)  # type: ignore[misc]
        cells = [GIVEN[one.stream, one.electrodes], SHARED[one.setting]]
        cells += [one.arm, one.reference, one.target or "–"]
        first, second = VIEWS[one.stream]
        for severity in SEVERITIES:
            cells += [_figure(own, severity, first), _figure(own, severity, first, "median")]
        cells += [_figure(own, severity, second) for severity in SEVERITIES]
        counts = [f"{n}" for n in own[own.view == first].cases]
        rows.append([*cells, ", ".join(counts)])
    return Table(columns, rows)


def _figure(own: pd.DataFrame, severity: str, view: str, name: str = "") -> str:
    """Geometric mean with its interval, or another figure of a comparison."""
    found = own.loc[(own.severity == severity) & (own.view == view)]
    if found.empty:
        return "–"
    row = found.iloc[0].to_dict()
    return f"{row[name]:.2f}" if name else "{mean:.2f} [{low:.2f}, {high:.2f}]".format(**row)


def by_pairs(table: pd.DataFrame) -> Table:
    """The overview for each number of fNIRS pairs."""
    parts = {f"{n}": overview(summary(own)) for n, own in table.groupby("pairs")}
    return stacked(parts, "fNIRS pairs")


def page(table: pd.DataFrame, part: str, more: str = "") -> Page:
    """The page of what `evaluate` returned."""
    values = {
        "cases": table.case.nunique(),
        "eeg": table.eeg_person.nunique(),
        "nirs": table.nirs_person.nunique(),
        "pairs": " or ".join(map(str, sorted(table.pairs.unique()))),
        "length": LENGTH,
        "electrodes": " and ".join(ELECTRODES),
        "turning": ", ".join(TURNING),
        "unseen": ", ".join(UNSEEN),
        "shift": SHIFT,
        "part": part,
        "more": more,
    }
    results = summary(table)
    bounds = (results.stream == "nirs") & results.arm.isin([SINGLE, TIMES, TOLD])
    shown = (results.target != "") | bounds  # the others are in the file
    return Page(
        title=TITLE,
        question=QUESTION.format(**values, **SEVERITIES),
        table=overview(results.loc[shown]),
        limits=LIMITS,
        command=COMMAND.format(**values),
        data={"": overview(results), "pairs": by_pairs(table)},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=PARTS, default="validation")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--limit", type=int, help="use the first cases only")
    for name in (JOINT, *MODALITIES):
        parser.add_argument(f"--{name}", default=name, help="name or path of weights")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    recordings_folder()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    models = {name: getattr(options, name) for name in (JOINT, *MODALITIES)}
    table = evaluate(**models, part=options.part, seeds=options.seeds, limit=options.limit)
    more = ""
    if options.seeds != list(SEEDS):
        more += f" --seeds {' '.join(map(str, options.seeds))}"
    for name in ("limit", JOINT, *MODALITIES):
        value = getattr(options, name)
        if value not in (None, name):
            more += f" --{name} {value}"
    made = page(table, options.part, more)
    print(made.markdown("witnesses"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
