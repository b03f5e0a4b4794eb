"""Learn the templates of movements from labelled synthetic ones (`neurofuse.fusion.kinds`).

python -m benchmarks.training.movement_kinds

Movements of known kinds are injected into EEG and fNIRS at rest of the people of the training part,
full caps, few channels and dry electrodes, weak to strong. What the joint model finds is described
in numbers, one file a recording below `runs/`, so that a run that is stopped goes on where it was.
Then each kind gets its templates; temperatures and reaches are those of people left out in turn.
"""

import argparse
import hashlib
import json
import logging
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
from safetensors.numpy import save

from benchmarks.common.clean_pairs import cut
from benchmarks.common.paths import ROOT, recordings_folder
from benchmarks.training.gaussians import fit, shared
from benchmarks.transplant.receivers import eeg_receivers
from neurofuse.fusion.clean import clean
from neurofuse.fusion.kinds.description import ALL_NAMES, NAMES
from neurofuse.fusion.kinds.templates import CLIPPED, FEWEST, FILE, Templates, view_of
from neurofuse.fusion.movements import described
from neurofuse.io import build, read
from neurofuse.io.recording import event_rows
from neurofuse.models.training.split import PARTS, subject_files
from neurofuse.synth import TYPES, inject

COMMAND = "python -m benchmarks.training.movement_kinds"
KINDS = list(TYPES)
RECORDINGS, DRY = 210, 46  # of caps with fNIRS, and of a few dry electrodes
LENGTH = 120.0  # s
SEVERITY = (0.6, 0.2, 3.0)  # spread of its logarithm, least, largest
FEW_ELECTRODES = ((0.2, 1, 8), (0.15, 8, 24))  # share of recordings, from, below this number
FEW_PAIRS = ((0.2, 1, 7), (0.15, 6, 16))
SHARES = ("timing", "timing", "partial", "full")
FOLDS = 4  # of people
PRIOR = 1000.0  # movements that the covariance common to all kinds counts for
SEEN = 0.98  # quantile of the distance of known movements that is a template's reach
TEMPERATURES = np.geomspace(0.7, 12, 40)


@cache
def people(part: str) -> tuple[dict[str, xr.Dataset], dict[str, xr.Dataset]]:
    """EEG and fNIRS at rest of everyone in a part of the split, from time 0."""
    eeg = {
        person: _first(cut(read(next(f for f in files if "rest" in f.name)), "eeg"))
        for person, files in subject_files(part, "eeg").items()
    }
    nirs = {}
    for person, files in subject_files(part, "nirs").items():
        for number, file in enumerate(files[:2]):
            node = _first(cut(read(file), "nirs"))
            nirs[f"{person}{number}"] = node.isel(channel=~node.bad.values)
    return eeg, nirs


def _first(node: xr.Dataset) -> xr.Dataset:
    return node.isel(time=slice(0, round(LENGTH * float(node.attrs["rate"]))))


@cache
def dry_people(part: str) -> dict[str, xr.Dataset]:
    """Calm EEG of everyone in a part who wore a few dry electrodes."""
    return dict(eeg_receivers(part))


def moving(part: str, number: int, *, dry: bool = False) -> tuple[xr.DataTree, str]:
    """Recording number so and so of a part with movements, and the EEG's person.

    In half of them all kinds are as frequent as in seated participants, in the others there is one
    kind only. With dry electrodes there is no fNIRS.
    """
    rng = np.random.default_rng([number, 1 + PARTS.index(part) + 3 * dry])
    if dry:
        rests = dry_people(part)
        person = list(rests)[number % len(rests)]
        return _with_movements(build(rests[person]), number, rng), person
    eeg, nirs = people(part)
    person = list(eeg)[number % len(eeg)]
    one, other = eeg[person], nirs[list(nirs)[int(rng.integers(len(nirs)))]]
    wanted = _few(rng, FEW_ELECTRODES)
    if wanted:
        channels = one.sizes["channel"]
        some = rng.choice(channels, min(wanted, channels), replace=False)
        one = one.isel(channel=np.sort(some))
    wanted = _few(rng, FEW_PAIRS)
    if wanted:
        middle = (other.source_position.values + other.detector_position.values) / 2
        away = np.linalg.norm(middle - middle[rng.integers(len(middle))], axis=1)
        other = other.isel(channel=np.sort(np.argsort(away)[:wanted]))
    return _with_movements(build(one, other), number, rng), person


