"""A live cleaner that passes everything on, as late as the real one."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

LOOKAHEAD = {"eeg": 0.1, "nirs": 1.0}  # s


class PassThrough:
    """As `neurofuse.LiveCleaner`: only finished samples come out, lost ones as NaN with mask 0."""

    def __init__(self, montage: Any, rates: Mapping[str, float]):
        self.montage, self.rates, self.lookahead = montage, rates, LOOKAHEAD
        self._held: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def push(self, *, stamps: Mapping[str, np.ndarray], **samples: np.ndarray) -> Any:
        """Keep the newest samples, give out those before."""
        out: dict[str, Any] = {"stamps": {}, "gate": {}}
        for kind, delay in LOOKAHEAD.items():
            parts = [self._held[kind]] if kind in self._held else []
            if kind in samples:
                parts.append((samples[kind], stamps[kind]))
            if not parts:
                out[kind] = None
                continue
            values = np.concatenate([part for part, _ in parts], axis=-1)
            times = np.concatenate([at for _, at in parts])
            done = max(len(times) - round(delay * self.rates[kind]), 0)
            self._held[kind] = values[..., done:], times[done:]
            out[kind], out["stamps"][kind] = values[..., :done], times[:done]
            out["gate"][kind] = np.zeros((len(values), done))
        return SimpleNamespace(**out)
