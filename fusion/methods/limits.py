"""Recordings that the trained models were not made for: a warning that names channels and cause."""

import numpy as np
import xarray as xr

from neurofuse.io.lazy import is_lazy, time_blocks
from neurofuse.io.logs import LOG
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.quality.rails import NEAR_RAIL, rail_share
from neurofuse.io.recording import stream_dataset, streams

SLOWEST_NIRS = 0.9  # Hz; the models were trained at 1 to 12.5 Hz
RAIL_WINDOW = 5.0  # s
AT_RAILS = 0.2  # fraction of a window at the rails above which there is no contact
MOST_BLOCKS = 20  # of a recording that is still in its file


def warn_of_limits(recording: xr.DataTree, treated: tuple[str, ...]) -> None:
    """Warn where cleaning by a trained model changes what is no motion, or cannot help.

    fNIRS that is sampled too slowly, and EEG channels that jump from rail to rail because there is
    no contact. Of a recording that is still in its file some
    blocks are looked at.

    Parameters
    ----------
    recording : Recording
        Bad channels are marked already.
    treated : tuple of str
        The modalities that the model treats.
    """
    present = [stream for stream in streams(recording) if stream in treated]
    if NIRS.name in present:
        rate = float(stream_dataset(recording, NIRS.name).attrs["rate"])
        if rate < SLOWEST_NIRS:
            LOG.warning(
                "fNIRS at %g Hz: the models were trained at 1 to 12.5 Hz, and here movements are "
                "shorter than a sample; compare with uncorrected",
                rate,
            )
    if EEG.name in present:
        _warn_of_eeg(stream_dataset(recording, EEG.name))


def _warn_of_eeg(node: xr.Dataset) -> None:
    rate = float(node.attrs["rate"])
    good = (node.ch_type.values == "eeg") & ~node.bad.values
    names = node.channel.values[good]
    blocks = [(first, block[good]) for first, block in _some_blocks(node, rate)]
    railed = {}
    for row, name in enumerate(names):
        starts = _at_rails([(first, block[row]) for first, block in blocks], rate)
        if starts:
            railed[str(name)] = starts
    if railed:
        first = float(node.time[0]) + min(min(starts) for starts in railed.values())
        LOG.warning(
            "EEG channels %s are at the rails of the amplifier for up to %g s, from %.1f s on: "
            "there is no contact and no EEG there; where that lasts, it comes back as recorded",
            ", ".join(railed),
            RAIL_WINDOW * max(len(starts) for starts in railed.values()),
            first,
        )


def _some_blocks(node: xr.Dataset, rate: float) -> list[tuple[int, np.ndarray]]:
    """First sample and samples (channel, time): all, or `MOST_BLOCKS` blocks of a large file."""
    samples = node.eeg.transpose("channel", "time")
    if not is_lazy(samples):
        return [(0, samples.values)]
    length = samples.sizes["time"]
    size = max(1, length // MOST_BLOCKS)
    return [
        (start + first, block)
        for start in range(0, length, size)
        for first, block in [next(time_blocks(samples.isel(time=slice(start, None)), rate))]
    ]


def _at_rails(blocks: list[tuple[int, np.ndarray]], rate: float) -> list[float]:
    """Starts [s] of the windows of a channel that lie at its rails for `AT_RAILS` of their time."""
    series = [block[np.isfinite(block)] for _, block in blocks]
    if not any(part.size for part in series):
        return []
    low, high = min(s.min() for s in series if s.size), max(s.max() for s in series if s.size)
    if not any(rail_share(block[None], low, high) for _, block in blocks):
        return []
    size, reach = max(1, round(RAIL_WINDOW * rate)), NEAR_RAIL * (high - low)
    starts = []
    for first, block in blocks:
        held = (block >= high - reach) | (block <= low + reach)
        for window in range(len(block) // size):
            if held[window * size : (window + 1) * size].mean() >= AT_RAILS:
                starts.append((first + window * size) / rate)
    return starts
