"""Models to compare: of all recordings together, of four centres together, of each centre alone.

Every model is trained on as many windows in as many steps: of a federation's each centre gives a
quarter. Resumable; what is done stays.
"""

import json
from pathlib import Path
from typing import Any

from neurofuse.models.federated.centre import Centre
from neurofuse.models.federated.link import Together
from neurofuse.models.federated.plan import Federation, read_federation
from neurofuse.models.federated.record import ROUNDS
from neurofuse.models.federated.server import Server
from neurofuse.models.training.corpus_build import build_corpus
from neurofuse.models.training.split import subject_files
from neurofuse.models.training.train import train

STREAM = "nirs"
ALL = "all"
# people of the training part, by lab where a lab has enough of them
CENTRES: dict[str, tuple[str, ...]] = {
    "FineMI-1": ("finemi/sub-01", "finemi/sub-03", "finemi/sub-04"),
    "FineMI-2": ("finemi/sub-05", "finemi/sub-07", "finemi/sub-10"),
    "NIRSport2-2Hz": (
        "nirsport2_dtu/rec-01",
        "nirx_video_2hz/sub-ST101",
        "nirx_video_2hz/sub-ST102",
    ),
    "Homer3": ("homer3_fingertapping/sub-01",),
}
# which validation people are of the labs of a centre
LABS = {
    "FineMI-1": ("finemi",),
    "FineMI-2": ("finemi",),
    "NIRSport2-2Hz": ("nirsport2_dtu", "nirx_video_2hz"),
    "Homer3": ("homer3_fingertapping",),
}
ROUNDS_IN_ALL, LOCAL_STEPS, BATCH = 20, 20, 4
TRAINING: dict[str, Any] = {
    "architecture": {"streams": [STREAM], "width": 51},  # of the packaged model
    "steps": ROUNDS_IN_ALL * LOCAL_STEPS,
    "warm_steps": 100,
    "batch": BATCH,
    "windows": {"transplanted": 0.0},  # movements of other centres' people
    "real": False,
    "simulated": 0,
    "validate_every": ROUNDS_IN_ALL * LOCAL_STEPS,
}
FEDERATED: dict[str, dict[str, Any]] = {
    "FedAvg, centres alike": {},
    "FedAvg, by people": {"weighting": "size"},
    "FedProx": {"proximal": 0.01},
}
TOGETHER, ALONE = "all recordings in one place", "alone: "


def people(part: str) -> dict[str, list[str]]:
    """Files of everyone at rest of a part of the split, as the usual training takes them."""
    found = subject_files(part, STREAM) | subject_files(part, "nirs_still")
    return {name: list(map(str, files)) for name, files in found.items()}


def people_of(centre: str) -> dict[str, list[str]]:
    """Files of the training people of a centre, or of all."""
    own = [person for name, some in CENTRES.items() if centre in (name, ALL) for person in some]
    found = people("train")
    return {name: files for name, files in found.items() if name.endswith(tuple(own))}


def store_of(centre: str, runs: Path) -> str:
    """The recordings of a centre with those to validate on, built where they are not there yet."""
    store = runs / f"{centre}.zarr"
    own = {"train": people_of(centre), "validation": people("validation")}
    architecture = TRAINING["architecture"]
    plan = {"architecture": architecture, "simulated": 0, "real": False, "own": own}
    if not store.with_suffix(".done").exists():
        build_corpus(plan, store, resume=store.exists())
        store.with_suffix(".done").touch()
    return str(store)


def arms() -> list[str]:
    """Names of the models, the first to be trained first."""
    return [TOGETHER, *list(FEDERATED)[:1], *(ALONE + c for c in CENTRES), *list(FEDERATED)[1:]]


def folder_of(arm: str, seed: int, runs: Path) -> Path:
    """Where a model is trained."""
    return runs / str(seed) / arm.replace(" ", "_").replace(":", "").replace(",", "")


def is_done(arm: str, seed: int, runs: Path) -> bool:
    """Whether a model has been trained to the end."""
    return (folder_of(arm, seed, runs) / "done").exists()


def trained(arm: str, seed: int, runs: Path) -> Path:
    """Weights of a model, trained where they are not there yet."""
    folder, name = folder_of(arm, seed, runs), "model"
    weights = folder / f"{name}.safetensors"
    if is_done(arm, seed, runs):
        return weights
    if arm in FEDERATED:
        weights = federated(arm, seed, folder, runs)
    else:
        centre = ALL if arm == TOGETHER else arm.removeprefix(ALONE)
        plan = TRAINING | {"name": name, "seed": seed, "corpus": store_of(centre, runs)}
        train(plan, folder, resume=folder.exists())
    (folder / "done").touch()
    return weights


def federated(arm: str, seed: int, folder: Path, runs: Path) -> Path:
    """Weights of a federation, whose messages are those that would go over a network."""
    server = Server(plan_of(arm, seed, runs), folder, resume=folder.exists())
    centres = [
        Centre(
            name,
            {"corpus": store_of(name, runs), "real": False, "simulated": 0, "seed": 100 * seed + k},
            folder / name,
        )
        for k, name in enumerate(CENTRES)
    ]
    return server.run(Together(centres))


def plan_of(arm: str, seed: int, runs: Path) -> Federation:
    """What a federation trains; each centre takes its part of a batch."""
    training = TRAINING | {"name": "model", "seed": seed, "corpus": store_of(ALL, runs)}
    training["batch"] = BATCH // len(CENTRES)
    rounds = {"rounds": ROUNDS_IN_ALL, "local_steps": LOCAL_STEPS}
    return read_federation({"training": training} | rounds | FEDERATED[arm])


def bytes_of(weights: Path) -> dict[str, int]:
    """Bytes of each centre over all rounds, both ways."""
    total: dict[str, int] = {}
    for line in (weights.parent / ROUNDS).read_text().splitlines():
        for name, count in json.loads(line)["traffic"].items():
            total[name] = total.get(name, 0) + count
    return total
