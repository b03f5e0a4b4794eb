"""Samples of one modality on their way through live cleaning: what waits, and what is ready."""

import numpy as np
import xarray as xr

from neurofuse.fusion.verdict import KEPT, REPAIRED
from neurofuse.io.modality import EEG, MODALITIES
from neurofuse.io.quality.eeg import FLAT
from neurofuse.io.recording import LOST
from neurofuse.models.live.cleaned import Cleaned

LARGEST = 1e12  # of a sample: no sensor gives more, and squares have to stay finite
STILL = 3.0  # s without any change after which a channel is lost


class Track:
    """What came in of one modality and is not given out, and what is."""

    def __init__(self, stream: str, node: xr.Dataset, rate: float, cleaned: bool):
        modality = MODALITIES[stream]
        self.light: bool = modality.variable(node) == "intensity"
        self.shape: tuple[int, ...] = tuple(
            int(node.sizes[d]) for d in modality.dims if d != "time"
        )
        self.cleaned: bool = cleaned
        self.span: int = max(round(STILL * rate), 2)
        self.limit: float = FLAT if stream == EEG.name else 0.0
        self.still: np.ndarray = np.zeros(self.shape[0], int)  # samples since the last change
        self.last: np.ndarray = np.full((*self.shape, 1), np.nan)
        self.samples: np.ndarray = np.zeros((*self.shape, 0))  # that wait
        self.stamps: np.ndarray = np.zeros(0)
        self.lost: np.ndarray = np.zeros((self.shape[0], 0), bool)
        self.ready: list[dict[str, np.ndarray]] = []

    def take(self, samples: np.ndarray, stamps: np.ndarray) -> np.ndarray | None:
        """What the engine sees of samples; None if it sees nothing of this modality."""
        with np.errstate(all="ignore"):
            gone = ~(np.abs(samples) < (np.inf if self.light else LARGEST))
            gone |= (samples <= 0) & self.light
            lost = self._unchanged(samples) | (gone.any(1) if gone.ndim == 3 else gone)
        self.samples = np.concatenate([self.samples, samples], -1)
        self.stamps = np.concatenate([self.stamps, stamps])
        self.lost = np.concatenate([self.lost, lost], 1)
        if not self.cleaned:
            self._give(np.zeros(samples.shape), np.zeros(lost.shape), np.zeros(samples.shape))
            return None
        with np.errstate(all="ignore"):
            return np.where(gone, np.nan, -np.log(samples) if self.light else samples)

    def _unchanged(self, samples: np.ndarray) -> np.ndarray:
        """Where (channel, time) a channel has stood still for a while."""
        if not samples.shape[-1]:
            return np.zeros((self.shape[0], 0), bool)
        change = np.diff(np.concatenate([self.last, samples], -1), axis=-1)
        self.last = samples[..., -1:]
        same = np.asarray(np.abs(change) <= self.limit)
        same = np.asarray(same.all(1)) if same.ndim == 3 else same
        number = np.arange(1, same.shape[-1] + 1)
        moved = np.maximum.accumulate(np.where(same, 0, number), axis=1)
        still = number - moved + np.where(moved > 0, 0, self.still[:, None])
        self.still = still[:, -1]
        return still >= self.span

    def finish(self, part: Cleaned, used: np.ndarray, calibration: float) -> None:
        """Take what the engine has done of the channels that it sees."""
        count = part.gate.shape[-1]
        artifact, deviation = (np.zeros((*self.shape, count)) for _ in range(2))
        gate = np.zeros((self.shape[0], count))
        artifact[used], gate[used] = part.artifact, part.gate.clip(0, 1)  # of rounding
        deviation[used] = calibration * part.deviation
        self._give(artifact, gate, deviation)

    def _give(self, artifact: np.ndarray, gate: np.ndarray, deviation: np.ndarray) -> None:
        count = gate.shape[-1]
        samples, self.samples = np.split(self.samples, [count], axis=-1)
        stamps, self.stamps = np.split(self.stamps, [count])
        lost, self.lost = np.split(self.lost, [count], axis=1)
        known = np.isfinite(samples).all(1) if samples.ndim == 3 else np.isfinite(samples)
        verdict = np.where(lost, LOST, np.where(gate > 0, REPAIRED, KEPT)).astype(np.int8)
        as_it_was = (lost[:, None] if samples.ndim == 3 else lost) | (artifact == 0)
        with np.errstate(all="ignore"):
            repaired = samples * np.exp(artifact) if self.light else samples - artifact
        self.ready.append(
            {
                "samples": np.where(as_it_was, samples, repaired),
                "stamps": stamps,
                "gate": np.where(known, gate, 0.0),
                "verdict": verdict,
                "uncertainty": deviation,
            }
        )

    def out(self) -> dict[str, np.ndarray]:
        """All that is ready."""
        if not self.ready:
            nothing = np.zeros((*self.shape, 0))
            self._give(nothing, np.zeros((self.shape[0], 0)), nothing)
        ready, self.ready = self.ready, []
        return {name: np.concatenate([r[name] for r in ready], -1) for name in ready[0]}
