"""Errors of the Wiener stages with the true mask in place of the network's.

    python -m benchmarks.joint_gain.stage_bounds

Validation participants only; injected motion. fNIRS: the temporal filter against TDDR and against a
derivative set to zero. EEG: the spatial filter with true artifact fractions of the bands, and with
the mask alone.
"""

import argparse
import logging

import numpy as np
import torch
from torch.nn.functional import avg_pool1d

from benchmarks.common.clean_pairs import pairs
from benchmarks.common.methods import get_method
from neurofuse.fusion.metrics.errors import score
from neurofuse.io import stream_dataset, to_optical_density, with_stream
from neurofuse.io.modality import MODALITIES
from neurofuse.models.joint.architecture import Bands
from neurofuse.models.joint.bands import split
from neurofuse.models.joint.features import quiet_weight
from neurofuse.models.joint.wiener import frames_of, spatial_filter, temporal_filter
from neurofuse.synth import inject

SEVERITY = (0.2, 1.0)


def steps(recording) -> np.ndarray:
    od = stream_dataset(to_optical_density(recording), "nirs").od.values
    return np.diff(od, axis=-1, prepend=od[..., :1])


def with_steps(contaminated, change):
    density = to_optical_density(contaminated)
    node = stream_dataset(density, "nirs")
    return with_stream(density, "nirs", node.assign(od=node.od.copy(data=change.cumsum(-1))))


def smoothed(contaminated, seconds: float):
    """The temporal filter where the true mask is; its variance is the squared step itself."""
    rate = contaminated["nirs"].attrs["rate"]
    used = ~contaminated["nirs"].bad.values
    mask = torch.from_numpy(contaminated["nirs"].motion.values[used]).double()
    change = steps(contaminated)
    observed = torch.from_numpy(change[used])
    size = int(seconds * rate) // 2 * 2
    open_ = mask[:, None]
    estimated = temporal_filter(
        observed,
        0 * observed[:, None],
        open_ * observed**2,
        1 - mask,
        size=size,
        reach=torch.tensor([1.0]),
        active=(frames_of(open_, size, size // 2) > 0).any(-1).any(-1),
    )
    change[used] = (observed - open_ * estimated).numpy()
    return with_steps(contaminated, change)


def spatial(truth, contaminated, window: float, pooling: float, fractions: bool):
    """The spatial filter (no lags) in the true mask, with true artifact fractions or without."""
    node = stream_dataset(contaminated, "eeg")
    used = ((node.ch_type == "eeg") & ~node.bad).values
    rate = node.attrs["rate"]
    clean = 1e5 * torch.from_numpy(stream_dataset(truth, "eeg").eeg.values[used])[None]
    observed = 1e5 * torch.from_numpy(node.eeg.values[used])[None]
    mask = torch.from_numpy(node.motion.values[used]).double()[None]
    rough = mask * observed
    if fractions:
        parts = [split(x, rate, Bands().eeg) for x in (observed, observed - clean, clean)]
        near = int(rate) | 1
        artifact, quiet = (
            avg_pool1d((p**2).flatten(0, 2)[:, None], near, 1, near // 2)[:, 0].view_as(p)
            for p in parts[1:]
        )
        rough = mask * ((artifact / (artifact + quiet + 1e-9)).sqrt() * parts[0]).sum(2)
    quiet = quiet_weight(observed, mask.amax(1), rate)
    size = int(window * rate)
    artifact = spatial_filter(observed, rough, quiet, size=size, lags=[0], pooling=pooling)
    samples = node.eeg.values.copy()
    samples[used] -= 1e-5 * (mask * artifact)[0].numpy()
    return with_stream(contaminated, "eeg", node.assign(eeg=node.eeg.copy(data=samples)))


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    rows = {
        ("nirs", "TDDR"): lambda t, c: get_method("tddr").transform(c),
        ("nirs", "true mask, derivative set to zero"): lambda t, c: with_steps(
            c, steps(c) * ~c["nirs"].motion.values[:, None]
        ),
        **{
            ("nirs", f"true mask, smoother, {s} s of context"): lambda t, c, s=s: smoothed(c, s)
            for s in (10, 20)
        },
        **{
            ("eeg", f"{what}, {w:g} s windows, pooling {p}"): (
                lambda t, c, w=w, p=p, k=k: spatial(t, c, w, p, k)
            )
            for k, what in ((True, "true artifact fractions"), (False, "true mask alone"))
            for w in (1.0, 4.0)
            for p in (0.0, 0.9)
        },
    }
    recordings = [recording for _, recording in pairs("validation")]
    print("| modality | stage | weak: pooled / channel median [dB] | typical |\n|---|---|---|---|")
    for (stream, name), method in rows.items():
        cells = []
        for severity in SEVERITY:
            scores = []
            for number, recording in enumerate(recordings):
                truth, contaminated = inject(recording, seed=1000 + number, severity=severity)
                value = score(truth, contaminated, method(truth, contaminated)).value
                scores.append(value.sel(modality=stream, metric=["error_db", "error_db_median"]))
            cells.append(" / ".join(f"{v:.1f}" for v in np.mean(scores, axis=0)))
        print(f"| {MODALITIES[stream].display} | {name} | {cells[0]} | {cells[1]} |", flush=True)


if __name__ == "__main__":
    main()
