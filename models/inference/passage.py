"""A recording on its way through a model: in overlapping windows, with bounded memory.

Everything here is arrays; what a window is computed with, torch or not, is an `Engine`.
"""

import ctypes
import os
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import xarray as xr

from neurofuse.io.recording import streams
from neurofuse.models.inference.head_activity import head_activity
from neurofuse.models.inference.windows import (
    ArtifactEstimate,
    EegSource,
    Found,
    NirsSource,
    Piece,
    Source,
)
from neurofuse.models.joint.architecture import Architecture, Windows

WINDOWS_AT_ONCE = min(2, os.cpu_count() or 1)  # in threads; each takes memory of its own
LARGE_WINDOW = 600_000  # samples of EEG; windows with more are taken one at a time
WINDOWS_LOOKED_AT = 13  # to see how much both modalities share; 10 minutes

SOURCES: dict[str, type[EegSource] | type[NirsSource]] = {"eeg": EegSource, "nirs": NirsSource}


@dataclass(frozen=True)
class Head:
    """How surely the head moves, 0 to 1 (frame,), if a recording has an IMU."""

    values: np.ndarray | None
    start: float  # s
    rate: float  # Hz

    def window(self, begin: float, end: float) -> np.ndarray | None:
        """From `begin` to `end` [s]: (frame,)."""
        if self.values is None:
            return None
        first, last = (round((at - self.start) * self.rate) for at in (begin, end))
        return self.values[first:last].astype(np.float32)


@dataclass(frozen=True)
class Shared:
    """Correlation of movements with what witnesses saw; None and an empty dict: there are none."""

    partner: float | None  # of both modalities
    head: dict[str, float]  # of each modality with the head's IMU


class Engine(Protocol):
    """What computes windows; several may be computed at once, each in a thread of its own."""

    architecture: Architecture

    def look(self, given: dict[str, Piece]) -> tuple[dict[str, np.ndarray], Any]:
        """Probability (frame,) that each modality moves, and what need not be computed again."""
        ...

    def agreement(self, first: np.ndarray, second: np.ndarray) -> float:
        """Correlation of two such probabilities (frame,)."""
        ...

    def estimate(
        self,
        given: dict[str, Piece],
        head: np.ndarray | None,
        shared: Shared,
        seen: Any,
        uncertainty: bool,
    ) -> dict[str, Found]:
        """What is found in one window; `seen` is from `look`, or None."""
        ...


@dataclass(frozen=True)
class Passage:
    """What of a recording is read, in which windows, and its IMU."""

    sources: dict[str, Source]
    spans: list[tuple[float, float]]  # begin, end [s]
    head: Head

    def given(self, number: int) -> dict[str, Piece]:
        """What there is of each modality in window number so and so."""
        pieces = {s: source.piece(*self.spans[number]) for s, source in self.sources.items()}
        return {s: p for s, p in pieces.items() if p is not None}

    def head_in(self, number: int) -> np.ndarray | None:
        """How surely the head moves (frame,) in a window."""
        return self.head.window(*self.spans[number])

    @property
    def at_once(self) -> int:
        """How many windows are computed at once."""
        return 1 if self.large else WINDOWS_AT_ONCE

    @property
    def large(self) -> bool:
        """Whether a window is so large that memory should hold but one."""
        eeg = self.sources.get("eeg")
        seconds = max(end - begin for begin, end in self.spans)
        return eeg is not None and bool(eeg.used.sum() * eeg.rate * seconds > LARGE_WINDOW)


def passage_of(
    recording: xr.DataTree, architecture: Architecture, calibration: dict[str, float] | None = None
) -> Passage | None:
    """How a recording passes through a model; None where no channel is usable.

    `calibration` holds factors on standard deviations, if these are wanted.
    """
    sources: dict[str, Source] = {}
    for stream in architecture.streams:
        if stream in streams(recording):
            factor = None if calibration is None else calibration[stream]
            source = SOURCES[stream](recording, architecture, factor)
            if source.used.any():
                sources[stream] = source
    if not sources:
        return None
    spans = list(_spans(sources.values(), architecture.windows))
    begin, rate = spans[0][0], architecture.latent_rate
    frames = int(np.ceil((spans[-1][1] - begin) * rate))
    return Passage(sources, spans, Head(head_activity(recording, begin, frames, rate), begin, rate))


