"""Do explanations of movements hold?

python -m benchmarks.explanation --part validation --page docs/measured/explanation.md
"""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from benchmarks.common.keys import result_key, weights_key
from benchmarks.common.methods import JOINT
from benchmarks.common.page import Page, Table
from benchmarks.common.paths import ROOT, recordings_folder, write
from benchmarks.common.statistics import interval
from benchmarks.explanation.kinds import (
    balanced,
    balanced_groups,
    judged,
    miscalibration,
    unlike_noise,
)
from benchmarks.explanation.pointing import (
    MARGIN,
    OPERATORS,
    WIDE,
    cases,
    figures,
    randomised,
)
from benchmarks.training.movement_kinds import LENGTH, people
from neurofuse.fusion.clean import clean
from neurofuse.io import build
from neurofuse.models.training.split import PARTS
from neurofuse.models.weights import load_model
from neurofuse.synth import inject

RECORDINGS, SECONDS = 14, 40.0  # of attributions
ELECTRODES, PAIRS = 8, 8
MATERIAL, DRY = 60, 30  # recordings for kinds, of caps with fNIRS and of a few dry electrodes
COUNTED = ("both modalities", "EEG of dry electrodes")  # views of all movements, each once
STREAMS = {"eeg": "EEG", "nirs": "fNIRS"}
TITLE = "Explanations of movements"
QUESTION = """Do explanations of movements hold on people that no training met ({part} part of the
split)? Movements of known kinds and times are injected into EEG and fNIRS at rest. Attributions are
integrated gradients of the evidence (the logits of the motion mask) in the network's inputs, of
the largest movement of each modality in {recordings} recordings of {seconds:g} s with
{electrodes} electrodes and {pairs} fNIRS pairs: {eeg} movements in EEG, {nirs} in fNIRS. The
pointing game is won where the largest attribution lies in a channel and within {margin:g} s of
injected motion (by chance: the share of the window's channels and times that do). Completeness is
by which part attributions miss the evidence. The rank correlation is that of attributions to
channels and bands with those of a network of random weights. Deletion puts the most important
tenth and quarter of a movement's channels and bands to their quiet level, or to what was half a
window away; the figure is the evidence left [log odds] less that after deleting as many at
random, below 0 is better.

Kinds are named from the templates, which were learned from the training part: {movements}
movements of {people} people, balanced over eight kinds; chance is 0.125. Turns of the head are
nods, shakes and tilts as one kind. Miscalibration is the mean difference between probabilities
and the share that is right. Bursts of white noise should be unlike any known kind."""
LIMITS = """Injected movements are of the generator that templates and network were trained on, in
other people. Nods, shakes and tilts differ in EEG and fNIRS by their speed and length only; an
IMU tells their axes apart. Slow fNIRS bands reach beyond a movement, so that peaks may lie beside
it. Intervals are over movements, not people."""
COMMAND = "python -m benchmarks.explanation --part {part} --page docs/measured/explanation.md"


def moving(part: str, number: int) -> xr.DataTree:
    """A short recording of few channels with movements of all kinds."""
    eeg, nirs = people(part)
    rng = np.random.default_rng([number, 7])
    one = list(eeg.values())[number % len(eeg)]
    other = list(nirs.values())[number % len(nirs)]
    first = rng.uniform(0, LENGTH - SECONDS - 1)
    parts = []
    for node, wanted in ((one, ELECTRODES), (other, PAIRS)):
        rate = float(node.attrs["rate"])
        start = int(first * rate)
        chosen = np.sort(rng.permutation(node.sizes["channel"])[:wanted])
        node = node.isel(channel=chosen, time=slice(start, start + int(SECONDS * rate)))
        parts.append(node.assign_coords(time=np.arange(node.sizes["time"]) / rate))
    share = ("timing", "full")[number % 2]
    return inject(build(*parts), seed=900 + number, share=share, bouts_per_minute=4.0)[1]


def attributions(part: str, count: int, folder: Path) -> pd.DataFrame:
    """One row a movement, made where not there yet."""
    model = load_model(JOINT).requires_grad_(False)
    other, rows = randomised(model), []
    code = [ROOT / "models/explanation" / f"{name}.py" for name in ("attribution", "evidence")]
    code += [ROOT / "models/joint/rest.py", ROOT / "benchmarks/explanation/pointing.py"]
    key = result_key(weights_key(ROOT / "models/pretrained/joint.safetensors"), files=code)
    for number in range(count):
        target = folder / key / f"{part}_{number}.json"
        if not target.exists():
            recording = moving(part, number)
            found = [
                figures(case, model, other) for case in cases(recording, clean(recording), model)
            ]
            write(target, {"rows": found})
            print(target.name, len(found), flush=True)
        rows += json.loads(target.read_text())["rows"]
    return pd.DataFrame(rows)


