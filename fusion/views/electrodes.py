"""Electrodes of EEG only: what the pages count and draw; ECG, AUX and the like are named."""

import numpy as np
import xarray as xr

from neurofuse.fusion.views.phrases import listed
from neurofuse.io.modality import EEG
from neurofuse.io.recording import stream_dataset, streams, with_stream


def electrodes_only(recording: xr.DataTree) -> tuple[xr.DataTree, list[str]]:
    """A Recording without the channels of its EEG file that are not EEG, and their names.

    They come back from cleaning unchanged. Counted as EEG, they would lower every share, and their
    amplitudes would set the colour scales.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    recording : Recording
        The same one if all its channels are EEG, or none is.
    others : list of str
        What was left out.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> node = eeg_dataset(np.zeros((2, 9)), 9.0, ["Cz", "ECG"], ch_type=["eeg", "ecg"])
    >>> electrodes, others = electrodes_only(build(node))
    >>> electrodes["eeg"].channel.values.tolist(), others
    (['Cz'], ['ECG'])
    """
    if EEG.name not in streams(recording):
        return recording, []
    node = stream_dataset(recording, EEG.name)
    if "ch_type" not in node.coords:
        return recording, []
    eeg = np.asarray(node.ch_type.values == "eeg")
    if eeg.all() or not eeg.any():
        return recording, []
    return with_stream(recording, EEG.name, node.isel(channel=eeg)), [
        str(name) for name in node.channel.values[~eeg]
    ]


def others_named(others: list[str]) -> str:
    """A sentence that names what was left out, or "".

    Examples
    --------
    >>> others_named(["ECG", "AUX_1"])
    'Not EEG, so neither cleaned nor on this page: ECG and AUX_1.'
    """
    return f"Not EEG, so neither cleaned nor on this page: {listed(others)}." if others else ""
