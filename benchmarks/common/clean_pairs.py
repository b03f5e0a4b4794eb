"""Real clean recordings not used in training: EEG of one participant with fNIRS of another.

They share nothing but the motion that is injected into both.
"""

from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.io import build, mark_bad, read, stream_dataset, to_optical_density
from neurofuse.io.optics.gvtd import gvtd
from neurofuse.io.quality.channels import channel_quality
from neurofuse.models.training.corpus import CONTACT
from neurofuse.models.training.split import subject_files

LENGTH = 150.0  # s of each recording
START = 15.0  # s


def quietest(node: xr.Dataset) -> float:
    """Start [s] of the stretch with the smallest largest GVTD (Sherafati 2020).

    "Clean" fNIRS holds unmarked movements; a truth with movement in it would count their
    removal as an error. No cleaning method influences this choice.
    """
    rate = float(node.attrs["rate"])
    good = node.od.values[~node.bad.values].reshape(-1, node.sizes["time"])
    speed = gvtd(good, rate)
    count = int(LENGTH * rate)
    starts = np.arange(int(START * rate), len(speed) - count, int(5 * rate))
    peak = [np.max(speed[s : s + count]) for s in starts]
    return float(node.time[starts[int(np.argmin(peak))]])


def cut(recording: xr.DataTree, stream: str) -> xr.Dataset:
    """The stretch that is used, from time 0, with channels of poor contact marked bad."""
    recording = mark_bad(recording)
    node, start = stream_dataset(recording, stream), START
    if stream == "nirs":
        weak = channel_quality(recording, stream).sci.values < CONTACT
        bad = ("channel", node.bad.values | weak)
        node = node.assign_coords(bad=bad)
        density = stream_dataset(to_optical_density(recording), stream).assign_coords(bad=bad)
        start = quietest(density)
    first = int(np.searchsorted(node.time.values, start - 1e-9))
    node = node.isel(time=slice(first, first + int(LENGTH * node.attrs["rate"])))
    return node.assign_coords(time=np.arange(node.sizes["time"]) / node.attrs["rate"])


def pairs(part: str):
    """Name and Recording of every pair of a part."""
    eeg, nirs = (list(subject_files(part, s).items()) for s in ("eeg", "nirs"))
    for number, (subject, files) in enumerate(eeg):
        partner, partner_files = nirs[number % len(nirs)]
        rest = next(p for p in files if "rest" in p.name)
        other = partner_files[(number // len(nirs)) % len(partner_files)]
        recording = build(cut(read(rest), "eeg"), cut(read(other), "nirs"))
        yield f"{Path(subject).name}+{Path(partner).parent.name}-{Path(partner).name}", recording
