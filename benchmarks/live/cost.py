"""What cleaning costs in each hop of 0.1 s, and whether an hour of it grows."""

import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.fusion.live import LiveCleaner
from neurofuse.io import build, stream_dataset
from neurofuse.io.modality import MODALITIES
from neurofuse.synth import simulate

HOP = 0.1  # s
SECONDS = 120.0  # of a recording with movement that is played again and again
SEED = 6
MONTAGES = {"32 EEG + 40 fNIRS": (32, 40), "4 EEG + 4 fNIRS": (4, 4)}
PARTS = 6  # of an hour, whose latency is compared
FILLED = 5  # minutes after which buffers that hold the last minutes are full


@dataclass(frozen=True)
class Cost:
    """Computing times of hops [s], and memory in use [bytes] as they went on."""

    hops: np.ndarray
    memory: np.ndarray

    @property
    def grown(self) -> float:
        """By how much memory grew once buffers were full [MiB]."""
        return float(self.memory[-1] - self.memory[min(FILLED, len(self.memory) - 1)]) / 2**20

    def milliseconds(self, quantile: float) -> float:
        """A quantile of the computing time of a hop [ms]."""
        return float(1e3 * np.quantile(self.hops, quantile))


def recording(eeg: int, nirs: int) -> xr.DataTree:
    """A simulated recording with so many channels: those of the simulation, several times."""
    made = simulate(SECONDS, seed=SEED)[1]
    rng = np.random.default_rng(SEED)
    nodes = {}
    for s, count in (("eeg", eeg), ("nirs", nirs)):
        node = stream_dataset(made, s)
        chosen = np.arange(count) % node.sizes["channel"]
        node = node.isel(channel=chosen)
        name = MODALITIES[s].variable(node)
        noise = 1 + 0.01 * rng.normal(size=node[name].shape)  # no two channels are the same
        names = [f"{label}-{k}" for k, label in enumerate(node.channel.values)]
        nodes[s] = node.assign({name: node[name] * noise}).assign_coords(channel=names)
    return build(nodes["eeg"], nodes["nirs"])


def cost(montage: tuple[int, int], seconds: float) -> Cost:
    """Clean so many seconds [s] as fast as it goes, hop by hop."""
    given = recording(*montage)
    cleaner = LiveCleaner(given)
    eeg, nirs = (
        stream_dataset(given, s)[MODALITIES[s].variable(stream_dataset(given, s))].values
        for s in MODALITIES
    )
    sizes = {s: round(HOP * cleaner.rates[s]) for s in MODALITIES}
    count = int(SECONDS / HOP)
    hops, memory = [], []
    for hop in range(round(seconds / HOP)):
        k = hop % count
        part = eeg[:, k * sizes["eeg"] : (k + 1) * sizes["eeg"]]
        light = nirs[..., k * sizes["nirs"] : (k + 1) * sizes["nirs"]]
        began = time.perf_counter()
        cleaner.push(part, light)
        hops.append(time.perf_counter() - began)
        if hop % 600 == 0:
            memory.append(_memory())
    return Cost(np.array(hops), np.array(memory))


def _memory() -> int:
    """Memory in use [bytes]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
