"""How fast training windows are drawn from memory and from a store, and what memory that takes."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import zarr

from neurofuse.models.training.corpus import Clean, Optodes
from neurofuse.models.training.corpus_build import digest_of, write_signal
from neurofuse.models.training.corpus_store import ATTRIBUTE, INDEX, LAYOUT, facts_of, open_corpus
from neurofuse.models.training.windows import WindowSampling, sample_batch

STREAMS = ("eeg", "nirs")
SECONDS = 75.0  # of a tiny participant
RATES = {"eeg": 128.0, "nirs": 5.0}  # Hz
CHANNELS = 8


@dataclass
class Spent:
    """Seconds of every batch."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Add what the block takes."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)


def rates(store: Path, batches: int) -> dict[str, Spent]:
    """Batches of the same windows from memory, from a store in the page cache, and from disk."""
    stored = {s: open_corpus(store, "train", s) for s in STREAMS}
    memory = {s: [one.whole() for one in found] for s, found in stored.items()}
    for found in memory.values():
        for one in found:
            _ = one.at_rest
    ways: dict[str, tuple[dict, Callable[[], None]]] = {
        "memory": (memory, lambda: None),
        "store, read before": (stored, lambda: None),
        "store, from disk": (stored, lambda: forget(store)),
    }
    spent = {name: Spent() for name in ways}
    for step in range(-5, batches):  # the first few are not counted
        turned = list(ways.items())
        turned = turned[step % 3 :] + turned[: step % 3]
        for name, (corpus, prepare) in turned:
            prepare()
            with spent[name].counting():
                sample_batch(corpus, WindowSampling(), np.random.default_rng([0, max(step, 0)]))
    return {n: Spent(s.wall[5:], s.cpu[5:]) for n, s in spent.items()}


def forget(store: Path) -> None:
    """Make the system read the files of a store from the disk again."""
    facts_of.cache_clear()
    for path in store.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def tiny_people(store: Path, count: int) -> None:
    """A store of so many simulated participants with a minute and a quarter each."""
    zarr.create_group(store, attributes={ATTRIBUTE: {"layout": LAYOUT, "sources": ""}})
    index = []
    for s in STREAMS:
        clean, first = tiny("tiny", s, np.random.default_rng(0)), store / "train" / s / "0.zarr"
        write_signal(clean, first)
        facts = {"part": "train", "stream": s, "rate": clean.rate, "shape": clean.shape}
        facts["sha256"] = digest_of(first)
        for number in range(count):  # all have the same samples, each in files of its own
            folder = first.with_name(f"{number}.zarr")
            if number:
                shutil.copytree(first, folder)
            place = folder.relative_to(store).as_posix()
            index.append(facts | {"name": f"tiny-{number}", "folder": place})
    (store / INDEX).write_text(json.dumps(index))


def tiny(name: str, stream: str, rng: np.random.Generator) -> Clean:
    """Noise of a few channels."""
    middle = () if stream == "eeg" else (2,)
    shape = (CHANNELS, *middle, round(SECONDS * RATES[stream]))
    size = 1e-5 if stream == "eeg" else 1e-2
    place = rng.normal(size=(CHANNELS, 3))
    place *= 0.09 / np.linalg.norm(place, axis=1, keepdims=True)
    names = np.array([f"C{k}" for k in range(CHANNELS)])
    light = np.array([760.0, 850.0])
    ends = Optodes(names, names, place, place + 0.01, light) if middle else None
    calm = np.ones((CHANNELS, shape[-1]), bool)
    return Clean(name, size * rng.normal(size=shape), RATES[stream], place, names, calm, ends)


def many(store: Path, batches: int) -> dict[str, float]:
    """Seconds to open a store of many people and to draw a batch, and how memory grows [MB]."""
    held = psutil.Process().memory_info
    sample_batch({s: [tiny("x", s, np.random.default_rng(0))] for s in STREAMS}, WindowSampling(),
                 np.random.default_rng(0))  # fmt: skip
    before, start = held().rss, time.perf_counter()
    corpus = {s: open_corpus(store, "train", s) for s in STREAMS}
    opened = time.perf_counter() - start
    spent, grown = Spent(), [(held().rss - before) / 1e6]
    for step in range(batches):
        with spent.counting():
            sample_batch(corpus, WindowSampling(), np.random.default_rng([1, step]))
        if step + 1 in (batches // 2, batches):
            grown.append((held().rss - before) / 1e6)
    bytes_each = sum(np.prod(one.shape) * 8 for found in corpus.values() for one in found)
    return {
        "samples [MB]": float(bytes_each) / 1e6,
        "opening [s]": opened,
        "batch [s]": float(np.median(spent.wall)),
        "opened [MB]": grown[0],
        "half [MB]": grown[1],
        "end [MB]": grown[2],
    }