def passed(
    engine: Engine,
    passage: Passage,
    *,
    uncertainty: bool = False,
    progress: Callable[[float], None] | None = None,
) -> dict[str, ArtifactEstimate]:
    """Estimates of every modality, once all windows have passed through an engine."""
    shared, ready = look(engine, passage)
    _walk(engine, passage, shared, ready, uncertainty, progress)
    give_back_memory()
    return {
        s: replace(source.result(), agreement=shared.partner, head_agreement=shared.head.get(s))
        for s, source in passage.sources.items()
    }


@dataclass(frozen=True)
class Ready:
    """A window that was looked at: what there is of each modality, and what was made of it."""

    pieces: dict[str, Piece]
    seen: Any


def look(engine: Engine, passage: Passage) -> tuple[Shared, dict[int, Ready]]:
    """How much the witnesses share of movements, from windows all over the recording.

    What was made of these windows comes back too, if they are all there are: in a long recording it
    would wait in memory for hours.
    """
    if len(passage.sources) < 2 and passage.head.values is None:
        return Shared(None, {}), {}
    count = len(passage.spans)
    chosen = sorted({round(k) for k in np.linspace(0, count - 1, WINDOWS_LOOKED_AT)})
    ready: dict[int, Ready] = {}
    keep = len(chosen) == count and not passage.large  # 20 MB each at most

    def looked(given: dict[str, Piece]) -> tuple[dict[str, np.ndarray], Any]:
        return engine.look(given) if given else ({}, None)

    # read in this thread: readers are not made for two
    pieces = [passage.given(number) for number in chosen]
    both: list[tuple[np.ndarray, ...]] = []
    with_head: dict[str, list[tuple[np.ndarray, ...]]] = {s: [] for s in passage.sources}
    with ThreadPoolExecutor(passage.at_once) as pool:
        found = zip(chosen, pieces, pool.map(looked, pieces), strict=True)
        for number, given, (movement, seen) in found:
            if len(movement) > 1:
                both.append(tuple(movement.values()))
            head = passage.head_in(number)
            for s, own in movement.items():
                if head is not None:
                    frames = min(len(own), len(head))
                    with_head[s].append((own[:frames], head[:frames]))
            if given and keep:
                ready[number] = Ready(given, seen)

    def correlation(pairs: list[tuple[np.ndarray, ...]]) -> float:
        first, second = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        return engine.agreement(first, second)

    heads = {s: correlation(pairs) for s, pairs in with_head.items() if pairs}
    return Shared(correlation(both) if both else None, heads), ready


def _walk(
    engine: Engine,
    passage: Passage,
    shared: Shared,
    ready: dict[int, Ready],
    uncertainty: bool,
    progress: Callable[[float], None] | None,
) -> None:
    """Let every source collect what the engine estimates, window by window."""
    spans, sources = passage.spans, passage.sources

    def estimate(number: int, given: dict[str, Piece], seen: Any) -> dict[str, Found]:
        if not given:  # after the end of one modality and before the start of the other
            return {}
        return engine.estimate(given, passage.head_in(number), shared, seen, uncertainty)

    def collect(number: int, given: dict[str, Piece], made: Future[dict[str, Found]]) -> None:
        first, last = number == 0, number == len(spans) - 1
        begin, found = spans[number][0], made.result()
        for s, piece in given.items():
            sources[s].collect(begin, piece, found[s], not first, not last)
        for source in sources.values():
            source.settle(np.inf if last else spans[number + 1][0])
        if progress is not None:
            progress((number + 1) / len(spans))

    waiting: deque[tuple[int, dict[str, Piece], Future[dict[str, Found]]]] = deque()
    with ThreadPoolExecutor(passage.at_once) as pool:
        for number in range(len(spans)):
            looked = ready.pop(number, None)
            given = looked.pieces if looked else passage.given(number)
            seen = looked.seen if looked else None
            waiting.append((number, given, pool.submit(estimate, number, given, seen)))
            if len(waiting) == passage.at_once:
                collect(*waiting.popleft())
        while waiting:
            collect(*waiting.popleft())


def give_back_memory() -> None:
    """Return to the system what a model has freed; glibc would keep some hundred megabytes."""
    with suppress(OSError, AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _spans(sources: Collection[Source], windows: Windows) -> Iterator[tuple[float, float]]:
    """Windows (begin, end) [s] that cover all modalities, evenly spread."""
    begin = min(s.start for s in sources)
    end = max(s.start + s.length / s.rate for s in sources)
    hop = windows.length - windows.overlap
    count = max(1, int(np.ceil((end - begin - windows.overlap) / hop)))
    starts = np.linspace(begin, max(begin, end - windows.length), count)
    for start in starts:
        yield start, min(start + windows.length, end)
