"""Explain movements of a recording, each from the window of the model in which it lies best."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from neurofuse.models.explanation.attribution import attribute
from neurofuse.models.explanation.evidence import Seen, seen_of
from neurofuse.models.explanation.filter_shares import (
    cleaned_once,
    shares_of_channels,
    shares_of_others,
    weights_of,
)
from neurofuse.models.inference.apply import Passage, look, passage_of
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.tensors import Estimate, Stream
from neurofuse.models.joint.wiener import SpatialWeights
from neurofuse.models.threads import torch_threads
from neurofuse.models.weights import load_model


@dataclass(frozen=True)
class Place:
    """Where a movement is: modality, onset and end [s], and numbers of its channels."""

    modality: str
    onset: float
    end: float
    channels: tuple[int, ...]


@dataclass(frozen=True)
class Explained:
    """Why one movement was taken for one.

    Attributes
    ----------
    modality : {"eeg", "nirs"}
        In which it is.
    bands : dict of array (channel, band)
        By modality: integrated gradients of the evidence [log odds], used channels only; empty
        unless asked for. The last column of fNIRS is the agreement of wavelengths.
    frames : dict of array (channel, frame)
        The same over time, and `start`, the time of the first frame [s].
    start : float
    from_imu : float
        The same of the IMU.
    incomplete : float
        By which part of their sum the attributions miss the evidence they explain.
    weights : array (channel used, corrected channel)
        Of EEG: shares of used channels in the correction of each. Of fNIRS: their shares in what is
        said of each from the others.
    """

    modality: str
    bands: dict[str, np.ndarray]
    frames: dict[str, np.ndarray]
    start: float
    from_imu: float
    incomplete: float
    weights: np.ndarray


def explain(
    recording: xr.DataTree,
    places: Sequence[Place],
    model: str | Path | CrossModalAutoencoder = "joint",
    *,
    attributed: Collection[int] = (),
    progress: Callable[[float], None] | None = None,
) -> list[Explained | None]:
    """Explain movements.

    Parameters
    ----------
    recording : Recording
        As it was cleaned, with its bad channels marked.
    places : sequence of Place
        The movements; channels are numbers among all channels of the modality.
    model : name, path or model
        That cleaned it.
    attributed : collection of int
        For which of the movements bands and channels are looked at, which takes most of the time.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    list of Explained or None
        None for a movement of channels or a modality that the model does not use.
    """
    network = model if isinstance(model, CrossModalAutoencoder) else load_model(model)
    passage = passage_of(recording, network)
    found: list[Explained | None] = [None] * len(places)
    if passage is None or not places:
        return found
    network.requires_grad_(False)  # of inputs only
    with torch_threads():
        trust = look(network, passage)[0].trust(network.architecture.sharing)
        done = 0
        by_window: dict[int, list[int]] = {}
        for number, place in enumerate(places):
            by_window.setdefault(best_window(passage, place), []).append(number)
        for window, numbers in sorted(by_window.items()):
            streams = passage.streams(window)
            seen = seen_of(network, streams, trust)
            view = _Window(network, passage, window, seen, streams)
            for number in numbers:
                found[number] = view.explained(places[number], number in attributed)
                done += 1
                if progress is not None:
                    progress(done / len(places))
    return found


def best_window(passage: Passage, place: Place) -> int:
    """The window that holds most of a movement, and its middle most centrally."""
    middle = (place.onset + place.end) / 2

    def fit(number: int) -> tuple[float, float]:
        begin, end = passage.spans[number]
        held = min(end, place.end) - max(begin, place.onset)
        return round(held, 3), -abs((begin + end) / 2 - middle)

    return max(range(len(passage.spans)), key=fit)


def frames_of(place: Place, begin: float, rate: float, count: int) -> slice:
    """Frames of a movement, of the `count` at `rate` [Hz] of a window that begins at `begin` [s].

    Examples
    --------
    >>> frames_of(Place("eeg", 12.0, 13.05, (0,)), 10.0, 10.0, 600)
    slice(20, 31, None)
    """
    first = min(max(int((place.onset - begin) * rate + 1e-6), 0), count - 1)
    last = min(max(int(np.ceil((place.end - begin) * rate - 1e-6)), first + 1), count)
    return slice(first, last)


class _Window:
    """One window of a recording, whose movements are explained."""

    def __init__(
        self,
        network: CrossModalAutoencoder,
        passage: Passage,
        number: int,
        seen: Seen,
        streams: dict[str, Stream],
    ) -> None:
        self.network = network
        self.passage = passage
        self.seen = seen
        self.begin: float = passage.spans[number][0]
        self.streams = streams
        self.filter: SpatialWeights | None = None
        self.cleaned: torch.Tensor | None = None
        with torch.inference_mode():
            self.latents = network.encode(streams)
            made, _ = network(
                streams, trust=seen.trust, latents=self.latents, wiener=False, uncertainty=False
            )
            self.made: dict[str, Estimate] = made

    def explained(self, place: Place, attributed: bool) -> Explained | None:
        name = place.modality
        if name not in self.seen.features:
            return None
        used = np.flatnonzero(self.passage.sources[name].used)
        rows = np.flatnonzero(np.isin(used, place.channels))
        if not len(rows):
            return None
        channels = torch.from_numpy(rows)
        count = self.seen.features[name].shape[-1]
        frames = frames_of(place, self.begin, self.network.architecture.latent_rate, count)
        bands, course, of_head, incomplete = {}, {}, np.nan, np.nan
        if attributed:
            found = attribute(self.network, name, self.seen, channels, frames)
            bands = {s: _by_band(s, one) for s, one in found.features.items()}
            course = {s: one.sum(1).numpy() for s, one in found.features.items()}
            of_head, incomplete = found.head, found.incomplete
        return Explained(
            name,
            bands,
            course,
            self.begin,
            of_head,
            incomplete,
            self._weights(place),
        )

    @torch.inference_mode()
    def _weights(self, place: Place) -> np.ndarray:
        """Shares (channel used, corrected channel) in the correction of a movement."""
        name, model = place.modality, self.network
        stream, latent, made = self.streams[name], self.latents[name], self.made[name]
        first, last = ((at - self.begin) * stream.rate for at in (place.onset, place.end))
        if name == "nirs":
            if self.cleaned is None:
                self.cleaned = cleaned_once(model, stream, latent, made)
            found = shares_of_others(model, self.cleaned, made.gate, stream.rate, first, last)
            return found.numpy()
        self.filter = self.filter or weights_of(model, stream, latent, made)
        return shares_of_channels(model, self.filter, first, last).numpy()


def _by_band(name: str, found: torch.Tensor) -> np.ndarray:
    """(channel, band) of (channel, feature, frame)."""
    over_time = found.sum(-1).numpy()
    count = over_time.shape[1] - (name == "nirs")
    bands = over_time[:, :count].reshape(len(over_time), 3, -1).sum(1)
    return np.concatenate([bands, over_time[:, count:]], axis=1)
