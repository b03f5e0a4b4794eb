"""Apply a model to whole recordings: overlapping windows, cross-faded, with bounded memory."""

import ctypes
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from neurofuse.io.recording import streams
from neurofuse.models.inference.windows import ArtifactEstimate, EegSource, NirsSource, Source
from neurofuse.models.joint.architecture import Windows
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.threads import torch_threads
from neurofuse.models.weights import load_model

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
    with torch_threads():
        _walk(network, sources, progress)
        _give_back_memory()
        return {s: source.result() for s, source in sources.items()}


def _walk(
    network: CrossModalAutoencoder,
    sources: dict[str, Source],
    progress: Callable[[float], None] | None,
) -> None:
    """Let every source collect what the network estimates, window by window."""
    spans = list(_spans(sources.values(), network.architecture.windows))
    for number, (begin, end) in enumerate(spans):
        first, last = number == 0, number == len(spans) - 1
        pieces = {s: source.piece(begin, end) for s, source in sources.items()}
        given = {s: p for s, p in pieces.items() if p is not None}
        with torch.inference_mode():
            estimates, _ = network(given)
        for s in given:
            sources[s].collect(begin, estimates[s], not first, not last)
        for source in sources.values():
            source.settle(np.inf if last else spans[number + 1][0])
        if progress is not None:
            progress((number + 1) / len(spans))


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