def _with_movements(rest: xr.DataTree, number: int, rng: np.random.Generator) -> xr.DataTree:
    spread, least, largest = SEVERITY
    severity = float(np.clip(np.exp(rng.normal(0, spread)), least, largest))
    share = str(rng.choice(SHARES))
    mixed = bool(rng.random() < 0.5)
    types = None if mixed else [KINDS[number % len(KINDS)]]
    seed = int(rng.integers(2**31))
    bouts = float(rng.uniform(2, 6)) if mixed else float(rng.uniform(1, 4))
    if types == ["gait"]:  # long ones
        bouts = 1.0
    options = {"share": share, "severity": severity, "types": types, "bouts_per_minute": bouts}
    return inject(rest, seed=seed, sensors=True, **options)[1]


def _few(rng: np.random.Generator, choices: tuple[tuple[float, int, int], ...]) -> int:
    """A small number of channels, or 0 for all of them."""
    drawn, limit = rng.random(), 0.0
    for share, first, last in choices:
        limit += share
        if drawn < limit:
            return int(rng.integers(first, last))
    return 0


def labelled(recording: xr.DataTree, cleaned: xr.DataTree) -> Iterator[tuple[np.ndarray, str, int]]:
    """Numbers, modality and true kind of every movement found where one was injected."""
    numbers, found = described(recording, cleaned)
    for stream, own in found.items():
        repaired = [one for one in own if one.verdict == "repaired"]
        for movement, row in zip(repaired, numbers[stream], strict=True):
            kind = true_kind(recording, stream, movement.onset, movement.onset + movement.duration)
            if kind is not None:
                yield row, stream, kind


def true_kind(recording: xr.DataTree, stream: str, onset: float, end: float) -> int | None:
    """The kind that fills most of the time from `onset` to `end` [s] as a modality shows it."""
    filled = np.zeros(len(KINDS))
    for start, duration, name, _, shown in event_rows(recording):
        if shown == stream and name.startswith("motion/"):
            shared = min(start + duration, end) - max(start, onset)
            filled[KINDS.index(name.removeprefix("motion/"))] += max(shared, 0)
    return int(filled.argmax()) if filled.any() else None


def material(
    folder: Path, count: int, part: str = "train", *, dry: bool = False
) -> dict[str, np.ndarray]:
    """Numbers, modality, kind and person of all movements of a part; made where not there yet."""
    parts = []
    for number in range(count):
        target = folder / f"{part}{'_dry' * dry}_{number}.npz"
        if not target.exists():
            recording, person = moving(part, number, dry=dry)
            rows = list(labelled(recording, clean(recording)))
            temporary = target.with_suffix(".tmp.npz")
            target.parent.mkdir(parents=True, exist_ok=True)
            np.savez(
                temporary,
                numbers=np.array([row for row, *_ in rows]).reshape(-1, len(ALL_NAMES)),
                stream=np.array([stream for _, stream, _ in rows], str),
                kind=np.array([kind for *_, kind in rows], int),
                person=np.array([person] * len(rows), str),
                channels=np.array([recording["eeg"].sizes["channel"]] * len(rows), int),
            )
            temporary.replace(target)
            print(target.name, len(rows), flush=True)
        with np.load(target) as held:
            parts.append({name: held[name] for name in held})
    return {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}


def learn(numbers: np.ndarray, kind: np.ndarray, person: np.ndarray) -> Templates:
    """Templates of movements in numbers (movement, number) of kinds (movement,)."""
    views = 2 ** len(NAMES)
    whole = _templates(numbers, kind)
    scores: list[list[np.ndarray]] = [[] for _ in range(views)]
    nearest: list[list[np.ndarray]] = [[] for _ in range(views)]
    truth: list[list[np.ndarray]] = [[] for _ in range(views)]
    fold = np.unique(person, return_inverse=True)[1] % FOLDS
    for held in range(FOLDS):
        made = _templates(numbers[fold != held], kind[fold != held])
        left = np.flatnonzero(fold == held)
        for hidden in range(views - 1):  # of each movement also what others would show of it
            seen = hidden_from(numbers[left], hidden)
            found = np.array([view_of(row) for row in np.isfinite(seen)])
            judged = made.judge(seen)
            for view in range(1, views):
                rows = (found == view) & np.isfinite(judged.distance).all(1)
                rows &= np.isfinite(seen).sum(1) >= FEWEST
                if rows.any():
                    # with temperatures of 1 the logarithm of a probability is a log likelihood
                    scores[view].append(np.log(judged.probability[rows] + 1e-300))
                    nearest[view].append(judged.distance[rows].min(1))
                    truth[view].append(kind[left][rows])
    temperature, reach = np.ones(views), np.full(views, 10.0)
    for view in range(1, views):
        if scores[view]:
            logits, true = np.concatenate(scores[view]), np.concatenate(truth[view])
            temperature[view] = _temperature(logits, true)
            reach[view] = np.quantile(np.concatenate(nearest[view]), SEEN)
    return Templates(
        *(getattr(whole, name) for name in ("middle", "spread", "mean", "covariance")),
        weight=whole.weight,
        kind=whole.kind,
        temperature=temperature,
        reach=reach,
    )


