"""Watch over a live recording: what drifted, and whether movements are still found."""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from neurofuse.fusion.drift_watch import PIECE, RECALL, Drift, Watch, recall
from neurofuse.fusion.settled import Past
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import LOST, build

CALM = 0.5  # of the last minute that has to be at rest, so that movements can be put into it


class LiveWatch:
    """What became of a recording since its start, by modality.

    Parameters
    ----------
    nodes : dict of Dataset
        The montage.
    rates : dict of float
        [Hz].
    used : dict of bool array (channel,)
        Channels that are cleaned.
    """

    def __init__(
        self,
        nodes: Mapping[str, xr.Dataset],
        rates: Mapping[str, float],
        used: Mapping[str, np.ndarray],
    ):
        self.nodes: Mapping[str, xr.Dataset] = nodes
        self.rates: Mapping[str, float] = rates
        self.used: Mapping[str, np.ndarray] = used
        self.light: dict[str, bool] = {
            s: MODALITIES[s].variable(node) == "intensity" for s, node in nodes.items()
        }
        self.watches: dict[str, Watch] = {
            s: Watch(s, [str(name) for name in node.channel.values], rates[s])
            for s, node in nodes.items()
        }
        self.drifts: list[Drift] = []
        self.shares: dict[str, float] = {}  # of movements that were found first

    def push(self, s: str, out: Mapping[str, np.ndarray]) -> bool:
        """Take what was given out of a modality; whether anything drifted."""
        samples = out["samples"]
        if not samples.shape[-1]:
            return False
        rest = (out["gate"] == 0) & (out["verdict"] != LOST) & self.used[s][:, None]
        if self.light[s]:
            with np.errstate(all="ignore"):
                samples = -np.log(samples)
        found = self.watches[s].push(samples, rest)
        self.drifts += found
        return bool(found)

    def look(
        self, pasts: Mapping[str, Past], play: Callable[[xr.DataTree], xr.DataTree]
    ) -> dict[str, float]:
        """Put movements into the last minute, and see which share of them is found.

        Parameters
        ----------
        pasts : dict of Past
            What came in last.
        play : callable
            Cleans a Recording as it would be while it is recorded, with motion masks.

        Returns
        -------
        dict of float
            By modality [1]; none where somebody moved for more than half of the minute.
        """
        parts = {s: self._last(s, past) for s, past in pasts.items() if self._calm(s, past)}
        if not parts:
            return {}
        shares = recall(build(parts.get("eeg"), parts.get("nirs")), play)
        for s, share in shares.items():
            change = share - self.shares.setdefault(s, share)
            if abs(change) > RECALL:
                names = tuple(np.array(self.watches[s].names)[self.used[s]].tolist())
                at = pasts[s].end / self.rates[s]
                self.drifts.append(Drift(at, s, names, "recall", change))
                self.shares[s] = share
        return shares

    def _calm(self, s: str, past: Past) -> bool:
        """Whether a modality has a minute of samples without a gap that are mostly at rest."""
        if past.end - past.first < PIECE * self.rates[s] or not self.used[s].any():
            return False
        return self.watches[s].calm(PIECE)[self.used[s]].mean() > CALM

    def _last(self, s: str, past: Past) -> xr.Dataset:
        """The last minute as a node of a Recording."""
        node, rate, modality = self.nodes[s], self.rates[s], MODALITIES[s]
        name, count = modality.variable(node), round(PIECE * rate)
        samples, _ = past.since(past.end - count)
        bare = node.drop_vars([*node.data_vars, "time"])
        made = bare.assign({name: (modality.dims, samples, node[name].attrs)})
        bad = ("channel", ~self.used[s])
        return made.assign_coords(time=np.arange(count) / rate, bad=bad)
