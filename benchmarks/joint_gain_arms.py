"""Who makes rows in `joint_gain.py`: filters without training, peers, weights and their controls.

Each is named by digests of its weights and of the code that it depends on, so that what has changed
is computed again.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import joint_gain_bounds as bounds
import joint_gain_facts as rows
import joint_gain_segments as segments
import numpy as np
import xarray as xr

import neurofuse
from neurofuse.fusion.clean import clean
from neurofuse.fusion.partner import with_partner
from neurofuse.fusion.peers import LEARNED, PEERS
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.recording import without_stream

HERE = Path(__file__).parent
OTHER = {"eeg": "nirs", "nirs": "eeg"}
# modules of models/ that cleaning does not use
TRAINING = {"train", "loss", "batches", "draw", "corpus", "augment"}
Arms = Iterator[tuple[str, str, np.ndarray | xr.DataTree | str]]  # arm, stream, cleaned or failure


@dataclass(frozen=True)
class Case:
    """A recording, the same disturbed, and somebody else's that is disturbed as much."""

    truth: xr.DataTree
    contaminated: xr.DataTree
    stranger: xr.DataTree


@dataclass(frozen=True)
class Producer:
    """Something that makes rows of the tables, and the name of the folder of its figures."""

    key: str
    arms: Callable[[Case], Arms]
    streams: tuple[str, ...]
    learned: str = ""  # what `clean` is told, for the figures on clean recordings
    joint: bool = False


def code(paths: Iterable[Path]) -> str:
    """Digest of what files do; of Python without comments, docstrings and layout."""
    total = hashlib.sha256()
    for path in sorted(paths):
        text = path.read_text()
        if path.suffix == ".py":
            tree = ast.parse(text)
            for node in ast.walk(tree):
                body = getattr(node, "body", None)
                if isinstance(body, list) and body and _is_text(body[0]):
                    body[0] = ast.Pass()
            text = ast.dump(tree)
        total.update(f"{path.name}\n{text}\n".encode())
    return total.hexdigest()[:10]


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def package(name: str) -> Path:
    """The folder of a part of neurofuse that this process imports."""
    return Path(str(neurofuse.__file__)).parent / name


def generator() -> str:
    """Digest of what decides the recordings and how they are scored."""
    own = [HERE / f"{n}.py" for n in ("clean_pairs", "joint_gain_segments")]
    return code([*package("synth").glob("*.py"), *own, package("models") / "split.json"])


def inference_code(path: Path, more: Iterable[Path] = ()) -> str:
    """Digests of weights (a file, or all those of a folder) and of the code that applies them."""
    files = weights(path) if path.is_dir() else [path]
    digest = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]
    used = [p for p in package("models").glob("*.py") if p.stem not in TRAINING]
    return f"{digest}-{code([*used, package('fusion') / 'clean.py', *more])}"


def peer_code(name: str) -> str:
    """Digest of the modules that a peer is written in, its settings and, of a net, its weights."""
    parts = PEERS[name].treatments.values()
    told = [f for one in parts for f in (one.apply, one.learn) if f is not None]
    files = {Path(str(sys.modules[getattr(f, "func", f).__module__].__file__)) for f in told}
    settings = json.dumps([dict(one.settings) for one in parts], default=str).encode()
    if PEERS[name] in LEARNED:
        zoo = package("models") / "zoo"
        files |= set(zoo.glob("*.py")) - {zoo / "train.py", zoo / "learner.py"}
        settings += b"".join(p.read_bytes() for p in nets(name))
    return f"{code(files)[:6]}{hashlib.sha256(settings).hexdigest()[:4]}"


def nets(name: str) -> list[Path]:
    """Packaged weights of a net of the zoo, one file a stream."""
    folder = package("models") / "zoo/pretrained"
    return [folder / f"{name}_{stream}.safetensors" for stream in OTHER]


def learned(path: Path) -> Producer:
    """The arms of a file of weights."""
    key = f"{path.stem}-{inference_code(path)}"
    facts = json.loads(path.with_suffix(".json").read_text())
    treated = tuple(facts["architecture"]["streams"])
    arms = partial(_learned, str(path), path.stem, treated)
    return Producer(key, arms, treated, str(path), len(treated) > 1)


def _learned(path: str, name: str, treated: tuple[str, ...], case: Case) -> Arms:
    """The controls are of the joint model only; one run of it cleans both streams."""
    cleaned = clean(case.contaminated, path)
    for stream in treated:
        yield "twin" if name in OTHER else name, stream, cleaned
    for stream in treated if name == "joint" else ():
        shuffled = with_partner(case.contaminated, case.stranger, OTHER[stream])
        yield rows.SHUFFLED, stream, clean(shuffled, path)
        silent = without_stream(case.contaminated, OTHER[stream])
        yield rows.SILENT, stream, clean(silent, path)


def reference(case: Case) -> Arms:
    for stream in OTHER:
        found = segments.material(case.truth, case.contaminated, stream)
        yield rows.BLIND, stream, bounds.blind(found)
        yield rows.BOUND, stream, bounds.bound(found)


def _peer(name: str, case: Case) -> Arms:
    for stream, how in PEERS[name].treatments.items():
        given = case.contaminated
        if "partner" not in how.references:
            given = without_stream(given, OTHER[stream])
        try:
            yield name, stream, clean(given, name)
        except NeurofuseError as error:
            yield name, stream, str(error)


def producers(folders: list[Path], zoo: bool = False, peers: bool = True) -> list[Producer]:
    """References, classical peers, the zoo if asked for, then all weights, each file once."""
    key = f"reference-{code([HERE / 'joint_gain_bounds.py'])}"
    made = [Producer(key, reference, tuple(OTHER))]
    made += [
        Producer(f"peer-{n}-{peer_code(n)}", partial(_peer, n), p.streams, n)
        for n, p in PEERS.items()
        if peers and (zoo or p not in LEARNED)
    ]
    found = [learned(path) for folder in folders for path in weights(folder)]
    return made + list({p.key: p for p in found}.values())


def weights(folder: Path) -> list[Path]:
    """Weights in a folder; what training keeps to go on is none."""
    return [p for p in sorted(folder.glob("*.safetensors")) if p.with_suffix(".json").exists()]
