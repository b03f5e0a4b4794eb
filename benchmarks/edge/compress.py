"""What do pruning and rounding of weights cost in error, alone and together?

python -m benchmarks.edge.compress
"""

import argparse
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from benchmarks.common.keys import result_key
from benchmarks.common.page import Table
from benchmarks.common.paths import ROOT
from benchmarks.edge.errors import Row, by_person, chosen, difference, kept_rows, text
from benchmarks.edge.smaller import smaller, stored_bytes
from neurofuse.fusion.methods.registry import SMALL
from neurofuse.io.modality import MODALITIES
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.weight_files import PRETRAINED
from neurofuse.models.weights import load_model

FULL = "joint"
STEPS = {  # fraction that is pruned, bits
    "float": (0.0, 0),
    "int8": (0.0, 8),
    "int6": (0.0, 6),
    "int4": (0.0, 4),
    "pruned 30 %": (0.3, 0),
    "pruned 50 %": (0.5, 0),
    "pruned 30 %, int8": (0.3, 8),
    "pruned 30 %, int4": (0.3, 4),
    "pruned 50 %, int8": (0.5, 8),
}
UNFILTERED = "no filters"
RUNS = ROOT / "runs/edge"
WHOLE = PRETRAINED / f"{FULL}.safetensors"
STUDENT = PRETRAINED / f"{SMALL}.safetensors"


def variants(weights: Path) -> dict[str, CrossModalAutoencoder]:
    """A model with all steps: "joint", "joint, int8"."""
    model = load_model(weights)
    return {
        _name(weights, step): smaller(model, pruned=pruned, bits=bits)
        for step, (pruned, bits) in STEPS.items()
    }


def unfiltered(weights: Path) -> dict[str, CrossModalAutoencoder]:
    """A model whose rough artifact is subtracted: what the network does without filters."""
    model = load_model(weights)
    model.architecture = model.architecture.model_copy(update={"filtered": False})
    return {_name(weights, UNFILTERED): model}


def measured(weights: Path) -> list[Row]:
    """Errors of all variants of a model, in the same windows for every model."""
    found = []
    for kind, models in {"compress": variants(weights), "filters": unfiltered(weights)}.items():
        key = result_key(kind, STEPS, files=[weights])
        found += kept_rows(models, RUNS / f"{kind}-{weights.stem}-{key}.jsonl")
    return found


def table(found: list[Row], weights: Iterable[Path]) -> Table:
    """By model and step: size, errors, and how much larger these are than those of `joint`."""
    rows = []
    for path, step in product(weights, (*STEPS, UNFILTERED)):
        bits = STEPS[step][1] if step in STEPS else 0
        name, size = _name(path, step), stored_bytes(load_model(path), bits or 32) / 1e3
        cells = []
        for s in MODALITIES:
            own = chosen(found, model=name, modality=s)
            reference = chosen(found, model=FULL, modality=s)
            cells += [text(by_person(own)), text(difference(own, reference), 2)]
        rows.append([name, f"{size:.0f}", *cells])
    columns = ["model", "weights [kB]"]
    for s in MODALITIES:
        columns += [f"{MODALITIES[s].display} [dB]", f"{MODALITIES[s].display}, over joint [dB]"]
    return Table(columns, rows)


def _name(weights: Path, step: str) -> str:
    return weights.stem if step == "float" else f"{weights.stem}, {step}"


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights", nargs="*", type=Path, default=[STUDENT], help="beside joint")
    options = parser.parse_args(None if arguments is None else list(arguments))
    weights = [WHOLE, *options.weights]
    found = [row for path in weights for row in measured(path)]
    print(table(found, weights).markdown())


if __name__ == "__main__":
    main()
