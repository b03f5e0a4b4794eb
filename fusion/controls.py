"""Mismatched partners: the other modality of another participant, or from another time."""

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import note, stream_dataset, streams, time_axis, with_stream


def with_partner(recording: xr.DataTree, partner: xr.DataTree, stream: str) -> xr.DataTree:
    """A Recording whose `stream` comes from another recording: a mismatched partner.

    A joint method that gains as much from a mismatched partner as from the true one gains nothing
    from the other modality. The partner keeps its rate and starts where the replaced modality did.
    It is cut to the same duration; where it is too short it is played forwards and backwards in
    turn, so that no step appears at a seam.

    Parameters
    ----------
    recording, partner : Recording
        Both hold `stream`.
    stream : {"eeg", "nirs"}
        The modality to replace.

    Returns
    -------
    Recording

    Raises
    ------
    ParameterError
        If one of them lacks this modality.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> one, other = (build(eeg_dataset(np.full((1, n), n), 10.0, ["Cz"])) for n in (50, 20))
    >>> with_partner(one, other, "eeg").eeg.eeg.values[0, ::20].tolist()
    [20, 20, 20]
    """
    for side, name in ((recording, "recording"), (partner, "partner")):
        if stream not in streams(side):
            raise ParameterError(
                f"a {name} with {' and '.join(streams(side))} only", f"/{stream} in both", "add it"
            )
    replaced, other = stream_dataset(recording, stream), stream_dataset(partner, stream)
    rate, length = other.attrs["rate"], other.sizes["time"]
    samples = max(1, round(replaced.sizes["time"] / replaced.attrs["rate"] * rate))
    there = np.arange(samples) % max(1, 2 * length - 2)
    index = np.minimum(there, 2 * length - 2 - there) if length > 1 else there
    taken = other.isel(time=index).assign_coords(
        time=time_axis(samples, rate, float(replaced.time[0]))
    )
    swapped = with_stream(recording, stream, taken)
    if "events" in recording.children:
        events = stream_dataset(recording, "events")
        swapped = with_stream(swapped, "events", events.isel(event=events.stream != stream))
    return note(swapped, "with_partner", stream=stream)


def shifted(recording: xr.DataTree, stream: str) -> xr.DataTree:
    """A Recording whose `stream` is shifted in a circle by half of its duration, without a step.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> ramp = build(eeg_dataset(np.arange(6.0)[None], 1.0, ["Cz"]))
    >>> shifted(ramp, "eeg").eeg.eeg.values.tolist()
    [[3.0, 4.0, 5.0, 5.0, 6.0, 7.0]]
    """
    node = stream_dataset(recording, stream)
    name = next(n for n in ("eeg", "od", "intensity") if n in node)
    values = node[name].transpose(..., "time")
    half = values.sizes["time"] // 2
    later, first = values.values[..., half:], values.values[..., :half]
    ends = later[..., -1:], first[..., :1]
    if name == "intensity":  # light multiplies
        factor = np.divide(*ends, out=np.ones_like(ends[0], float), where=(ends[1] > 0))
        first = first * np.where(np.isfinite(factor) & (factor > 0), factor, 1.0)
    else:
        first = first + np.nan_to_num(ends[0] - ends[1])
    rolled = values.copy(data=np.concatenate([later, first], axis=-1))
    moved = with_stream(recording, stream, node.assign({name: rolled}))
    return note(moved, "shifted", stream=stream, samples=half)
