"""What does each model cost: multiply-adds, weights, activations, memory?

python -m benchmarks.edge.cost
"""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from benchmarks.common.page import Table
from benchmarks.edge.counts import FLOAT, Count, count
from benchmarks.live.cost import recording
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.models.inference.drift import drift
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.tensors import Stream
from neurofuse.models.weights import load_model, packaged

MONTAGES = {"8 + 8": (8, 8), "32 + 40": (32, 40)}  # channels of EEG and fNIRS
SECONDS = 60.0  # of a window, that of training and of `clean`


@dataclass(frozen=True)
class Cost:
    """What a model costs with a montage."""

    model: str
    montage: str
    parameters: int
    count: Count  # in a window of `SECONDS`
    live: bool  # its features and filters are computed elsewhere, sample by sample

    @property
    def network(self) -> float:
        """Multiply-adds of the network in a second of signal."""
        return self.count.network / SECONDS

    @property
    def filters(self) -> float:
        """Multiply-adds of features and filters in a second of signal; NaN where not counted."""
        return np.nan if self.live else self.count.filters / SECONDS


def window(recorded: xr.DataTree) -> dict[str, Stream]:
    """The first window of a recording as tensors."""
    node = recorded["eeg"].to_dataset()
    rate = float(node.attrs["rate"])
    eeg = node.eeg.values[:, : round(SECONDS * rate)]
    light = to_optical_density(recorded)["nirs"].to_dataset()
    slow = float(light.attrs["rate"])
    changes = np.diff(
        light.od.values[..., : round(SECONDS * slow)], prepend=light.od.values[..., :1]
    )
    middle = (light.source_position.values + light.detector_position.values) / 2
    return {
        "eeg": _stream(eeg - drift(eeg, rate), node.position.values, rate),
        "nirs": _stream(changes, middle, slow),
    }


def _stream(signal: np.ndarray, position: np.ndarray, rate: float) -> Stream:
    signal = signal / np.median(np.abs(signal))
    values, place = (torch.from_numpy(x.astype(np.float32))[None] for x in (signal, position))
    return Stream(values, place, rate)


def costs(
    models: Mapping[str, CrossModalAutoencoder], montages: Mapping[str, tuple[int, int]] = MONTAGES
) -> list[Cost]:
    """What each model costs with each montage."""
    found = []
    for montage, channels in montages.items():
        streams = window(recording(*channels))
        for name, model in models.items():
            a = model.architecture
            given = {s: streams[s] for s in a.streams}
            parameters = sum(p.numel() for p in model.parameters())
            found.append(Cost(name, montage, parameters, count(model, given), a.causal))
    return found


def table(found: list[Cost]) -> Table:
    """Costs by model and montage."""
    rows = []
    for one in found:
        filters = "–" if np.isnan(one.filters) else f"{one.filters / 1e6:.1f}"
        memory = "–" if one.live else f"{one.count.memory / 2**20:.0f}"
        rows.append(
            [
                one.model,
                one.montage,
                f"{one.network / 1e6:.1f}",
                filters,
                f"{one.parameters}",
                f"{FLOAT * one.parameters / 1e3:.0f}",
                f"{FLOAT * one.count.activations / 2**20:.1f}",
                memory,
            ]
        )
    columns = ["model", "EEG + fNIRS", "network [10⁶/s]", "filters [10⁶/s]", "weights"]
    return Table([*columns, "weights [kB]", "layer [MiB]", "memory [MiB]"], rows)


def given_models(weights: Iterable[Path] = ()) -> dict[str, CrossModalAutoencoder]:
    """The packaged models, and those of files, by name."""
    return {
        **{name: load_model(name) for name in packaged()},
        **{path.stem: load_model(path) for path in weights},
    }


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights", nargs="*", type=Path, default=[], help="more than packaged")
    options = parser.parse_args(None if arguments is None else list(arguments))
    print(table(costs(given_models(options.weights))).markdown())


if __name__ == "__main__":
    main()
