"""Which part of a recording is tested: one that holds quiet stretches and movements."""

import numpy as np
import xarray as xr

from neurofuse.io.modality import EEG, MODALITIES
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.quality.calm import calm
from neurofuse.io.recording import dims_in_order, stream_dataset, streams, with_stream

LONGEST = 180.0  # s that are tested of a recording, so that it takes a bounded time
LOOKED_AT = 4  # parts of a longer recording among which one is chosen
SPARE = 0.01  # s by which samples may lie beside the edges of a part


def tested_part(recording: xr.DataTree) -> xr.DataTree:
    """At most 180 s of a recording, in memory, fNIRS as optical density.

    Of a longer one the part in which all modalities have most of whichever is rarer: calm samples,
    or samples that are not calm.

    Examples
    --------
    >>> import neurofuse as nf
    >>> part = tested_part(nf.simulate(duration=20, seed=0)[1])
    >>> round(float(part["eeg"].time[-1])), "od" in part["nirs"]
    (20, True)
    """
    start, stop = span(recording)
    if stop - start <= LONGEST:
        return _held(recording, start, stop)
    count = min(LOOKED_AT, int(np.ceil(2 * (stop - start) / LONGEST)) - 1)
    parts = (
        _held(recording, first, first + LONGEST)
        for first in np.linspace(start, stop - LONGEST, max(count, 2))
    )
    return max(parts, key=_balance)


def span(recording: xr.DataTree) -> tuple[float, float]:
    """First and last time [s] at which all modalities are recorded.

    Examples
    --------
    >>> import neurofuse as nf
    >>> span(nf.simulate(duration=20, seed=0, nirs_montage=None)[0])
    (0.0, 19.996)
    """
    times = [recording[stream].time.values[[0, -1]] for stream in streams(recording)]
    first, last = np.array(times).T
    return float(first.max()), float(last.min())


def samples(node: xr.Dataset, stream: str) -> np.ndarray:
    """EEG (channel, time) [V] or optical density (channel, wavelength, time)."""
    modality = MODALITIES[stream]
    return np.asarray(node[modality.variable(node)].transpose(*modality.dims).values, float)


def used_channels(node: xr.Dataset, stream: str) -> np.ndarray:
    """Channels (channel,) that are not bad, and of EEG those that are EEG."""
    used = ~node.bad.values
    return used & (node.ch_type.values == "eeg") if stream == EEG.name else used


def _held(recording: xr.DataTree, start: float, stop: float) -> xr.DataTree:
    part = dims_in_order(recording)
    for stream in streams(recording):
        node = stream_dataset(part, stream).sel(time=slice(start - SPARE, stop + SPARE))
        part = with_stream(part, stream, node.load())
    return to_optical_density(part) if "nirs" in streams(part) else part


def _balance(part: xr.DataTree) -> float:
    shares = []
    for stream in streams(part):
        node = stream_dataset(part, stream)
        rows = samples(node, stream)[used_channels(node, stream)]
        if len(rows):
            shares.append(calm(rows, float(node.attrs["rate"]), stream).mean())
    return min((min(share, 1 - share) for share in shares), default=0.0)
