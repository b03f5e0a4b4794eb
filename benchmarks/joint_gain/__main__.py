"""What the joint model gains on injected motion: against baselines, controls, floors and bounds.

    python -m benchmarks.joint_gain --part test --page docs/measured/joint_gain.md

`--weights` takes folders, each a training seed: joint, eeg and nirs .safetensors; any other weights
in one are arms by their own name. Resumable: one JSON a recording and setting for each producer of
figures. `--shares` lets several processes divide the work.
"""

import argparse
import json
import logging
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
import xarray as xr
from rich.progress import track

from benchmarks.common.clean_pairs import pairs
from benchmarks.common.keys import weights
from benchmarks.common.lost import called_lost, repaired
from benchmarks.common.methods import NETWORKS, network_weights
from benchmarks.common.page import figure_of
from benchmarks.common.paths import ROOT, write
from benchmarks.joint_gain import segments
from benchmarks.joint_gain.arms import (
    Case,
    Producer,
    learned,
    pairs_key,
    producers,
    reference,
)
from benchmarks.joint_gain.facts import EVERYTHING, MEASURED, Facts
from benchmarks.joint_gain.overview import draw, summaries
from benchmarks.joint_gain.page import described, mask_thresholds, page, tables
from benchmarks.joint_gain.rest import NO_MOTION, PARTNER_ONLY
from neurofuse.fusion.metrics.errors import score
from neurofuse.io import stream_dataset
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import with_stream, without_stream
from neurofuse.models.training.train import steps_in_all
from neurofuse.synth import inject

SHARES = ("none", "timing", "partial", "full")
SEVERITIES = (0.05, 0.15, 0.5, 1.5)
SEVERE = 1.5  # severity of the partner's motion where only the partner is in motion


def figures(producer: Producer, case: Case) -> dict:
    """All energies and mistakes of a producer's arms in one setting, by modality."""
    data = {s: case.material(s) for s in producer.streams}
    result: dict = {s: {"arms": {}, "failure": {}} for s in producer.streams}
    for arm, stream, cleaned in producer.arms(case):
        if isinstance(cleaned, str):
            result[stream]["failure"][arm] = cleaned
        else:
            result[stream]["arms"][arm] = _figures(cleaned, data[stream])
    if producer.arms is reference:
        for stream, one in data.items():
            result[stream]["truth"] = _energies(one.truth, one)
            artifact = one.contaminated - one.truth
            result[stream]["artifact"] = segments.energies(artifact, one, everything=True)
            lost = (one.near & one.lost).sum(), one.near.sum()
            result[stream]["lost"] = [float(n / one.rate) for n in lost]
            result[stream]["segment"] = [[a / one.rate, b / one.rate] for a, b in one.segment]
    return {"streams": result}


def _figures(cleaned: np.ndarray | xr.DataTree, data: segments.Material) -> dict:
    gate = None
    if isinstance(cleaned, xr.DataTree):
        node = stream_dataset(cleaned, data.stream)
        if "gate" in node:
            gate = node.gate.sel(channel=data.channel).values
        cleaned = segments.samples(cleaned, data.stream, data.channel)
    facts: dict = {"error": _energies(cleaned - data.truth, data)}
    facts["beside"] = segments.beside(cleaned - data.contaminated, data)
    if gate is not None:
        facts["gate"] = segments.gate_mistakes(gate, data)
    return facts


def _energies(rows: np.ndarray, data: segments.Material) -> dict[str, dict]:
    """Energies without what is lost, and of everything."""
    return {
        MEASURED: segments.energies(rows, data),
        EVERYTHING: segments.energies(rows, data, everything=True),
    }


def at_rest(producer: Producer, truth: xr.DataTree, disturbed: xr.DataTree) -> dict:
    """Change [dB] made to modalities without motion; in one case the partner is in motion."""
    still = truth
    for stream in MODALITIES:
        node = stream_dataset(truth, stream)
        mask = np.zeros((node.sizes["channel"], node.sizes["time"]), bool)
        still = with_stream(still, stream, node.assign(motion=(("channel", "time"), mask)))
    cases = {NO_MOTION: dict.fromkeys(producer.streams, still)}
    other = {name: one.other.name for name, one in MODALITIES.items()}
    if producer.joint:
        cases[PARTNER_ONLY] = {
            s: with_stream(still, other[s], stream_dataset(disturbed, other[s]))
            for s in producer.streams
        }
    result: dict = {}
    for name, inputs in cases.items():
        for stream, given in inputs.items():
            if not producer.joint:
                given = without_stream(given, other[stream])
            try:
                cleaned = repaired(given, producer.weights)
            except NeurofuseError:
                continue
            value = score(truth, given, cleaned).value.sel(modality=stream)
            change = float(value.sel(metric="clean_change_db"))
            result.setdefault(name, {})[stream] = None if np.isinf(change) else change
    return result


