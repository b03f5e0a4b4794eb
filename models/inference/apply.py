"""Apply a model to whole recordings: overlapping windows, cross-faded, with bounded memory."""

import ctypes
import os
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from neurofuse.io.recording import streams
from neurofuse.models.inference.evidence import evidence_of
from neurofuse.models.inference.head_activity import head_activity
from neurofuse.models.inference.windows import (
    ArtifactEstimate,
    EegSource,
    NirsSource,
    Piece,
    Source,
)
from neurofuse.models.joint.architecture import Windows
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.sharing import agreement
from neurofuse.models.joint.tensors import Estimate, Latent, Stream
from neurofuse.models.joint.witnesses import Agreement
from neurofuse.models.threads import torch_threads
from neurofuse.models.weights import load_model

WINDOWS_AT_ONCE = min(2, os.cpu_count() or 1)  # in threads; each takes memory of its own
LARGE_WINDOW = 600_000  # samples of EEG; windows with more are taken one at a time
WINDOWS_LOOKED_AT = 13  # to see how much both modalities share; 10 minutes

Made = tuple[dict[str, Estimate], dict[str, Tensor]]  # estimates, and whose evidence they rest on
SOURCES: dict[str, type[EegSource] | type[NirsSource]] = {"eeg": EegSource, "nirs": NirsSource}


def estimate_artifacts(
    recording: xr.DataTree,
    model: str | Path | CrossModalAutoencoder = "joint",
    *,
    uncertainty: bool = False,
    progress: Callable[[float], None] | None = None,
) -> dict[str, ArtifactEstimate]:
    """Artifact and motion mask of every modality that the model treats.

    Parameters
    ----------
    recording : Recording
        Bad channels are neither used as evidence nor treated: their artifact is zero.
    model : name, path or model
        A packaged name ("joint", "eeg", "nirs"), the path of weights, or a model.
    uncertainty : bool
        Also estimate standard deviations of the error.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    dict of ArtifactEstimate
        By modality, "eeg" and "nirs"; those without a usable channel are left out.

    Raises
    ------
    ParameterError, ReadError
        As `load_model`.
    """
    network = model if isinstance(model, CrossModalAutoencoder) else load_model(model)
    passage = passage_of(recording, network, uncertainty=uncertainty)
    if passage is None:
        return {}
    sources, spans, head = passage.sources, passage.spans, passage.head
    with torch_threads():
        shared, ready = look(network, passage)
        _walk(network, sources, spans, head, shared, ready, uncertainty, progress)
        _give_back_memory()
        partner = None if shared.partner is None else float(shared.partner)
        head_too = {s: float(found) for s, found in shared.head.items()}
        return {
            s: replace(source.result(), agreement=partner, head_agreement=head_too.get(s))
            for s, source in sources.items()
        }


@dataclass(frozen=True)
class Head:
    """How surely the head moves, 0 to 1 (frame,), if a recording has an IMU."""

    values: np.ndarray | None
    start: float  # s
    rate: float  # Hz

    def window(self, begin: float, end: float) -> Tensor | None:
        """From `begin` to `end` [s]: (1, frame)."""
        if self.values is None:
            return None
        first, last = (round((at - self.start) * self.rate) for at in (begin, end))
        return torch.from_numpy(self.values[first:last].astype(np.float32))[None]


@dataclass(frozen=True)
class Passage:
    """A recording on its way through a network: what is read, in which windows, and the IMU."""

    sources: dict[str, Source]
    spans: list[tuple[float, float]]  # begin, end [s]
    head: Head

    def streams(self, number: int) -> dict[str, Stream]:
        """Window number so and so as tensors."""
        span = self.spans[number]
        return _tensors(_given(self.sources, *span), self.head.window(*span))


def passage_of(
    recording: xr.DataTree, network: CrossModalAutoencoder, *, uncertainty: bool = False
) -> Passage | None:
    """How a recording passes through a network; None where no channel is usable."""
    architecture = network.architecture
    calibration = dict(zip(architecture.streams, network.calibration.tolist(), strict=True))
    sources: dict[str, Source] = {}
    for stream in architecture.streams:
        if stream in streams(recording):
            factor = calibration[stream] if uncertainty else None
            source = SOURCES[stream](recording, architecture, factor)
            if source.used.any():
                sources[stream] = source
    if not sources:
        return None
    spans = list(_spans(sources.values(), architecture.windows))
    begin, rate = spans[0][0], architecture.latent_rate
    frames = int(np.ceil((spans[-1][1] - begin) * rate))
    return Passage(sources, spans, Head(head_activity(recording, begin, frames, rate), begin, rate))


@dataclass(frozen=True)
class Ready:
    """A window that was looked at: what there is of each modality, and its latents."""

    pieces: dict[str, Piece]
    latents: dict[str, Latent]