def table_of(found: pd.DataFrame, named: pd.DataFrame, noise: dict[str, float]) -> Table:
    """Every figure beside its target."""
    rows = []
    for stream, label in STREAMS.items():
        own = pd.DataFrame(found[found.stream == stream])
        rows.append(
            [
                f"pointing game, {label}",
                _mean(own.hit),
                f"chance {own.chance.mean():.2f}; within {WIDE:g} s {own['near hit'].mean():.2f}",
                ">= 0.90",
            ]
        )
        complete = f"{100 * own.incomplete.median():.1f} %"
        worst = f"worst {100 * own.incomplete.max():.1f} %"
        rows.append([f"completeness, {label}", complete, worst, "<= 2 %"])
        size = f"of sizes {own['rank of size'].mean():.2f}"
        rows.append(
            [f"rank correlation, random weights, {label}", _mean(own["rank"]), size, "<= 0.2"]
        )
        for operator in OPERATORS:
            gap = own[f"attribution, {operator}"] - own[f"random, {operator}"]
            plain = own[f"gradient x input, {operator}"] - own[f"random, {operator}"]
            rows.append(
                [
                    f"deletion to {operator}, {label}",
                    _mean(gap),
                    f"gradient x input {plain.mean():.2f}",
                    "< 0",
                ]
            )
    for view, own in named.groupby("view", sort=False):
        few = pd.DataFrame(own[own.few])
        note = [f"turns as one {balanced_groups(own):.2f}"]
        if few.true.nunique() == own.true.nunique() and not own.few.all():
            note.append(f"few electrodes {balanced(few):.2f}")
        note.append(f"miscalibration {miscalibration(own):.2f}")
        note.append(f"called unlike {own.unlike.mean():.3f}")
        rows.append(
            [f"kind named right, {view}", f"{balanced(own):.2f}", "; ".join(note), ">= 0.6"]
        )
    for stream, label in STREAMS.items():
        rows.append([f"white bursts called unlike, {label}", f"{noise[stream]:.2f}", "", "–"])
    return Table(["measure", "figure", "beside it", "wanted"], rows)


def confusion(named: pd.DataFrame) -> Table:
    """Share of each true kind that was named so and so."""
    rows = []
    for key, own in named.groupby(["view", "true"], sort=False):
        share = own.named.value_counts(normalize=True).to_dict()
        start = [str(one) for one in tuple(key)]  # type: ignore[arg-type]
        rows += [[*start, kind, f"{part:.3f}", f"{len(own)}"] for kind, part in share.items()]
    return Table(["view", "true", "named", "share", "movements"], rows)


def _mean(values: Any) -> str:
    mean, low, high = interval(np.asarray(values, float).tolist())
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=PARTS, default="validation")
    parser.add_argument("--recordings", type=int, default=RECORDINGS)
    parser.add_argument("--material", type=int, default=MATERIAL)
    parser.add_argument("--dry", type=int, default=DRY)
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    recordings_folder()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    runs = ROOT / "runs"
    named = judged(runs / "movement_kinds", options.material, options.dry, options.part)
    found = attributions(options.part, options.recordings, runs / "explanation")
    streams = found.stream.tolist()
    values = {
        "part": options.part,
        "recordings": options.recordings,
        "seconds": SECONDS,
        "electrodes": ELECTRODES,
        "pairs": PAIRS,
        "margin": MARGIN,
        "eeg": streams.count("eeg"),
        "nirs": streams.count("nirs"),
        "movements": sum(view in COUNTED for view in named["view"]),
        "people": named.person.nunique(),
    }
    every = Table(list(found.columns), [[f"{v}" for v in row] for row in found.to_numpy()])
    made = Page(
        title=TITLE,
        question=QUESTION.format(**values),
        table=table_of(found, named, unlike_noise(options.part)),
        limits=LIMITS,
        command=COMMAND.format(**values),
        data={"": every, "kinds": confusion(named)},
    )
    print(made.markdown("explanation"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
