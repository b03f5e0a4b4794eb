"""What decides the result of a task, and the record of a done one, by which it is recognised.

The hash of a task is made of the content of its inputs, so that copied or touched files change
nothing. Not to read terabytes at every start, a record remembers size, time of change and inode of
every file beside its SHA-256: a file of which all three are the same is not read again, unless it
had changed so shortly before it was hashed that the clock of the disk could hide a further change.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from neurofuse.cli.study.tasks import LOGS, Settings, Task

FORMAT = 1  # of records; raised when results change though the version does not
UNSURE = 2 * 10**9  # ns; a file this young may change without another time of change


@dataclass(frozen=True)
class Stamp:
    """The content of a file, and what tells that it is still the same without reading it."""

    sha256: str
    size: int
    changed: int  # ns; 0 if it cannot be relied on
    inode: int


@dataclass(frozen=True)
class Record:
    """A done task.

    Attributes
    ----------
    name : str
        Of the task.
    hash : str
        Of what decides its result (`task_hash`).
    seconds : float
        That it took.
    memory : int
        Peak of its process [B]; 0 if unknown.
    inputs, outputs : dict of Stamp
        Files, the inputs by kind and name, the outputs by path below the data set.
    shared : dict of Stamp
        What it wrote of the files that all runs of its session have together.
    """

    name: str
    hash: str
    seconds: float
    memory: int
    inputs: dict[str, Stamp]
    outputs: dict[str, Stamp]
    shared: dict[str, Stamp]


def record_file(out: Path, task: Task) -> Path:
    """Where the record of a task lies.

    Examples
    --------
    >>> record_file(Path("out"), Task({"sub": "01", "task": "rest"}, {})).as_posix()
    'out/logs/sub-01/sub-01_task-rest.json'
    """
    return logs_of(out, task) / f"{task.name}.json"


def logs_of(out: Path, task: Task) -> Path:
    """The folder of a task's logs."""
    return out / LOGS / f"sub-{task.entities['sub']}"


def read_record(path: Path) -> Record | None:
    """A record; None where there is none that can be understood."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        files = {
            kind: {name: Stamp(**stamp) for name, stamp in facts[kind].items()}
            for kind in ("inputs", "outputs", "shared")
        }
        own = (facts[name] for name in ("name", "hash", "seconds", "memory"))
        return Record(*own, **files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_record(record: Record, path: Path) -> None:
    """Write a record as JSON: at any moment the old one or the new one is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {"format": FORMAT, "version": version("neurofuse"), **asdict(record)}
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    os.replace(draft, path)


def largest_memory(out: Path) -> int:
    """The largest peak of a task [B] that records in a data set tell; 0 if there is none."""
    records = map(read_record, (out / LOGS).glob("sub-*/sub-*.json"))
    return max((record.memory for record in records if record is not None), default=0)


def input_stamps(task: Task, known: Mapping[str, Stamp]) -> dict[str, Stamp]:
    """The content of everything that a task reads; `known` is what its record says.

    Raises
    ------
    OSError
        If a file is not there or cannot be read.
    """
    return {name: stamp(path, known.get(name)) for name, path in _files(task)}


def task_hash(task: Task, settings: Settings, inputs: Mapping[str, Stamp]) -> str:
    """A hash of what decides the result: inputs, names, options, weights and version.

    Examples
    --------
    >>> task = Task({"sub": "01", "task": "rest"}, {})
    >>> one, other = Settings(Path("out"), method="tddr"), Settings(Path("out"), method="asr")
    >>> task_hash(task, one, {}) == task_hash(task, other, {})
    False
    """
    facts = {
        "format": FORMAT,
        "version": version("neurofuse"),
        "entities": task.entities,
        "bids": task.bids,
        "offset": task.offset,
        "site": task.site,
        "device": task.device,
        "inputs": sorted((name, stamp.sha256) for name, stamp in inputs.items()),
        "method": settings.method,
        "clean": settings.clean,
        "self_test": settings.self_test,
        "weights": _weights(settings.method),
    }
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def output_stamps(folder: Path, names: Iterable[str]) -> dict[str, Stamp]:
    """The content of outputs by their paths below `folder`, before they move to their places."""
    return {name: _stamp(folder / name, reliable=True) for name in names}


def are_there(folder: Path, outputs: Mapping[str, Stamp]) -> bool:
    """Whether all outputs of a record are in place and unchanged."""
    try:
        return all(stamp(folder / n, old).sha256 == old.sha256 for n, old in outputs.items())
    except OSError:
        return False


def in_place(out: Path, record: Record) -> bool:
    """Whether a data set still holds what a record says; other runs may change what they share."""
    shared = all((out / name).is_file() for name in record.shared)
    return shared and are_there(out, record.outputs)


def stamp(path: Path, known: Stamp | None = None) -> Stamp:
    """The content of a file; read only if it may differ from what is known."""
    now = path.stat()
    if known is not None and known.changed:
        same = (known.size, known.changed, known.inode)
        if same == (now.st_size, now.st_mtime_ns, now.st_ino):
            return known
    return _stamp(path, reliable=time.time_ns() - now.st_mtime_ns > UNSURE)


def _stamp(path: Path, *, reliable: bool) -> Stamp:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    now = path.stat()
    return Stamp(digest, now.st_size, now.st_mtime_ns if reliable else 0, now.st_ino)


def _files(task: Task) -> Iterator[tuple[str, Path]]:
    """Every file that a task reads, by a name that does not tell where the data set lies."""
    for kind, path in task.inputs.items():
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            yield from ((f"{kind}/{p.relative_to(path).as_posix()}", p) for p in inside)
        else:
            yield f"{kind}/{path.name}", path
    for path in task.sidecars:
        yield f"{path.parent.name}/{path.name}", path


@lru_cache
def _weights(method: str | None) -> tuple[str, ...]:
    """The content of the weights of a method; of all that the default may choose."""
    from neurofuse.fusion.methods.learned import Learned, exported, weights_path
    from neurofuse.fusion.methods.registry import MODELS, get_method

    names = list(MODELS) if method is None else [method]
    parts: list[Path] = []
    for name in names:
        if exported(name):
            parts += sorted(path for path in Path(name).iterdir() if path.is_file())
        elif isinstance(get_method(name), Learned):
            path = weights_path(name)
            parts += [path, path.with_suffix(".json")]
    return tuple(_stamp(part, reliable=False).sha256 for part in parts if part.is_file())
