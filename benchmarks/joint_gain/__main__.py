"""What the joint model gains on injected motion: against its twins, peers, floors and bounds.

    python -m benchmarks.joint_gain --part test --weights FOLDER... --page docs/joint_gain.md

Each folder of weights is one training seed: joint, eeg and nirs .safetensors; any other weights in
it are arms by their own name. Resumable: one JSON a recording and setting for each producer of
figures. `--shares` lets several processes divide the work.
"""

import argparse
import json
import logging
import subprocess
import sys
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
import xarray as xr
from rich.progress import track

import benchmarks.joint_gain.segments as segments
from benchmarks.common.clean_pairs import pairs
from benchmarks.common.keys import OTHER, nets, weights
from benchmarks.common.paths import ROOT, write
from benchmarks.joint_gain.arms import (
    Case,
    Producer,
    learned,
    pairs_key,
    producers,
    reference,
)
from benchmarks.joint_gain.facts import Facts
from benchmarks.joint_gain.page import page
from neurofuse.fusion.clean import clean
from neurofuse.fusion.methods.registry import LEARNED
from neurofuse.fusion.metrics.errors import score
from neurofuse.io import stream_dataset
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.recording import with_stream, without_stream
from neurofuse.models.training.train import steps_in_all
from neurofuse.synth import inject

SHARES = ("none", "timing", "partial", "full")
SEVERITIES = (0.05, 0.15, 0.5, 1.5)
LOUD = 1.5  # severity of the partner's motion where only the partner moves


def figures(producer: Producer, case: Case) -> dict:
    """All energies and mistakes of a producer's arms in one setting, by stream."""
    found = {s: segments.material(case.truth, case.contaminated, s) for s in producer.streams}
    result: dict = {s: {"arms": {}, "failure": {}} for s in producer.streams}
    for arm, stream, cleaned in producer.arms(case):
        if isinstance(cleaned, str):
            result[stream]["failure"][arm] = cleaned
        else:
            result[stream]["arms"][arm] = _figures(cleaned, found[stream])
    if producer.arms is reference:
        for stream, one in found.items():
            result[stream]["truth"] = segments.energies(one.truth, one)
            result[stream]["artifact"] = segments.energies(one.contaminated - one.truth, one)
            result[stream]["segment"] = [[a / one.rate, b / one.rate] for a, b in one.segment]
    return {"streams": result}


def _figures(cleaned: np.ndarray | xr.DataTree, found: segments.Material) -> dict:
    gate = None
    if isinstance(cleaned, xr.DataTree):
        node = stream_dataset(cleaned, found.stream)
        if "gate" in node:
            gate = node.gate.sel(channel=found.channel).values
        cleaned = segments.samples(cleaned, found.stream, found.channel)
    facts: dict = {"error": segments.energies(cleaned - found.truth, found)}
    facts["beside"] = segments.beside(cleaned - found.contaminated, found)
    if gate is not None:
        facts["gate"] = segments.gate_mistakes(gate, found)
    return facts


def at_rest(producer: Producer, truth: xr.DataTree, disturbed: xr.DataTree) -> dict:
    """Change [dB] made to streams that do not move: nobody moves, or only the partner does."""
    still = truth
    for stream in OTHER:
        node = stream_dataset(truth, stream)
        mask = np.zeros((node.sizes["channel"], node.sizes["time"]), bool)
        still = with_stream(still, stream, node.assign(motion=(("channel", "time"), mask)))
    cases = {"nobody moves": dict.fromkeys(producer.streams, still)}
    if producer.joint:
        cases["partner moves"] = {
            s: with_stream(still, OTHER[s], stream_dataset(disturbed, OTHER[s]))
            for s in producer.streams
        }
    result: dict = {}
    for name, inputs in cases.items():
        for stream, given in inputs.items():
            if not producer.joint:
                given = without_stream(given, OTHER[stream])
            try:
                cleaned = clean(given, producer.learned)
            except NeurofuseError:
                continue
            value = score(truth, given, cleaned).value.sel(modality=stream)
            change = float(value.sel(metric="clean_change_db"))
            result.setdefault(name, {})[stream] = None if np.isinf(change) else change
    return result


