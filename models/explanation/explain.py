"""Explain movements of a recording, each from the window of the model in which it lies best."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from neurofuse.models.explanation.attribution import attribute
from neurofuse.models.explanation.evidence import Seen, seen_of
from neurofuse.models.explanation.filter_shares import shares_of_channels, weights_of
from neurofuse.models.inference.apply import Passage, look, passage_of
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
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
    weights : array (channel used, corrected channel) or None
        Of EEG: shares of used channels in the correction of each.
    """

    bands: dict[str, np.ndarray]
    frames: dict[str, np.ndarray]
    start: float
    from_imu: float
    incomplete: float
    weights: np.ndarray | None


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
            view = _Window(network, passage, window, seen)
            if any(places[n].modality == "eeg" for n in numbers):
                view.filter = _filter(network, streams, trust)
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


def _filter(network: CrossModalAutoencoder, streams: dict, trust: object) -> SpatialWeights | None:
    if "eeg" not in streams:
        return None
    with torch.inference_mode():
        latents = network.encode(streams)
        made, _ = network(streams, trust=trust, latents=latents, wiener=False, uncertainty=False)
        return weights_of(network, streams["eeg"], latents["eeg"], made["eeg"])


class _Window:
    """One window of a recording, whose movements are explained."""

    def __init__(
        self, network: CrossModalAutoencoder, passage: Passage, number: int, seen: Seen
    ) -> None:
        self.network = network
        self.passage = passage
        self.seen = seen
        self.begin: float = passage.spans[number][0]
        self.filter: SpatialWeights | None = None

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
        weights = None
        if name == "eeg" and self.filter is not None:
            rate = self.passage.sources[name].rate
            first, last = ((at - self.begin) * rate for at in (place.onset, place.end))
            weights = shares_of_channels(self.network, self.filter, first, last).numpy()
        bands, course, of_head, incomplete = {}, {}, np.nan, np.nan
        if attributed:
            found = attribute(self.network, name, self.seen, channels, frames)
            bands = {s: _by_band(s, one) for s, one in found.features.items()}
            course = {s: one.sum(1).numpy() for s, one in found.features.items()}
            of_head, incomplete = found.head, found.incomplete
        return Explained(
            bands,
            course,
            self.begin,
            of_head,
            incomplete,
            weights,
        )


def _by_band(name: str, found: torch.Tensor) -> np.ndarray:
    """(channel, band) of (channel, feature, frame)."""
    over_time = found.sum(-1).numpy()
    count = over_time.shape[1] - (name == "nirs")
    bands = over_time[:, :count].reshape(len(over_time), 3, -1).sum(1)
    return np.concatenate([bands, over_time[:, count:]], axis=1)
