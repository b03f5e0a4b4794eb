"""Whether the EEG of a Recording is referenced to its own average, and whether it still is."""

import numpy as np
import xarray as xr

from neurofuse.io.lazy import time_blocks
from neurofuse.io.logs import LOG
from neurofuse.io.modality import EEG
from neurofuse.io.recording import note, stream_dataset, streams

FEWEST = 4  # channels; the sum of fewer is near zero too easily
ROUNDING = 1e-6  # of the largest sample: smaller changes are none
SUM_IS_ZERO = 0.01  # of the channels' rms; rounding of 16-bit files stays below


def average_referenced(node: xr.Dataset) -> bool:
    """Whether the mean of all EEG channels, or of those that are not bad, is zero throughout.

    Parameters
    ----------
    node : xarray.Dataset
        `eeg` (channel, time) [V], read in blocks of time.

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> data = np.random.default_rng(0).standard_normal((5, 500))
    >>> average_referenced(eeg_dataset(data, 100.0, list("abcde")))
    False
    >>> average_referenced(eeg_dataset(data - data.mean(axis=0), 100.0, list("abcde")))
    True
    """
    electrodes = np.asarray(node.ch_type == EEG.name)
    choices = electrodes, electrodes & ~node.bad.values
    possible = [rows for rows in choices if rows.sum() >= FEWEST]
    samples = node[EEG.variable(node)].transpose(*EEG.dims)
    for _, block in time_blocks(samples, node.attrs["rate"]):
        possible = [rows for rows in possible if _sums_to_zero(block[rows])]
        if not possible:
            return False
    return bool(possible)


def note_reference(before: xr.DataTree, after: xr.DataTree) -> xr.DataTree:
    """The cleaned Recording; where its EEG has lost the average reference, its provenance says so.

    Channels are cleaned where they moved and stay untouched elsewhere, so that their sum is no
    longer zero in movement. To reference it anew would change samples that did not move.
    """
    if EEG.name not in streams(before) or EEG.name not in streams(after):
        return after
    if not average_referenced(stream_dataset(before, EEG.name)):
        return after
    if _sum_unchanged(stream_dataset(before, EEG.name), stream_dataset(after, EEG.name)):
        return after
    LOG.warning(
        "the EEG was average-referenced and no longer is where it was cleaned; to reference it "
        "anew, use raw.set_eeg_reference('average')"
    )
    return note(after, "average_reference", before=True, after=False)


def _sum_unchanged(before: xr.Dataset, after: xr.Dataset) -> bool:
    """Whether what was taken from the channels sums to zero, however short the movements are."""
    rows = np.asarray((before.ch_type == EEG.name) & ~before.bad)
    samples = (n[EEG.variable(n)].transpose(*EEG.dims) for n in (before, after))
    blocks = (time_blocks(x, before.attrs["rate"]) for x in samples)
    for (_, old), (_, new) in zip(*blocks, strict=True):
        change, size = (new - old)[rows], float(np.nanmax(np.abs(old[rows]), initial=0.0))
        if np.nanmax(np.abs(change), initial=0.0) > ROUNDING * size and not _sums_to_zero(change):
            return False
    return True


def _sums_to_zero(block: np.ndarray) -> bool:
    block = block[:, np.isfinite(block).all(axis=0)]
    if not block.size:
        return True
    rms = [float(np.sqrt(np.mean(np.square(x)))) for x in (block.mean(axis=0), block)]
    return rms[0] <= SUM_IS_ZERO * rms[1]
