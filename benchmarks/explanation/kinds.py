"""Are kinds of movement named right, as sure as they are, and unknown ones called unknown?"""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from benchmarks.training.movement_kinds import KINDS, hidden_from, material, people
from neurofuse.fusion.kinds.templates import load_templates
from neurofuse.fusion.movements import described
from neurofuse.io import build
from neurofuse.io.recording import stream_dataset, with_stream

VIEWS = {  # what is hidden: 1 EEG, 2 fNIRS, 4 the IMU, added up
    "both modalities and an IMU": ("", 0),
    "both modalities": ("", 4),
    "EEG only": ("eeg", 6),
    "fNIRS only": ("nirs", 5),
}
DRY_VIEWS = {"EEG of dry electrodes and an IMU": ("", 0), "EEG of dry electrodes": ("", 4)}
FEW = 8  # electrodes, below which a device has few
TURNING = ("nod", "shake", "tilt")
BURST, PAUSE = 1.5, 6.0  # s of a burst of noise, and from one to the next
NOISE = (3e-4, 0.3)  # V and optical density, standard deviations


def judged(folder: Path, count: int, dry: int, part: str) -> pd.DataFrame:
    """One row a movement and view: true and named kind, probability, unlike any, electrodes."""
    caps = _judged(material(folder, count, part), VIEWS)
    return pd.concat([caps, _judged(material(folder, dry, part, dry=True), DRY_VIEWS)])


def _judged(held: dict[str, np.ndarray], views: dict[str, tuple[str, int]]) -> pd.DataFrame:
    templates, rows = load_templates(), []
    for view, (stream, hidden) in views.items():
        seen = hidden_from(held["numbers"], hidden)
        found = templates.judge(seen)
        for row in range(len(seen)):
            probability = found.probability[row]
            if np.isnan(probability).any() or (stream and held["stream"][row] != stream):
                continue
            rows.append(
                {
                    "view": view,
                    "person": held["person"][row],
                    "few": bool(held["channels"][row] < FEW),
                    "true": KINDS[held["kind"][row]],
                    "named": KINDS[int(probability.argmax())],
                    "probability": float(probability.max()),
                    "unlike": bool(found.unlike[row]),
                }
            )
    return pd.DataFrame(rows)


def balanced(table: pd.DataFrame) -> float:
    """Share named right, mean over the true kinds."""
    right = table.true == table.named
    return float(right.groupby(table.true).mean().mean())


def balanced_groups(table: pd.DataFrame) -> float:
    """The same where turns of the head about whatever axis are one kind."""
    one = dict.fromkeys(TURNING, "turn")
    return balanced(table.assign(true=table.true.replace(one), named=table.named.replace(one)))


def miscalibration(table: pd.DataFrame, bins: int = 8) -> float:
    """Mean difference of probability and share right, over bins of as many movements."""
    order = table.sort_values("probability")
    parts = np.array_split(np.arange(len(order)), bins)
    right = (order.true == order.named).to_numpy()
    gaps = [abs(order.probability.to_numpy()[p].mean() - right[p].mean()) for p in parts if len(p)]
    return float(np.mean(gaps))


def unlike_noise(part: str) -> dict[str, float]:
    """Share of bursts of white noise, in people at rest, that are unlike any kind, by modality."""
    eeg, nirs = people(part)
    shares: dict[str, list[float]] = {"eeg": [], "nirs": []}
    for number, (one, other) in enumerate(zip(eeg.values(), _cycled(nirs), strict=False)):
        before, after = noisy(build(one, other), number)
        for stream, numbers in described(before, after)[0].items():
            own = hidden_from(numbers, 6 if stream == "eeg" else 5)
            shares[stream] += load_templates().judge(own).unlike.tolist()
    return {stream: float(np.mean(found)) for stream, found in shares.items()}


def _cycled(nodes: dict[str, xr.Dataset]) -> list[xr.Dataset]:
    return list(nodes.values()) * 20


def noisy(recording: xr.DataTree, seed: int) -> tuple[xr.DataTree, xr.DataTree]:
    """A recording with bursts of white noise in all channels, and its motion mask of them."""
    rng = np.random.default_rng(seed)
    before, after = recording, recording
    for stream, size in zip(("eeg", "nirs"), NOISE, strict=True):
        node = stream_dataset(recording, stream)
        rate, length = float(node.attrs["rate"]), node.sizes["time"]
        name = next(n for n in ("eeg", "od", "intensity") if n in node)
        samples = node[name].values.astype(float)
        gate = np.zeros((node.sizes["channel"], length))
        for start in np.arange(PAUSE, length / rate - PAUSE, PAUSE):
            here = slice(int(start * rate), int((start + BURST) * rate))
            noise = rng.normal(0, size, samples[..., here].shape)
            if name == "intensity":
                samples[..., here] *= np.exp(-noise)
            else:
                samples[..., here] += noise
            gate[:, here] = 1
        noised = node.assign({name: (node[name].dims, samples)})
        before = with_stream(before, stream, noised)
        after = with_stream(after, stream, noised.assign(gate=(("channel", "time"), gate)))
    return before, after
