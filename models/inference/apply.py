"""Apply a model to whole recordings: overlapping windows, cross-faded, with bounded memory."""

import ctypes
import os
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from neurofuse.io.recording import streams
from neurofuse.models.inference.windows import (
    ArtifactEstimate,
    EegSource,
    NirsSource,
    Piece,
    Source,
)
from neurofuse.models.joint.architecture import Windows
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.sharing import agreement, partner_weight
from neurofuse.models.joint.tensors import Estimate, Latent
from neurofuse.models.threads import torch_threads
from neurofuse.models.weights import load_model

WINDOWS_AT_ONCE = min(2, os.cpu_count() or 1)  # in threads; each takes memory of its own
LARGE_WINDOW = 600_000  # samples of EEG; windows with more are taken one at a time
WINDOWS_LOOKED_AT = 12  # to see how much both modalities share; 10 minutes
LATENTS_KEPT = 4

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
        return {}
    spans = list(_spans(sources.values(), architecture.windows))
    with torch_threads():
        shared, ready = _look(network, sources, spans)
        _walk(network, sources, spans, shared, ready, uncertainty, progress)
        _give_back_memory()
        agreed = None if shared is None else float(shared)
        return {s: replace(source.result(), agreement=agreed) for s, source in sources.items()}


def _look(
    network: CrossModalAutoencoder, sources: dict[str, Source], spans: list[tuple[float, float]]
) -> tuple[Tensor | None, dict[int, dict[str, Latent]]]:
    """How much both modalities share of their movements, from windows all over the recording.

    What was made of the first of these windows comes back too, if they are all there are: in a long
    recording it would wait in memory for hours.
    """
    if len(sources) < 2:
        return None, {}
    chosen = sorted({round(k) for k in np.linspace(0, len(spans) - 1, WINDOWS_LOOKED_AT)})
    found: dict[str, list[Tensor]] = {s: [] for s in sources}
    ready: dict[int, dict[str, Latent]] = {}
    kept = LATENTS_KEPT if len(chosen) == len(spans) else 0

    def encode(given: dict[str, Piece]) -> tuple[dict[str, Latent], dict[str, Tensor]]:
        if len(given) < 2:
            return {}, {}
        with torch.inference_mode():  # holds in one thread only
            latents = network.encode({s: p.stream for s, p in given.items()})
            return latents, network.movement(latents)

    # read in this thread: readers are not made for two
    pieces = [_given(sources, *spans[number]) for number in chosen]
    with ThreadPoolExecutor(_windows_at_once(sources, spans)) as pool:
        for number, (latents, movements) in zip(chosen, pool.map(encode, pieces), strict=True):
            for s, movement in movements.items():
                found[s].append(movement)
            if latents and len(ready) < kept:
                ready[number] = latents
    if not all(found.values()):
        return None, {}
    a = network.architecture
    eeg, nirs = (torch.cat(parts, -1) for parts in found.values())
    return agreement(eeg, nirs, a.latent_rate, a.sharing), ready


def _given(sources: dict[str, Source], begin: float, end: float) -> dict[str, Piece]:
    """What there is of each modality in a window."""
    pieces = {s: source.piece(begin, end) for s, source in sources.items()}
    return {s: p for s, p in pieces.items() if p is not None}


def _walk(
    network: CrossModalAutoencoder,
    sources: dict[str, Source],
    spans: list[tuple[float, float]],
    shared: Tensor | None,
    ready: dict[int, dict[str, Latent]],
    uncertainty: bool,
    progress: Callable[[float], None] | None,
) -> None:
    """Let every source collect what the network estimates, window by window."""
    sharing = network.architecture.sharing
    weight = None if shared is None else partner_weight(shared, sharing)

    def estimate(number: int, given: dict[str, Piece]) -> dict[str, Estimate]:
        with torch.inference_mode():  # holds in one thread only
            return network(
                {s: p.stream for s, p in given.items()},
                weight=weight,
                latents=ready.pop(number, None),
                uncertainty=uncertainty,
            )[0]

    def collect(number: int, given: dict[str, Piece], made: Future[dict[str, Estimate]]) -> None:
        first, last = number == 0, number == len(spans) - 1
        estimates = made.result()
        for s, piece in given.items():
            sources[s].collect(spans[number][0], piece, estimates[s], not first, not last)
        for source in sources.values():
            source.settle(np.inf if last else spans[number + 1][0])
        if progress is not None:
            progress((number + 1) / len(spans))

    waiting: deque[tuple[int, dict[str, Piece], Future[dict[str, Estimate]]]] = deque()
    at_once = _windows_at_once(sources, spans)
    with ThreadPoolExecutor(at_once) as pool:
        for number, span in enumerate(spans):
            given = _given(sources, *span)
            waiting.append((number, given, pool.submit(estimate, number, given)))
            if len(waiting) == at_once:
                collect(*waiting.popleft())
        while waiting:
            collect(*waiting.popleft())


def _windows_at_once(sources: dict[str, Source], spans: list[tuple[float, float]]) -> int:
    eeg = sources.get("eeg")
    seconds = max(end - begin for begin, end in spans)
    large = eeg is not None and eeg.used.sum() * eeg.rate * seconds > LARGE_WINDOW
    return 1 if large else WINDOWS_AT_ONCE


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
