"""The stretch of a long recording that a page can show: where it moved most."""

import numpy as np
import xarray as xr

from neurofuse.io.lazy import BLOCK, is_lazy, time_blocks
from neurofuse.io.recording import streams

SHOWN = 2**28  # bytes of EEG samples, e.g. 35 min of 32 channels at 500 Hz


def excerpt(
    before: xr.DataTree, after: xr.DataTree, truth: xr.DataTree | None = None
) -> tuple[xr.DataTree, xr.DataTree, xr.DataTree | None, str]:
    """Cut recordings whose EEG is still in its file to a stretch that fits into memory.

    Parameters
    ----------
    before, after, truth : Recording
        The same stretch is taken of all three: the one with most open gates in `after`, or the
        start if it has no gate.

    Returns
    -------
    before, after, truth : Recording
        As they were, or cut and in memory.
    words : str
        What was cut, or "".

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> small = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> excerpt(small, small)[3]
    ''
    """
    if "eeg" not in streams(before) or not is_lazy(before["eeg"].eeg):
        return before, after, truth, ""
    node = before["eeg"]
    rate, count = node.attrs["rate"], node.sizes["time"]
    blocks = max(int(SHOWN / (8 * node.sizes["channel"] * rate * BLOCK)), 1)
    start = float(node.time[0])
    if count / rate > blocks * BLOCK and "gate" in after["eeg"]:
        gate = after["eeg"].gate
        opened = np.array([block.mean() for _, block in time_blocks(gate, rate)])
        total = np.concatenate([[0.0], np.cumsum(opened)])
        start += BLOCK * int(np.argmax(total[blocks:] - total[:-blocks]))
    stop = start + blocks * BLOCK - 1 / rate
    here = slice(start, stop)
    cut = before.sel(time=here).load(), after.sel(time=here).load()
    words = (
        f"This page shows {start / 60:.0f} to {stop / 60:.0f} min of {count / rate / 60:.0f} min: "
        "the stretch with most movement that fits into memory. Figures are of that stretch."
    )
    return *cut, None if truth is None else truth.sel(time=here).load(), words
