"""Build and check a corpus store: recording by recording, each of them whole or not there."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.io.runs import runs
from neurofuse.io.staging import staged
from neurofuse.models.training.config import read_config, simulated_in
from neurofuse.models.training.corpus import Clean, Source, slowed, sources
from neurofuse.models.training.corpus_store import (
    AGAIN,
    ATTRIBUTE,
    INDEX,
    LAYOUT,
    WANTED,
    StoredSignal,
    check_layout,
    open_corpus,
)

CHUNK = 30.0  # s; a window of 60 s lies in two or three chunks
CHUNKS = 20  # along time in a file
ENDS = ("source", "detector", "source_position", "detector_position", "wavelength")
PARTS = ("train", "validation")  # what training reads; the test part is in no store

Entry = dict[str, Any]  # what the index says of a recording


def build_corpus(
    config: Path | str | dict[str, Any],
    store: str | Path,
    *,
    resume: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Write the recordings that a configuration trains and validates on into a store.

    Parameters
    ----------
    config : path or dict
        A `Training`, of which `simulated`, `real`, `own` and the modalities count.
    store : path
        A new folder whose name ends in .zarr.
    resume : bool
        Go on with a store that was begun with the same recordings. Recordings that are there are
        compared with their SHA-256, and damaged ones are made anew.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    Path
        `store`.

    Raises
    ------
    ParameterError
        If the store exists and is not to be resumed, or was begun with other recordings.
    ReadError, WriteError
        If a recording cannot be read, or the store cannot be written.

    Examples
    --------
    >>> plan = {"simulated": 3, "real": False}
    >>> build_corpus(plan, "corpus.zarr")  # doctest: +SKIP
    PosixPath('corpus.zarr')
    """
    plan, store = read_config(config), Path(store)
    if store.suffix != ".zarr":
        raise ParameterError(f"{store.name}", "a name that ends in .zarr", "change the suffix")
    jobs = {
        (part, stream): sources(
            part, stream, simulated_in(plan, part), plan.real, plan.own.get(part)
        )
        for part in PARTS
        for stream in plan.architecture.streams
    }
    _begin(store, jobs, resume)
    count, done = sum(len(a) + len(b) for a, b in jobs.values()), 0
    index: list[Entry] = []
    for (part, stream), (recorded, further) in jobs.items():
        found: list[Entry] = []
        for kind, chosen in (("recorded", recorded), ("slowed", None), ("further", further)):
            if chosen is None:
                chosen = slowed([_opened(store, entry) for entry in found], stream)
            for number, source in enumerate(chosen):
                entry = _made(store, part, stream, f"{kind}-{number:06d}", source)
                found += [entry] if entry["shape"] else []
                done += kind != "slowed"
                if progress is not None and count:
                    progress(done / count)
        index += found
    with staged(store, [INDEX], overwrite=True) as stage:
        (stage / INDEX).write_text(json.dumps(index, indent=0) + "\n", "utf-8")
    return store


def check_corpus(
    store: str | Path, progress: Callable[[float], None] | None = None
) -> dict[tuple[str, str], int]:
    """Compare every recording of a store with its SHA-256.

    Returns
    -------
    dict of int
        Recordings by (part, modality).

    Raises
    ------
    ReadError
        If it is no store, or names of the participants whose recordings are damaged.
    """
    store = Path(store)
    check_layout(store)
    counts: dict[tuple[str, str], int] = {}
    for part in PARTS:
        for stream in ("eeg", "nirs"):
            if found := len(open_corpus(store, part, stream)):
                counts[part, stream] = found
    index: list[Entry] = json.loads((store / INDEX).read_text("utf-8"))
    damaged = []
    for number, entry in enumerate(index, 1):
        if digest_of(store / entry["folder"]) != entry["sha256"]:
            damaged.append(f"{entry['name']} ({entry['folder']})")
        if progress is not None:
            progress(number / len(index))
    if damaged:
        raise ReadError(f"damaged recordings of {', '.join(damaged)} in {store}", WANTED, AGAIN)
    return counts


