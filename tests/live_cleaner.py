"""A live cleaner that passes everything on, as late as the real one."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.io.recording import stream_dataset, streams

LOOKAHEAD = {"eeg": 0.1, "nirs": 1.0}  # s


class PassThrough:
    """As `neurofuse.LiveCleaner`: only finished samples come out, lost ones as NaN with mask 0."""

    def __init__(self, montage: xr.DataTree, rates: Mapping[str, float]):
        self.rates = rates
        self.drifts: list[str] = []
        self.lookahead = {kind: LOOKAHEAD[kind] for kind in streams(montage)}
        self._held = {
            kind: (stream_dataset(montage, kind)[variable].values, np.empty(0))
            for kind, variable in (("eeg", "eeg"), ("nirs", "intensity"))
            if kind in self.lookahead
        }
        self._settling: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {
            kind: [] for kind in self.lookahead
        }

    def push(self, *, stamps: Mapping[str, np.ndarray], **samples: np.ndarray) -> Any:
        """Keep the newest samples, give out those before."""
        out: dict[str, Any] = {"eeg": None, "nirs": None, "stamps": {}, "gate": {}}
        for kind, delay in self.lookahead.items():
            values, times = self._held[kind]
            if kind in samples:
                values = np.concatenate([values, samples[kind]], axis=-1)
                times = np.concatenate([times, stamps[kind]])
            done = max(len(times) - round(delay * self.rates[kind]), 0)
            self._held[kind] = values[..., done:], times[done:]
            out[kind], out["stamps"][kind] = values[..., :done], times[:done]
            out["gate"][kind] = np.zeros((len(values), done))
            self._settling[kind].append((out[kind], out["stamps"][kind]))
        return SimpleNamespace(**out)

    def settled(self) -> Any:
        """All that came out before, once more."""
        out: dict[str, Any] = {"eeg": None, "nirs": None, "stamps": {}}
        for kind, parts in self._settling.items():
            done, parts[:] = parts[:], []
            if done:
                out[kind] = np.concatenate([values for values, _ in done], axis=-1)
                out["stamps"][kind] = np.concatenate([times for _, times in done])
        return SimpleNamespace(**out)
