"""One modality of a recording, window by window: samples to windows, and estimates put together.

Windows overlap and are cross-faded; of EEG no more than a window is in memory.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.io.lazy import Spool, is_lazy
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.quality.lost import lost_times, on_samples, window_length
from neurofuse.io.recording import EVIDENCE_INPUTS, stream_dataset
from neurofuse.models.inference.drift import drift, filled
from neurofuse.models.inference.multirate import SlowSeries, fast_artifact, slow_series
from neurofuse.models.inference.posture import posture_changes
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.baseline_level import baseline_level_error


@dataclass(frozen=True)
class ArtifactEstimate:
    """What a model estimates of one modality; dask arrays for EEG that is still in its file.

    EEG artifacts are exactly zero where the motion mask is; fNIRS artifacts are constant there.
    """

    artifact: Any  # EEG (channel, time) [V]; fNIRS (channel, wavelength, time) [OD]
    gate: Any  # (channel, time), 0..1: the motion mask
    deviation: Any = None  # like the artifact: SD of the error, 0 where the motion mask is 0
    agreement: float | None = None  # correlation of both modalities' movements, if there are both
    head_agreement: float | None = None  # of this modality's with the head's, if there is an IMU
    evidence: Any = None  # (input, time) [log odds]: who opened the mask (`inference/evidence.py`)


@dataclass(frozen=True)
class Piece:
    """A window of one modality: samples scaled to near one, in single precision."""

    signal: np.ndarray  # EEG (channel, time); fNIRS d(OD) (channel, wavelength, time)
    position: np.ndarray  # (channel, 3) m, NaN where unknown
    rate: float  # Hz
    scale: float  # of the samples
    missing: np.ndarray | None = None  # (channel, time) bool: EEG samples that were bridged


@dataclass(frozen=True)
class Found:
    """What a model finds in a window of one modality."""

    gate: np.ndarray  # (channel, time), 0..1: the motion mask
    artifact: np.ndarray  # like the signal, already multiplied by the mask
    variance: np.ndarray | None  # like the signal; of the error, before calibration
    evidence: np.ndarray  # (input, frame) [log odds]: whose it was


class Source:
    """One modality: gives windows and cross-fades the model's estimates of them.

    `weight`, `gate`, `evidence`, `artifact` and `variance` hold the samples from number `base` on;
    the last only if there is a `calibration`, the factor on standard deviations.
    """

    artifact: np.ndarray
    variance: np.ndarray

    def __init__(
        self,
        node: xr.Dataset,
        used: np.ndarray,
        rate: float,
        length: int,
        held: int,
        architecture: Architecture,
        calibration: float | None,
    ):
        self.node: xr.Dataset = node
        self.used: np.ndarray = used
        self.rate: float = rate
        self.length: int = length
        self.architecture: Architecture = architecture
        self.calibration: float | None = calibration
        self.start: float = float(node.time[0])
        self.base: int = 0
        self.weight: np.ndarray = np.zeros(held)
        self.gate: np.ndarray = np.zeros((int(used.sum()), held), np.float32)
        self.evidence: np.ndarray = np.zeros((len(EVIDENCE_INPUTS), held), np.float32)

    def piece(self, begin: float, end: float) -> Piece | None:
        """The window from `begin` to `end` [s]; None where there are no samples."""
        raise NotImplementedError

    def settle(self, until: float) -> None:
        """Finish the samples before `until` [s], which no further window contains."""

    def result(self) -> ArtifactEstimate:
        """The estimate of the whole modality, once all windows are settled."""
        raise NotImplementedError

    def window(self, begin: float, end: float) -> tuple[int, int, int, int]:
        """First and last sample that exist, and how many to add before and after them."""
        first, last = round((begin - self.start) * self.rate), round((end - self.start) * self.rate)
        inside = max(first, 0), min(last, self.length)
        return *inside, inside[0] - first, last - inside[1]

    def fade(self, count: int, before: bool, after: bool) -> np.ndarray:
        """Weight of a window's samples: rises over the overlap where there is a neighbour."""
        edge = self.architecture.windows.edge
        faded = self.architecture.windows.overlap - 2 * edge
        at = (np.arange(count) + 0.5) / self.rate
        rise = (at - edge) / faded
        fall = (count / self.rate - edge - at) / faded
        weight = np.ones(count)
        if before:
            weight = np.minimum(weight, rise)
        if after:
            weight = np.minimum(weight, fall)
        return weight.clip(0, 1)

    def collect(
        self,
        begin: float,
        piece: Piece,
        found: Found,
        before: bool,
        after: bool,
    ) -> None:
        """Add what was found in the window from `begin` [s] on, faded towards its neighbours."""
        gate, artifact, evidence = found.gate, found.artifact, found.evidence
        first = round((begin - self.start) * self.rate)
        skip = max(-first, 0)
        first = max(first, 0)
        count = min(gate.shape[-1] - skip, self.length - first)
        weight = self.fade(gate.shape[-1], before, after)[skip : skip + count]
        here = slice(first - self.base, first - self.base + count)
        self.weight[here] += weight
        self.gate[:, here] += (weight * gate[..., skip : skip + count]).astype(np.float32)
        frame = np.arange(skip, skip + count) * self.architecture.latent_rate // self.rate
        told = evidence[:, frame.astype(int).clip(max=evidence.shape[-1] - 1)]
        self.evidence[:, here] += (weight * told).astype(np.float32)
        part = weight * piece.scale * artifact[..., skip : skip + count]
        self.artifact[..., here] += part.astype(self.artifact.dtype)
        if self.calibration is not None and found.variance is not None:
            variance = found.variance[..., skip : skip + count]
            self.variance[..., here] += weight * (self.calibration * piece.scale) ** 2 * variance

    def all_channels(self, values: np.ndarray) -> np.ndarray:
        """Values of the used channels among all channels, zeros elsewhere."""
        if self.used.all():
            return values
        whole = np.zeros((len(self.used), *values.shape[1:]), values.dtype)
        whole[self.used] = values
        return whole

    def scaled(
        self, samples: np.ndarray, position: np.ndarray, missing: np.ndarray | None = None
    ) -> Piece:
        """Samples (channel[, wavelength], time) and positions (channel, 3) [m], scaled."""
        size = np.abs(samples)  # mostly 0 where a coarse converter stands still
        scale = max(float(np.median(size)), 1e-6 * float(size.max())) or 1.0
        ready, place = (samples / scale).astype(np.float32), np.asarray(position, np.float32)
        return Piece(ready, place, self.rate, scale, missing)


