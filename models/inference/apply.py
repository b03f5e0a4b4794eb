"""Apply a model to whole recordings: overlapping windows, cross-faded, with bounded memory."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
import xarray as xr

from neurofuse.io.recording import streams
from neurofuse.models.inference.windows import OVERLAP, WINDOW, EegSource, Found, NirsSource
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.weights import load_model


def estimate_artifacts(
    recording: xr.DataTree,
    model: str | CrossModalAutoencoder = "joint",
    *,
    uncertainty: bool = False,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Found]:
    """Artifact and gate of every stream that the model treats.

    Parameters
    ----------
    recording : Recording
        Bad channels are neither used as evidence nor treated: their artifact is zero.
    model : name or model
        A packaged name, a path of weights, or a model.
    uncertainty : bool
        Also give standard deviations of the error.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    dict of Found
        By stream: "eeg", "nirs".
    """
    network = model if isinstance(model, CrossModalAutoencoder) else load_model(model)
    treated = [s for s in network.architecture.streams if s in streams(recording)]
    kinds = {"eeg": EegSource, "nirs": NirsSource}
    sources = {s: kinds[s](recording, network.doubt[s] * uncertainty) for s in treated}
    sources = {s: source for s, source in sources.items() if source.used.any()}
    if not sources:
        return {}
    spans = list(_spans(sources.values()))
    for number, (begin, end) in enumerate(spans):
        first, last = number == 0, number == len(spans) - 1
        pieces = {s: source.piece(begin, end) for s, source in sources.items()}
        given = {s: p for s, p in pieces.items() if p is not None}
        with torch.inference_mode():
            found, _ = network(given)
        for s in given:
            sources[s].collect(begin, found[s], not first, not last)
        for source in sources.values():
            source.settle(np.inf if last else spans[number + 1][0])
        if progress is not None:
            progress((number + 1) / len(spans))
    return {s: source.result() for s, source in sources.items()}


def _spans(sources) -> Iterator[tuple[float, float]]:
    """Windows (begin, end) [s] that cover all streams, evenly spread."""
    begin = min(s.start for s in sources)
    end = max(s.start + s.length / s.rate for s in sources)
    count = max(1, int(np.ceil((end - begin - OVERLAP) / (WINDOW - OVERLAP))))
    starts = np.linspace(begin, max(begin, end - WINDOW), count)
    for start in starts:
        yield start, min(start + WINDOW, end)