def hidden_from(numbers: np.ndarray, hidden: int) -> np.ndarray:
    """Numbers as if EEG (1), fNIRS (2) and IMU (4), added up, were not there."""
    seen, first = numbers.copy(), 0
    for bit, names in enumerate(NAMES.values()):
        if hidden >> bit & 1:
            seen[:, first : first + len(names)] = np.nan
        first += len(names)
    return seen


def _temperature(logits: np.ndarray, true: np.ndarray) -> float:
    """That with the largest likelihood of the true kinds, all kinds as frequent."""
    weight = 1 / np.maximum(np.bincount(true, minlength=len(KINDS)), 1)[true]

    def missed(temperature: float) -> float:
        raised = logits / temperature
        raised = raised - raised.max(1, keepdims=True)
        raised = raised - np.log(np.exp(raised).sum(1, keepdims=True))
        return -float(weight @ raised[np.arange(len(true)), true])

    return float(min(TEMPERATURES, key=missed))


def _templates(numbers: np.ndarray, kind: np.ndarray) -> Templates:
    """Templates with temperatures of 1."""
    middle, spread = np.zeros(len(ALL_NAMES)), np.ones(len(ALL_NAMES))
    enough = np.isfinite(numbers).sum(0) >= 30
    middle[enough] = np.nanmean(numbers[:, enough], 0)
    spread[enough] = np.maximum(np.nanstd(numbers[:, enough], 0), 1e-6)
    standard = ((numbers - middle) / spread).clip(-CLIPPED, CLIPPED)
    standard[:, ~enough] = np.nan  # never seen: the templates do not differ in it
    common = shared(standard, kind, len(KINDS))
    made = [fit(standard[kind == k], common[k], PRIOR) for k in range(len(KINDS))]
    views = 2 ** len(NAMES)
    return Templates(
        middle,
        spread,
        np.array([one.mean for one in made]),
        np.array([one.covariance for one in made]),
        np.ones(len(made)),
        np.arange(len(made)),
        np.ones(views),
        np.full(views, 10.0),
    )


def write(made: Templates, target: Path, facts: dict) -> None:
    """The templates as safetensors, with a JSON that says what they are."""
    arrays = {
        name: np.ascontiguousarray(value, np.int64 if name == "kind" else np.float32)
        for name, value in vars(made).items()
    }
    whole = save(arrays)
    target.with_suffix(".json").write_text(
        json.dumps(facts | {"sha256": hashlib.sha256(whole).hexdigest()}, indent=1) + "\n"
    )
    target.write_bytes(whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recordings", type=int, default=RECORDINGS)
    parser.add_argument("--dry", type=int, default=DRY, help="recordings of dry electrodes")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs/movement_kinds")
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args()
    recordings_folder()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    caps = material(options.folder, options.recordings)
    few = material(options.folder, options.dry, dry=True)
    held = {name: np.concatenate([caps[name], few[name]]) for name in caps}
    made = learn(held["numbers"], held["kind"], held["person"])
    counts = np.bincount(held["kind"], minlength=len(KINDS)).tolist()
    facts = {
        "what": "templates of movements: means and covariances of the numbers that describe them",
        "kinds": KINDS,
        "numbers": list(ALL_NAMES),
        "movements": dict(zip(KINDS, counts, strict=True)),
        "people": sorted(set(held["person"].tolist())),
        "command": f"{COMMAND} --recordings {options.recordings} --dry {options.dry}",
    }
    write(made, options.out, facts)


if __name__ == "__main__":
    main()
