"""The upper bound of all methods that correct in motion only: the truth, put in there."""

import numpy as np
import xarray as xr

from neurofuse.io.errors import SchemaError
from neurofuse.io.optics.conversion import to_intensity, to_optical_density
from neurofuse.io.recording import note, stream_dataset, streams, with_stream


def oracle(truth: xr.DataTree, contaminated: xr.DataTree) -> xr.DataTree:
    """The contaminated recording with the truth where `motion` marks a channel as in motion.

    EEG samples are the truth's there. In fNIRS the sample-to-sample changes of optical density are,
    so that the baseline level after a movement is what a perfect correction inside it would leave.

    Parameters
    ----------
    truth, contaminated : Recording
        Same channels and times; `contaminated` holds `motion` (channel, time).

    Returns
    -------
    Recording
        A copy of `contaminated`; samples outside motion are unchanged in EEG, and follow the
        corrected baseline level in fNIRS.

    Raises
    ------
    SchemaError
        If the contaminated recording does not say where motion is.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=20, seed=2)
    >>> best = oracle(truth, contaminated)
    >>> bool(np.allclose(best["eeg"].eeg, truth["eeg"].eeg))
    True
    """
    out = contaminated
    for stream in streams(contaminated):
        if stream not in streams(truth):
            continue
        node = stream_dataset(contaminated, stream)
        if "motion" not in node:
            raise SchemaError(
                f"/{stream} without `motion`",
                "a mask `motion` (channel, time)",
                "make the recording with neurofuse.inject or simulate, or add the mask",
            )
        put = _eeg if stream == "eeg" else _nirs
        out = put(truth, out, node.motion.transpose("channel", "time").values.astype(bool))
    return note(out, "oracle")


def _eeg(truth: xr.DataTree, recording: xr.DataTree, motion: np.ndarray) -> xr.DataTree:
    node = stream_dataset(recording, "eeg")
    wanted = stream_dataset(truth, "eeg").eeg.sel(channel=node.channel.values)
    before = node.eeg.transpose("channel", "time")
    return with_stream(
        recording, "eeg", node.assign(eeg=before.copy(data=np.where(motion, wanted, before)))
    )


def _nirs(truth: xr.DataTree, recording: xr.DataTree, motion: np.ndarray) -> xr.DataTree:
    density = to_optical_density(recording)
    node = stream_dataset(density, "nirs")
    where = {"channel": node.channel.values, "wavelength": node.wavelength.values}
    wanted = stream_dataset(to_optical_density(truth), "nirs").od.sel(where)
    steps, true_steps = (
        np.diff(one.transpose("channel", "wavelength", "time").values) for one in (node.od, wanted)
    )
    moves = (motion[:, 1:] | motion[:, :-1])[:, None]
    change = np.concatenate(
        [node.od.values[..., :1], np.where(moves, true_steps, steps)], axis=-1, dtype=np.float64
    )
    changed = with_stream(
        density, "nirs", node.assign(od=node.od.copy(data=np.cumsum(change, axis=-1)))
    )
    return to_intensity(changed) if "intensity" in recording["nirs"].data_vars else changed