class EegSource(Source):
    """Holds about one window; finished samples go into spools, on disk if the input is."""

    def __init__(
        self, recording: xr.DataTree, architecture: Architecture, calibration: float | None
    ):
        node = stream_dataset(recording, "eeg")
        used = (node.ch_type.values == "eeg") & ~node.bad.values
        rate, length = float(node.attrs["rate"]), node.sizes["time"]
        seconds = architecture.windows.length + architecture.windows.overlap
        held = min(length, int(np.ceil(seconds * rate)) + 2)
        super().__init__(node, used, rate, length, held, architecture, calibration)
        self.artifact: np.ndarray = np.zeros((int(used.sum()), held), np.float32)
        calibrated = calibration is not None
        self.variance: np.ndarray = np.zeros(self.artifact.shape if calibrated else (0, held))
        self.missing: np.ndarray = np.zeros((int(used.sum()), held), bool)
        self.lost: np.ndarray = lost_times(node, "eeg")[used]
        self.lost_window: int = window_length(node)
        lazy = is_lazy(node.eeg)
        self.spools: list[Spool] = [
            Spool(len(used), length, on_disk=lazy) for _ in range(2 + calibrated)
        ]
        self.told: Spool = Spool(len(EVIDENCE_INPUTS), length, on_disk=lazy)

    def piece(self, begin: float, end: float) -> Piece | None:
        first, last, before, after = self.window(begin, end)
        if last - first < 2:
            return None
        raw = np.array(self.node.eeg[:, first:last].values[self.used])
        raw[on_samples(self.lost, self.lost_window, first, last)] = np.nan  # no evidence
        part = filled(raw)
        part = part - drift(part, self.rate, self.architecture.electrode_drift)
        part = np.pad(part, ((0, 0), (before, after)), mode="symmetric")
        return self.scaled(part, self.node.position.values[self.used], ~np.isfinite(raw))

    def collect(
        self,
        begin: float,
        piece: Piece,
        found: Found,
        before: bool,
        after: bool,
    ) -> None:
        super().collect(begin, piece, found, before, after)
        if piece.missing is not None:
            first = max(round((begin - self.start) * self.rate), 0) - self.base
            self.missing[:, first : first + piece.missing.shape[-1]] = piece.missing

    def settle(self, until: float) -> None:
        last = self.length
        if np.isfinite(until):
            last = min(max(round((until - self.start) * self.rate), self.base), self.length)
        count = last - self.base
        weight = np.maximum(self.weight[:count], 1e-9).astype(np.float32)
        artifact, gate = self.artifact[:, :count] / weight, self.gate[:, :count] / weight
        gate[self.missing[:, :count]] = 0  # a gap is not cleaned
        artifact[gate == 0] = 0
        settled = [artifact, gate.clip(0, 1)]
        if self.calibration is not None:
            settled.append(np.where(gate > 0, np.sqrt(self.variance[:, :count] / weight), 0))
        for spool, values in zip(self.spools, settled, strict=True):
            spool.write(self.all_channels(values))
        self.told.write(np.where(gate.any(0), self.evidence[:, :count] / weight, 0))
        held_ = (self.weight, self.artifact, self.gate, self.evidence, self.missing, self.variance)
        for held in held_:
            held[..., : held.shape[-1] - count] = held[..., count:]
            held[..., held.shape[-1] - count :] = 0
        self.base = last

    def result(self) -> ArtifactEstimate:
        parts = (spool.array(self.rate) for spool in self.spools)
        return ArtifactEstimate(*parts, evidence=self.told.array(self.rate))