def run(people: list, limit: int, made: list[Producer], folder: Path, shares, severities) -> None:
    """Compute what is not there yet; the person after each lends the shuffled partner."""
    todo = [
        (number, share, level)
        for number in range(limit)
        for share in shares
        for level in severities
    ]
    for number, share, level in track(todo, description="settings"):
        name, recording = people[number]
        missing = [
            p for p in made if not (folder / p.key / f"{name}_{share}_{level}.json").exists()
        ]
        if not missing:
            continue
        after = (number + 1) % len(people)
        draw = {"share": share, "severity": level}
        case = Case(
            *inject(recording, seed=1000 + number, **draw),
            inject(people[after][1], seed=1000 + after, **draw)[1],
        )
        for producer in missing:
            start = perf_counter()
            facts = {"pair": name, "share": share, "severity": level, **figures(producer, case)}
            facts["seconds"] = perf_counter() - start
            write(folder / producer.key / f"{name}_{share}_{level}.json", facts)
    for number in track(range(limit), description="clean recordings"):
        name, recording = people[number]
        loud = inject(recording, seed=1000 + number, share="timing", severity=LOUD)[1]
        for producer in made:
            target = folder / producer.key / f"{name}_clean.json"
            if producer.learned and not target.exists():
                write(target, {"pair": name, "change": at_rest(producer, recording, loud)})


def described(folders: list[Path]) -> str:
    """Where weights lie and for how long each was trained."""
    steps = {
        steps_in_all(json.loads(path.with_suffix(".json").read_text()))
        for folder in folders
        for path in weights(folder)
    }
    names = [
        f"`{f.resolve().relative_to(ROOT)}`" for f in folders if f.resolve().is_relative_to(ROOT)
    ]
    return f"weights of {', '.join(names) or 'elsewhere'}, {', '.join(map(str, steps))} steps each"


def zoo_training() -> str:
    """How long the nets of the zoo were trained."""
    facts = [
        json.loads(path.with_suffix(".json").read_text())["training"]
        for peer in LEARNED
        for path in nets(peer.name)
    ]
    parts = []
    for key, unit in (("steps", "steps of 32 windows"), ("minutes", "minutes on one core")):
        values = [fact[key] for fact in facts]
        parts.append(f"{min(values):g} to {max(values):g} {unit}")
    return ", ".join(parts)


def speed(folders: list[Path]) -> str:
    """Speed and memory of the packaged joint model in a process of its own, and size of weights."""
    command = [sys.executable, "-m", "benchmarks.speed", "--seconds", "600"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    size = (folders[0] / "joint.safetensors").stat().st_size / 1e6
    return f"{found.strip()}\njoint weights {size:.2f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", default="validation", choices=["validation", "test"])
    parser.add_argument("--weights", nargs="+", type=Path, default=[ROOT / "models/pretrained"])
    parser.add_argument("--out", type=Path, default=ROOT / "runs/joint_gain")
    parser.add_argument("--page", type=Path, help="write the tables to this Markdown file")
    parser.add_argument("--limit", type=int, help="use the first recordings only")
    parser.add_argument("--shares", default=",".join(SHARES), help="what to compute and show")
    parser.add_argument("--severities", default=",".join(map(str, SEVERITIES)))
    parser.add_argument("--no-peers", action="store_true", help="enough to set thresholds")
    parser.add_argument("--zoo", action="store_true", help="also the nets of models/zoo: slow")
    parser.add_argument("--speed", action="store_true", help="also measure speed and memory")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    made = producers(options.weights, options.zoo, not options.no_peers)
    folder = options.out / options.part / pairs_key()
    enough = None if options.limit is None else max(options.limit, 2)
    people = list(islice(pairs(options.part), enough))
    limit = min(len(people), options.limit or len(people))
    shares = tuple(options.shares.split(","))
    severities = tuple(float(s) for s in options.severities.split(","))
    run(people, limit, made, folder, shares, severities)
    names = [name for name, _ in people[:limit]]
    seeds = [[learned(path).key for path in weights(f)] for f in options.weights]
    fixed = [p.key for p in made if p.key not in {key for keys in seeds for key in keys}]
    facts = Facts.read(folder, fixed, seeds, names, shares, severities)
    told = described(options.weights)
    if options.zoo:
        told += f"; nets of the zoo: {zoo_training()}"
    figure = options.page and options.page.parent / f"figures/{options.page.stem}.png"
    text = page(facts, options.part, options.out / "thresholds.json", told, figure)
    if options.speed:
        text += f"\n## Speed and size\n\n```\n{speed(options.weights)}\n```\n"
    print(text)
    if options.page:
        options.page.write_text(text)


if __name__ == "__main__":
    main()
