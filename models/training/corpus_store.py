"""A corpus on disk: clean signals in a zarr 3 store, from which windows are drawn one by one.

A store holds one group for every recording, PART/MODALITY/….zarr: `signal` in chunks of one channel
and 30 s, of which a file (shard) holds 10 min of all channels, and `calm`, the calm stretches. Each
chunk has a checksum (CRC-32C) and each recording a SHA-256 in `index.json`, which is written when
the store is whole.
Participants appear under the labels of the split alone.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from neurofuse.io.errors import NeurofuseError, ReadError
from neurofuse.models.training.corpus import Clean, Optodes
from neurofuse.models.training.shards import ShardedRows, one_chunk

LAYOUT = 1  # raised when stores change, so that others are refused
ATTRIBUTE = "neurofuse_corpus"  # of the root group and of every recording
INDEX = "index.json"
KEPT = 1024  # recordings whose channels, calm stretches and places of chunks stay in memory
WANTED = "a whole store made by `neurofuse corpus build`"
AGAIN = "make it whole with `neurofuse corpus build --resume`"


@dataclass(frozen=True)
class Facts:
    """What is known of a recording besides its samples."""

    signal: ShardedRows  # like `Clean.signal`
    position: np.ndarray
    channel: np.ndarray
    optodes: Optodes | None
    at_rest: np.ndarray
    calm: np.ndarray  # (stretch, 3): channel, first sample, last sample + 1


@dataclass(frozen=True)
class StoredSignal:
    """The clean signal of one modality of a participant, in a store; see `CleanSignal`.

    Only what a window needs is read, and nothing is read before.
    """

    store: Path
    folder: str  # of the recording in the store
    name: str
    shape: tuple[int, ...]
    rate: float  # Hz

    @property
    def position(self) -> np.ndarray:
        """Positions (channel, 3) [m]."""
        return self._facts.position

    @property
    def channel(self) -> np.ndarray:
        """Names (channel,)."""
        return self._facts.channel

    @property
    def optodes(self) -> Optodes | None:
        """The ends of fNIRS channels."""
        return self._facts.optodes

    @property
    def at_rest(self) -> np.ndarray:
        """Variance (channel[, wavelength]) within some seconds at rest."""
        return self._facts.at_rest

    def samples(self, pick: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Those of some channels (channel[, wavelength], time) from one sample to another."""
        signal = self._facts.signal
        with self._reading():
            return signal.read(pick, start, stop)

    def calm_share(self, start: int, stop: int) -> np.ndarray:
        """For each channel which part of this time is calm, from 0 to 1."""
        channel, first, last = self._facts.calm.T
        inside = np.minimum(last, stop) - np.maximum(first, start)
        count = np.bincount(channel, np.maximum(inside, 0), self.shape[0])
        return count / (stop - start)

    def whole(self) -> Clean:
        """All of it in memory."""
        facts, length = self._facts, self.shape[-1]
        calm = np.zeros((self.shape[0], length), bool)
        for channel, first, last in facts.calm:
            calm[channel, first:last] = True
        signal = self.samples(np.arange(self.shape[0]), 0, length)
        return Clean(
            self.name, signal, self.rate, facts.position, facts.channel, calm, facts.optodes
        )

    @property
    def _facts(self) -> Facts:
        with self._reading():
            return facts_of(self.store / self.folder)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except NeurofuseError:
            raise
        except Exception as error:  # of zarr, its codecs and the file system
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ReadError(
                f"a damaged recording of {self.name} in {self.store} ({self.folder}: {reason})",
                WANTED,
                AGAIN,
            ) from error


@lru_cache(KEPT)
def facts_of(folder: Path) -> Facts:
    """What is known of the recording in a folder of a store."""
    attributes = json.loads((folder / "zarr.json").read_text("utf-8"))["attributes"]
    facts = attributes[ATTRIBUTE]
    ends = facts["optodes"]
    return Facts(
        ShardedRows(folder / "signal"),
        _floats(facts["position"]),
        np.array(facts["channel"]),
        None if ends is None else optodes_of(ends),
        _floats(facts["at_rest"]),
        one_chunk(folder / "calm"),
    )


def optodes_of(ends: dict[str, Any]) -> Optodes:
    """Optodes of their attributes in a store."""
    names = (np.array(ends[n]) for n in ("source", "detector"))
    places = (_floats(ends[n]) for n in ("source_position", "detector_position", "wavelength"))
    return Optodes(*names, *places)


def open_corpus(store: str | Path, part: str, stream: str) -> list[StoredSignal]:
    """The clean signals of a store in the order of `load_corpus`; samples stay on disk.

    Parameters
    ----------
    store : path
        Folder that `build_corpus` made.
    part : {"train", "validation"}
        Of the split by participants.
    stream : {"eeg", "nirs"}
        The modality.

    Raises
    ------
    ReadError
        If it is no store, is unfinished, of another layout, or lacks recordings.
    """
    store = Path(store)
    check_layout(store)
    try:
        index = json.loads((store / INDEX).read_text("utf-8"))
        found = [
            StoredSignal(store, e["folder"], e["name"], tuple(e["shape"]), float(e["rate"]))
            for e in index
            if e["part"] == part and e["stream"] == stream
        ]
    except FileNotFoundError as error:
        raise ReadError(f"{store}, which was begun and not finished", WANTED, AGAIN) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadError(f"{store} with a damaged {INDEX} ({error})", WANTED, AGAIN) from error
    missing = sorted({one.name for one in found if not (store / one.folder).is_dir()})
    if missing:
        raise ReadError(f"{store} without recordings of {', '.join(missing)}", WANTED, AGAIN)
    return found


def check_layout(store: Path) -> dict[str, Any]:
    """The attributes of a store; ReadError if it is none, or one of another layout."""
    try:
        root = json.loads((store / "zarr.json").read_text("utf-8"))
        attributes = root["attributes"][ATTRIBUTE]
        layout = attributes["layout"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        there = "is no corpus store" if store.exists() else "does not exist"
        raise ReadError(f"{store}, which {there}", WANTED, "check the path") from error
    if layout != LAYOUT:
        raise ReadError(
            f"{store} of layout {layout}",
            f"a store of layout {LAYOUT}",
            "build it anew with `neurofuse corpus build`",
        )
    return attributes


def _floats(values: Any) -> np.ndarray:
    """An array of nested lists; NaN is null in JSON."""
    return np.array(values, float)