class NirsSource(Source):
    """Holds the whole modality: shifts are summed up from its first sample on."""

    def __init__(
        self, recording: xr.DataTree, architecture: Architecture, calibration: float | None
    ):
        node = stream_dataset(to_optical_density(recording), "nirs")
        used = ~node.bad.values
        self.density: np.ndarray = filled(node.od.values if used.all() else node.od.values[used])
        rate = float(node.attrs["rate"])
        self.slow: SlowSeries = slow_series(self.density, rate, architecture.nirs_rate)
        length = self.slow.values.shape[-1]
        super().__init__(node, used, self.slow.rate, length, length, architecture, calibration)
        at = self.start + np.arange(length) / self.rate
        self.posture: np.ndarray = posture_changes(recording, at)
        self.artifact: np.ndarray = np.zeros_like(self.slow.values)
        self.variance: np.ndarray = np.zeros(
            (0, length) if calibration is None else self.artifact.shape
        )

    def piece(self, begin: float, end: float) -> Piece | None:
        first, last, before, after = self.window(begin, end)
        if last - first < 2:
            return None
        earlier = max(first - 1, 0)
        density = self.slow.values[..., earlier:last]
        part = np.diff(density, axis=-1, prepend=density[..., :1])[..., first - earlier :]
        part = np.pad(part, ((0, 0), (0, 0), (before, after)), mode="symmetric")
        middle = (self.node.source_position.values + self.node.detector_position.values) / 2
        return self.scaled(part, middle[self.used])

    def result(self) -> ArtifactEstimate:
        weight = np.maximum(self.weight, 1e-9)
        gate = self.gate / weight
        np.clip(gate, 0, 1, out=gate)
        settings = self.architecture.baseline_level
        summed = self.artifact  # in place, row by row: copies of 8 h do not fit into memory
        for row, mask, seen in zip(summed, gate, self.slow.values, strict=True):
            row /= weight
            row[:, mask == 0] = 0
            np.cumsum(row, axis=-1, out=row)
            masks = np.broadcast_to(mask, row.shape)
            left = seen - row
            row += baseline_level_error(left, row, masks, self.rate, settings, self.posture)
            # without its median, so that the longest stretches keep their recorded values
            row -= np.quantile(row, 0.5, axis=-1, method="nearest", keepdims=True)
        deviation = None if self.calibration is None else self._deviation(weight, gate)
        evidence = np.where(gate.any(0), self.evidence / weight, 0).astype(np.float32)
        at = np.arange(self.density.shape[-1]) // self.slow.factor
        artifact, gate = fast_artifact(self.density, self.slow, summed, gate)
        return ArtifactEstimate(
            self.all_channels(artifact),
            self.all_channels(gate.astype(np.float32)),
            deviation,
            evidence=evidence[:, at.clip(max=evidence.shape[-1] - 1)],
        )

    def _deviation(self, weight: np.ndarray, gate: np.ndarray) -> np.ndarray:
        """SD of optical density against its last sample before motion."""
        at = np.arange(self.density.shape[-1]) / self.slow.factor
        grid = np.arange(gate.shape[-1])
        deviation = np.empty(self.density.shape, np.float32)
        for row, mask, fast in zip(self.variance, gate, deviation, strict=True):
            total = np.cumsum(row / weight, axis=-1)
            closed = np.broadcast_to(mask == 0, total.shape)
            before = np.maximum.accumulate(np.where(closed, total, 0), axis=-1)
            slow = np.sqrt(np.where(closed, 0, total - before))
            fast[:] = [np.interp(at, grid, series) for series in slow]
        return self.all_channels(deviation)