def look(network: CrossModalAutoencoder, passage: Passage) -> tuple[Agreement, dict[int, Ready]]:
    """How much the witnesses share of movements, from windows all over the recording.

    What was made of these windows comes back too, if they are all there are: in a long recording it
    would wait in memory for hours.
    """
    sources, spans, head = passage.sources, passage.spans, passage.head
    if len(sources) < 2 and head.values is None:
        return Agreement(None, {}), {}
    chosen = sorted({round(k) for k in np.linspace(0, len(spans) - 1, WINDOWS_LOOKED_AT)})
    ready: dict[int, Ready] = {}
    keep = len(chosen) == len(spans) and not _large(sources, spans)  # 20 MB each at most

    def encode(given: dict[str, Stream]) -> tuple[dict[str, Latent], dict[str, Tensor]]:
        if not given:
            return {}, {}
        with torch.inference_mode():  # holds in one thread only
            latents = network.encode(given)
            return latents, network.movement(latents)

    # read in this thread: readers are not made for two
    pieces = [_given(sources, *spans[n]) for n in chosen]
    windows = [
        _tensors(given, head.window(*spans[n])) for n, given in zip(chosen, pieces, strict=True)
    ]
    both: list[tuple[Tensor, Tensor]] = []
    with_head: dict[str, list[tuple[Tensor, Tensor]]] = {s: [] for s in sources}
    with ThreadPoolExecutor(_windows_at_once(sources, spans)) as pool:
        found = zip(chosen, pieces, windows, pool.map(encode, windows), strict=True)
        for number, read, given, (latents, movement) in found:
            if len(movement) > 1:
                both.append(tuple(movement.values()))  # type: ignore[arg-type]
            for s, own in movement.items():
                seen = given[s].head
                if seen is not None:
                    frames = min(own.shape[-1], seen.shape[-1])
                    with_head[s].append((own[:, :frames], seen[:, :frames]))
            if latents and keep:
                ready[number] = Ready(read, latents)

    def correlation(pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
        first, second = (torch.cat(parts, -1) for parts in zip(*pairs, strict=True))
        a = network.architecture
        return agreement(first, second, a.latent_rate, a.sharing)

    heads = {s: correlation(pairs) for s, pairs in with_head.items() if pairs}
    return Agreement(correlation(both) if both else None, heads), ready


def _tensors(given: dict[str, Piece], head: Tensor | None) -> dict[str, Stream]:
    return {s: replace(piece.stream, head=head) for s, piece in given.items()}


def _given(sources: dict[str, Source], begin: float, end: float) -> dict[str, Piece]:
    """What there is of each modality in a window."""
    pieces = {s: source.piece(begin, end) for s, source in sources.items()}
    return {s: p for s, p in pieces.items() if p is not None}


def _walk(
    network: CrossModalAutoencoder,
    sources: dict[str, Source],
    spans: list[tuple[float, float]],
    head: Head,
    shared: Agreement,
    ready: dict[int, Ready],
    uncertainty: bool,
    progress: Callable[[float], None] | None,
) -> None:
    """Let every source collect what the network estimates, window by window."""
    trust = shared.trust(network.architecture.sharing)

    def estimate(number: int, given: dict[str, Piece], seen: Ready | None) -> Made:
        if not given:  # after the end of one modality and before the start of the other
            return {}, {}
        with torch.inference_mode():  # holds in one thread only
            window = _tensors(given, head.window(*spans[number]))
            latents = seen.latents if seen else network.encode(window)
            made, _ = network(window, trust=trust, latents=latents, uncertainty=uncertainty)
            return made, evidence_of(network, window, latents, made, trust)

    def collect(number: int, given: dict[str, Piece], made: Future[Made]) -> None:
        first, last = number == 0, number == len(spans) - 1
        begin, (estimates, told) = spans[number][0], made.result()
        for s, piece in given.items():
            sources[s].collect(begin, piece, estimates[s], told[s], not first, not last)
        for source in sources.values():
            source.settle(np.inf if last else spans[number + 1][0])
        if progress is not None:
            progress((number + 1) / len(spans))

    waiting: deque[tuple[int, dict[str, Piece], Future[Made]]] = deque()
    at_once = _windows_at_once(sources, spans)
    with ThreadPoolExecutor(at_once) as pool:
        for number, span in enumerate(spans):
            seen = ready.pop(number, None)
            given = seen.pieces if seen else _given(sources, *span)
            waiting.append((number, given, pool.submit(estimate, number, given, seen)))
            if len(waiting) == at_once:
                collect(*waiting.popleft())
        while waiting:
            collect(*waiting.popleft())


def _windows_at_once(sources: dict[str, Source], spans: list[tuple[float, float]]) -> int:
    return 1 if _large(sources, spans) else WINDOWS_AT_ONCE


def _large(sources: dict[str, Source], spans: list[tuple[float, float]]) -> bool:
    eeg = sources.get("eeg")
    seconds = max(end - begin for begin, end in spans)
    return eeg is not None and bool(eeg.used.sum() * eeg.rate * seconds > LARGE_WINDOW)


def _give_back_memory() -> None:
    """Return to the system what the network has freed; glibc would keep some hundred megabytes."""
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
