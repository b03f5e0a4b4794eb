"""Apply a model to whole recordings: overlapping windows, cross-faded, with bounded memory.

The only place where a Recording's samples become tensors and come back as arrays.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy import ndimage

from neurofuse.io.lazy import Spool, is_lazy
from neurofuse.io.optics import to_optical_density
from neurofuse.io.recording import stream_dataset, streams
from neurofuse.models.autoencoder import CrossModalAutoencoder, Stream
from neurofuse.models.multirate import SlowSeries, fast_artifact, slow_series
from neurofuse.models.weights import load_model

WINDOW = 60.0  # s, as in training
OVERLAP = 15.0  # s shared by neighbouring windows
EDGE = 2.5  # s at a window's inner ends that are not used: they lack context
DRIFT = 30.0  # s; the running median over so long is electrode drift, left as it is


def estimate_artifacts(
    recording: xr.DataTree,
    model: str | CrossModalAutoencoder = "joint",
    *,
    progress: Callable[[float], None] | None = None,
) -> dict[str, tuple[Any, Any]]:
    """Artifact and gate of every stream that the model treats.

    Parameters
    ----------
    recording : Recording
        Bad channels are neither used as evidence nor treated: their artifact is zero.
    model : name or model
        A packaged name, a path of weights, or a model.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    dict
        "eeg": artifact (channel, time) [V] and gate (channel, time), 0..1; "nirs": artifact
        (channel, wavelength, time) [OD] and gate. EEG artifacts are exactly zero where the gate
        is; fNIRS artifacts keep their level where the gate is zero. For EEG that is still in its
        file both are dask arrays over a temporary file.
    """
    network = model if isinstance(model, CrossModalAutoencoder) else load_model(model)
    treated = [s for s in network.architecture.streams if s in streams(recording)]
    sources = {s: _EEG(recording) if s == "eeg" else _NIRS(recording) for s in treated}
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
            gate, artifact = found[s].gate[0].numpy(), found[s].artifact[0].numpy()
            sources[s].collect(begin, gate, artifact, not first, not last)
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


class _Source:
    """One stream: gives windows as tensors and cross-fades what the model says of them.

    `weight`, `gate` and `artifact` hold the samples from number `base` on.
    """

    artifact: np.ndarray

    def __init__(self, node: xr.Dataset, used: np.ndarray, rate: float, length: int, held: int):
        self.node, self.used, self.rate, self.length = node, used, rate, length
        self.start, self.base = float(node.time[0]), 0
        self.weight = np.zeros(held)
        self.gate = np.zeros((int(used.sum()), held), np.float32)

    def settle(self, until: float) -> None:
        """No window touches samples before `until` [s] any more."""

    def window(self, begin: float, end: float) -> tuple[int, int, int, int]:
        """First and last sample that exist, and how many to add before and after them."""
        first, last = round((begin - self.start) * self.rate), round((end - self.start) * self.rate)
        inside = max(first, 0), min(last, self.length)
        return *inside, inside[0] - first, last - inside[1]

    def fade(self, count: int, before: bool, after: bool) -> np.ndarray:
        """Weight of a window's samples: rises over the overlap where there is a neighbour."""
        at = (np.arange(count) + 0.5) / self.rate
        rise = (at - EDGE) / (OVERLAP - 2 * EDGE)
        fall = (count / self.rate - EDGE - at) / (OVERLAP - 2 * EDGE)
        weight = np.ones(count)
        if before:
            weight = np.minimum(weight, rise)
        if after:
            weight = np.minimum(weight, fall)
        return weight.clip(0, 1)

    def collect(self, begin, gate, artifact, before: bool, after: bool) -> None:
        first = round((begin - self.start) * self.rate)
        skip = max(-first, 0)
        first = max(first, 0)
        count = min(gate.shape[-1] - skip, self.length - first)
        weight = self.fade(gate.shape[-1], before, after)[skip : skip + count]
        here = slice(first - self.base, first - self.base + count)
        self.weight[here] += weight
        self.gate[:, here] += (weight * gate[..., skip : skip + count]).astype(np.float32)
        part = weight * self.scale * artifact[..., skip : skip + count]
        self.artifact[..., here] += part.astype(self.artifact.dtype)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values of the used channels among all channels, zeros elsewhere."""
        if self.used.all():
            return values
        whole = np.zeros((len(self.used), *values.shape[1:]), values.dtype)
        whole[self.used] = values
        return whole

    def tensor(self, piece: np.ndarray, position: np.ndarray) -> Stream:
        self.scale = float(np.median(np.abs(piece))) or float(np.abs(piece).max()) or 1.0
        ready = torch.from_numpy((piece / self.scale).astype(np.float32))[None]
        place = torch.from_numpy(np.asarray(position, np.float32))[None]
        return Stream(ready, place, self.rate)


class _EEG(_Source):
    """Holds about a window; what is settled goes into spools, on disk if the input is."""

    def __init__(self, recording: xr.DataTree):
        node = stream_dataset(recording, "eeg")
        used = (node.ch_type.values == "eeg") & ~node.bad.values
        rate, length = float(node.attrs["rate"]), node.sizes["time"]
        held = min(length, int(np.ceil((WINDOW + OVERLAP) * rate)) + 2)
        super().__init__(node, used, rate, length, held)
        self.artifact = np.zeros((int(used.sum()), held), np.float32)
        self.missing = np.zeros((int(used.sum()), held), bool)
        self.spools = [Spool(len(used), length, on_disk=is_lazy(node.eeg)) for _ in range(2)]

    def piece(self, begin: float, end: float) -> Stream | None:
        first, last, before, after = self.window(begin, end)
        if last - first < 2:
            return None
        raw = self.node.eeg[:, first:last].values[self.used]
        self.missing[:, first - self.base : last - self.base] = ~np.isfinite(raw)
        part = filled(raw)
        part = part - drift(part, self.rate)
        part = np.pad(part, ((0, 0), (before, after)), mode="symmetric")
        return self.tensor(part, self.node.position.values[self.used])

    def settle(self, until: float) -> None:
        last = self.length
        if np.isfinite(until):
            last = min(max(round((until - self.start) * self.rate), self.base), self.length)
        count = last - self.base
        weight = np.maximum(self.weight[:count], 1e-9).astype(np.float32)
        artifact, gate = self.artifact[:, :count] / weight, self.gate[:, :count] / weight
        gate[self.missing[:, :count]] = 0  # a gap is not cleaned
        artifact[gate == 0] = 0
        for spool, values in zip(self.spools, (artifact, gate.clip(0, 1)), strict=True):
            spool.write(self.spread(values))
        for held in (self.weight, self.artifact, self.gate, self.missing):
            held[..., : held.shape[-1] - count] = held[..., count:]
            held[..., held.shape[-1] - count :] = 0
        self.base = last

    def result(self) -> tuple[Any, Any]:
        artifact, gate = self.spools
        return artifact.array(self.rate), gate.array(self.rate)


class _NIRS(_Source):
    """Holds the whole stream: shifts are summed up from its first sample on."""

    def __init__(self, recording: xr.DataTree):
        node = stream_dataset(to_optical_density(recording), "nirs")
        used = ~node.bad.values
        self.density = filled(node.od.values if used.all() else node.od.values[used])
        self.slow: SlowSeries = slow_series(self.density, float(node.attrs["rate"]))
        length = self.slow.values.shape[-1]
        super().__init__(node, used, self.slow.rate, length, length)
        self.artifact = np.zeros_like(self.slow.values)

    def piece(self, begin: float, end: float) -> Stream | None:
        first, last, before, after = self.window(begin, end)
        if last - first < 2:
            return None
        earlier = max(first - 1, 0)
        level = self.slow.values[..., earlier:last]
        part = np.diff(level, axis=-1, prepend=level[..., :1])[..., first - earlier :]
        part = np.pad(part, ((0, 0), (0, 0), (before, after)), mode="symmetric")
        middle = (self.node.source_position.values + self.node.detector_position.values) / 2
        return self.tensor(part, middle[self.used])

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        weight = np.maximum(self.weight, 1e-9)
        gate = (self.gate / weight).clip(0, 1)
        level = self.artifact  # in place: of an 8 h recording there is no room for copies
        for row, open_ in zip(level, gate, strict=True):
            row /= weight
            row[:, open_ == 0] = 0
            np.cumsum(row, axis=-1, out=row)
            # the median level stays, so that the longest stretches come back as they were
            row -= np.quantile(row, 0.5, axis=-1, method="nearest", keepdims=True)
        artifact, gate = fast_artifact(self.density, self.slow, level, gate)
        return self.spread(artifact), self.spread(gate.astype(np.float32))


def drift(x: np.ndarray, rate: float) -> np.ndarray:
    """Slow baseline (channel, time): running median, which short movements do not pull along.

    A high-pass filter would spread every movement over the seconds around it.
    """
    step = max(int(rate / 10), 1)
    count = max(x.shape[-1] // step, 1)
    frames = x[:, : count * step].reshape(len(x), count, -1).mean(-1)
    size = int(min(DRIFT * rate / step, 2 * count + 1))
    slow = ndimage.median_filter(frames, (1, max(size, 1)), mode="nearest")
    slow = ndimage.uniform_filter1d(slow, max(size // 3, 1), axis=-1, mode="nearest")
    at = np.arange(x.shape[-1])
    centre = (np.arange(count) + 0.5) * step
    return np.stack([np.interp(at, centre, row) for row in slow])


def filled(x: np.ndarray) -> np.ndarray:
    """Samples (…, time) with gaps (NaN, infinite) bridged linearly; a row without any is zero."""
    gaps = ~np.isfinite(x)
    if not gaps.any():
        return np.asarray(x, float)
    out = np.array(x, float)
    for row, gap in zip(out.reshape(-1, x.shape[-1]), gaps.reshape(-1, x.shape[-1]), strict=True):
        if gap.all():
            row[:] = 0.0
        elif gap.any():
            row[gap] = np.interp(np.flatnonzero(gap), np.flatnonzero(~gap), row[~gap])
    return out
