"""The stretch of a long recording that a page can show: the one with most motion."""

import numpy as np
import xarray as xr

from neurofuse.io.lazy import BLOCK, is_lazy, time_blocks
from neurofuse.io.modality import EEG
from neurofuse.io.recording import stream_dataset, streams, with_stream

LARGEST_EEG = 2**27  # bytes of samples, e.g. 17 min of 32 channels at 500 Hz


def excerpt(
    before: xr.DataTree, after: xr.DataTree, truth: xr.DataTree | None = None
) -> tuple[xr.DataTree, xr.DataTree, xr.DataTree | None, str]:
    """Cut recordings whose EEG is still in its file to a stretch that fits into memory.

    Parameters
    ----------
    before, after, truth : Recording
        The same stretch is taken of all three: the one with most motion by the motion mask of
        `after`, or the start if it has none.

    Returns
    -------
    before, after, truth : Recording
        As they were, or shortened and in memory.
    notice : str
        What is shown of them, or "" if all.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> small = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> excerpt(small, small)[3]
    ''
    """
    if EEG.name not in streams(before) or not is_lazy(before["eeg"].eeg):
        return before, after, truth, ""
    node = before["eeg"]
    rate, count = node.attrs["rate"], node.sizes["time"]
    blocks = max(int(LARGEST_EEG / (8 * node.sizes["channel"] * rate * BLOCK)), 1)
    start = float(node.time[0])
    if count / rate > blocks * BLOCK and "gate" in after["eeg"]:
        gate = after["eeg"].gate
        fraction = np.array([block.mean() for _, block in time_blocks(gate, rate)])
        total = np.concatenate([[0.0], np.cumsum(fraction)])
        start += BLOCK * int(np.argmax(total[blocks:] - total[:-blocks]))
    stop = start + blocks * BLOCK - 1 / rate
    stretch = slice(start, stop)
    notice = (
        f"This page shows {start / 60:.0f} to {stop / 60:.0f} min of {count / rate / 60:.0f} min: "
        "the stretch with most motion that fits into memory. All figures are of this stretch."
    )
    return (
        _cut(before, stretch),
        _cut(after, stretch),
        None if truth is None else _cut(truth, stretch),
        notice,
    )


def _cut(recording: xr.DataTree, stretch: slice) -> xr.DataTree:
    """A stretch in memory, without what no page shows."""
    for stream in streams(recording):
        node = stream_dataset(recording, stream).drop_vars("uncertainty", errors="ignore")
        recording = with_stream(recording, stream, node)
    return recording.sel(time=stretch).load()