def run(
    recordings: list[tuple[str, xr.DataTree]],
    limit: int,
    made: list[Producer],
    folder: Path,
    shares: tuple[str, ...],
    severities: tuple[float, ...],
) -> None:
    """Compute what is missing; each recording's mismatched partner is the next recording."""
    todo = [
        (number, share, severity)
        for number in range(limit)
        for share in shares
        for severity in severities
    ]
    for number, share, severity in track(todo, description="settings"):
        name, recording = recordings[number]
        file = f"{name}_{share}_{severity}.json"
        missing = [p for p in made if not (folder / p.key / file).exists()]
        if not missing:
            continue
        after = (number + 1) % len(recordings)
        truth, mixed = inject(recording, seed=1000 + number, share=share, severity=severity)
        strange = inject(recordings[after][1], seed=1000 + after, share=share, severity=severity)[1]
        case = Case(truth, mixed, strange, called_lost(mixed))
        for producer in missing:
            start = perf_counter()
            facts = {"pair": name, "share": share, "severity": severity}
            facts |= figures(producer, case)
            facts["seconds"] = perf_counter() - start
            write(folder / producer.key / file, facts)
    for number in track(range(limit), description="clean recordings"):
        name, recording = recordings[number]
        severe = inject(recording, seed=1000 + number, share="timing", severity=SEVERE)[1]
        for producer in made:
            target = folder / producer.key / f"{name}_clean.json"
            if producer.weights and not target.exists():
                write(target, {"pair": name, "change": at_rest(producer, recording, severe)})


def weights_in_words(folders: list[Path], networks: bool) -> str:
    """Where weights lie and for how long each was trained."""
    steps = {
        steps_in_all(json.loads(path.with_suffix(".json").read_text()))
        for folder in folders
        for path in weights(folder)
    }
    inside = [f.resolve() for f in folders if f.resolve().is_relative_to(ROOT)]
    names = ", ".join(f"`{f.relative_to(ROOT)}`" for f in inside) or "elsewhere"
    count = f"{len(folders)} training seed{'s' * (len(folders) > 1)}"
    text = f"Weights of {names} ({count}), {', '.join(map(str, sorted(steps)))} steps each"
    return f"{text}; baseline networks: {network_training()}" if networks else text


def network_training() -> str:
    """How long the single-channel baseline networks were trained."""
    facts = [
        json.loads(path.with_suffix(".json").read_text())["training"]
        for name in NETWORKS
        for path in network_weights(name)
    ]
    parts = []
    for key, unit in (("steps", "steps of 32 windows"), ("minutes", "minutes on one core")):
        values = [fact[key] for fact in facts]
        parts.append(f"{min(values):g} to {max(values):g} {unit}")
    return ", ".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", default="validation", choices=["validation", "test"])
    parser.add_argument("--weights", nargs="+", type=Path, default=[ROOT / "models/pretrained"])
    parser.add_argument("--out", type=Path, default=ROOT / "runs/joint_gain")
    parser.add_argument("--page", type=Path, help="write the page, its figure and its rows")
    parser.add_argument("--limit", type=int, help="use the first recordings only")
    parser.add_argument("--shares", default=",".join(SHARES), help="what to compute and show")
    parser.add_argument("--severities", default=",".join(map(str, SEVERITIES)))
    parser.add_argument(
        "--no-baselines", "--no-peers", action="store_true", help="enough to set thresholds"
    )
    parser.add_argument(
        "--networks", action="store_true", help="also single-channel baseline networks: slow"
    )
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    made = producers(options.weights, baseline=not options.no_baselines, networks=options.networks)
    folder = options.out / options.part / pairs_key()
    enough = None if options.limit is None else max(options.limit, 2)
    recordings = list(islice(pairs(options.part), enough))
    limit = min(len(recordings), options.limit or len(recordings))
    shares = tuple(options.shares.split(","))
    severities = tuple(float(s) for s in options.severities.split(","))
    run(recordings, limit, made, folder, shares, severities)
    names = [name for name, _ in recordings[:limit]]
    seeds = [[learned(path).key for path in weights(f)] for f in options.weights]
    fixed = [p.key for p in made if p.key not in {key for keys in seeds for key in keys}]
    given = (folder, fixed, seeds, names, shares, severities)
    report(Facts.read(*given), Facts.read(*given, counted=EVERYTHING), options)


def report(facts: Facts, everything: Facts, options: argparse.Namespace) -> None:
    """Print the page, and write it if asked."""
    thresholds, how = mask_thresholds(facts, options.part, options.out / "thresholds.json")
    text = weights_in_words(options.weights, options.networks)
    more = " --networks" * options.networks + " --no-baselines" * options.no_baselines
    if options.limit is not None:
        more += f" --limit {options.limit}"
    if options.shares != ",".join(SHARES):
        more += f" --shares {options.shares}"
    if options.severities != ",".join(map(str, SEVERITIES)):
        more += f" --severities {options.severities}"
    if options.weights != [ROOT / "models/pretrained"]:
        more += f" --weights {' '.join(map(str, options.weights))}"
    made = described(facts, options.part, text, how, more)
    name = options.page.stem if options.page else "joint_gain"
    data = tables(facts, everything, thresholds)
    document = page(data, made, name, figure=options.page is not None)
    print(document.markdown(name))
    if options.page:
        document.write(options.page)
        draw(summaries(facts), figure_of(options.page))


if __name__ == "__main__":
    main()