def write_signal(clean: Clean, folder: Path) -> None:
    """Write a clean signal as a zarr group: `signal`, `calm`, and the rest as attributes."""
    ends = clean.optodes
    facts = {
        "name": clean.name,
        "rate": clean.rate,
        "channel": clean.channel.tolist(),
        "position": _listed(clean.position),
        "at_rest": _listed(clean.at_rest),
        "optodes": None if ends is None else {n: _listed(getattr(ends, n)) for n in ENDS},
    }
    group = zarr.create_group(folder, attributes={ATTRIBUTE: facts})
    shape = clean.signal.shape
    step = max(1, round(CHUNK * clean.rate))
    chunks = min(CHUNKS, -(-shape[-1] // step))
    group.create_array(
        "signal",
        data=clean.signal,
        chunks=(1, *shape[1:-1], step),  # a window takes some of many channels
        shards=(*shape[:-1], step * chunks),
        compressors=[ZstdCodec(level=1), Crc32cCodec()],
        config={"write_empty_chunks": True},
    )
    stretches = [(c, a, b) for c, row in enumerate(clean.calm) for a, b in runs(row)]
    group.create_array(
        "calm",
        data=np.array(stretches, np.int64).reshape(-1, 3),
        chunks=(max(1, len(stretches)), 3),
        compressors=[ZstdCodec(level=1), Crc32cCodec()],
        config={"write_empty_chunks": True},
    )


def digest_of(folder: Path) -> str:
    """SHA-256 over the names and contents of all files of a recording."""
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        held = path.read_bytes()
        whole.update(f"{path.relative_to(folder).as_posix()} {len(held)}\n".encode())
        whole.update(held)
    return whole.hexdigest()


def _begin(
    store: Path, jobs: dict[tuple[str, str], tuple[list[Source], list[Source]]], resume: bool
) -> None:
    """Make an empty store, or make sure that the one that exists is of the same recordings."""
    listed = [
        [*key, source.name, source.state]
        for key, kinds in jobs.items()
        for kind in kinds
        for source in kind
    ]
    text = json.dumps(listed)
    attributes = {"layout": LAYOUT, "sources": hashlib.sha256(text.encode()).hexdigest()}
    if not store.exists():
        with staged(store.parent, [store.name], overwrite=False) as stage:
            root = zarr.create_group(stage / store.name, attributes={ATTRIBUTE: attributes})
            for part, stream in jobs:
                root.create_group(f"{part}/{stream}")
        return
    before = check_layout(store)
    if not resume:
        raise ParameterError(f"{store} already", "a new store", "add --resume, or name another")
    if before != attributes:
        raise ParameterError(
            f"{store}, which was begun with other recordings",
            "the configuration and the files that it was begun with",
            "pass these, or name another store",
        )


def _made(store: Path, part: str, stream: str, key: str, source: Source) -> Entry:
    """The entry of a recording, which is made unless it is there and whole."""
    home = store / part / stream
    folder, facts = home / f"{key}.zarr", home / f"{key}.json"
    try:
        entry: Entry = json.loads(facts.read_text("utf-8"))
        if not entry["shape"] or digest_of(folder) == entry["sha256"]:
            return entry
    except (OSError, ValueError, KeyError):
        pass  # not made yet, or damaged
    shutil.rmtree(folder, ignore_errors=True)
    clean = source.make()
    entry = {"part": part, "stream": stream, "name": source.name, "shape": []}
    with staged(home, [folder.name, facts.name], overwrite=True) as stage:
        if clean is not None:
            write_signal(clean, stage / folder.name)
            entry |= {
                "folder": folder.relative_to(store).as_posix(),
                "shape": list(clean.shape),
                "rate": clean.rate,
                "sha256": digest_of(stage / folder.name),
            }
        (stage / facts.name).write_text(json.dumps(entry) + "\n", "utf-8")
    return entry


def _opened(store: Path, entry: Entry) -> StoredSignal:
    return StoredSignal(
        store, entry["folder"], entry["name"], tuple(entry["shape"]), float(entry["rate"])
    )


def _listed(values: np.ndarray) -> list[Any]:
    """Nested lists without NaN, which JSON lacks."""
    if values.dtype.kind != "f":
        return values.tolist()
    listed = values.astype(object)
    listed[np.isnan(values)] = None
    return listed.tolist()
