"""A verdict on every sample: kept as it was, repaired, or lost.

Lost is what measured nothing of the participant (`io/quality/lost.py`), what is missing, every
channel marked bad, and fNIRS under a motion mask that stays open for longer than movements last.
Such stretches come back as recorded: a cleaner would make something of them that looks like a
brain.
"""

from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import find_objects, label

from neurofuse.io.errors import ParameterError
from neurofuse.io.lazy import is_lazy, time_blocks
from neurofuse.io.modality import EEG, MODALITIES, NIRS
from neurofuse.io.quality.lost import lost_times, on_samples, window_length
from neurofuse.io.recording import (
    GATE_OPEN,
    LOST,
    note,
    provenance,
    stream_dataset,
    streams,
    with_provenance,
    with_stream,
)

KEPT, REPAIRED = 0, 1
# fNIRS under a mask that is open nearly throughout a window of the model [s; share of it] has lost
# contact; after 20 s many movements are still repaired, to -4 to -7 dB
TOO_LONG, NEARLY = 60.0, 0.95
SAME = 1e-6  # of a channel's largest sample: smaller changes of EEG are rounding …
SAME_OD = 1e-7  # … and of steps of optical density
FOREIGN = 0.5  # of a signal's usual size: kept samples so far off are another recording's


def with_verdicts(recording: xr.DataTree, cleaned: xr.DataTree) -> xr.DataTree:
    """The cleaned Recording with `verdict` (channel, time) in each stream, lost samples as before.

    Parameters
    ----------
    recording : Recording
        As it was recorded.
    cleaned : Recording
        What a method made of it.

    Returns
    -------
    Recording
        `verdict` is 0 where samples are as recorded, 1 where they were changed (with a learned
        method: where its motion mask is above 0), 2 where they are lost. The provenance tells the
        shares, over channels that are not bad.

    Examples
    --------
    >>> import neurofuse as nf
    >>> _, recording = nf.simulate(20.0, seed=0)
    >>> cleaned = with_verdicts(recording, recording)
    >>> cleaned["eeg"].verdict.dims, int(cleaned["eeg"].verdict.max())
    (('channel', 'time'), 0)
    """
    shares = {}
    for stream in streams(cleaned):
        node = _judged(stream_dataset(recording, stream), stream_dataset(cleaned, stream), stream)
        cleaned = with_stream(cleaned, stream, node)
        shares[stream] = _shares(node)
    steps = provenance(cleaned)
    if not steps or steps[-1]["step"] != "clean":  # a cleaner of others that notes nothing
        return note(cleaned, "clean", verdict=shares)
    last = {**steps[-1], "parameters": {**steps[-1]["parameters"], "verdict": shares}}
    return with_provenance(cleaned, [*steps[:-1], last])


def refuse_others(recording: xr.DataTree, cleaned: xr.DataTree) -> None:
    """Refuse a cleaned version of another recording, which may well have the same layout and times.

    What a verdict calls kept must be as it was recorded (fNIRS: its steps from sample to sample).
    One block of 60 s is looked at; without a verdict, or where nothing was kept, nothing is known.

    Parameters
    ----------
    recording, cleaned : Recording
        With the same channels and times.

    Raises
    ------
    ParameterError
        If what was kept is not what was recorded.

    Examples
    --------
    >>> import neurofuse as nf
    >>> one, other = (nf.simulate(20.0, seed=seed)[0] for seed in (0, 1))
    >>> refuse_others(one, nf.clean(one))
    >>> refuse_others(one, nf.clean(other))
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ParameterError: found /eeg whose kept samples are not those recorded; ...
    """
    for stream in streams(recording):
        if stream not in streams(cleaned):
            continue
        before, after = stream_dataset(recording, stream), stream_dataset(cleaned, stream)
        name, dims = MODALITIES[stream].variable(before), MODALITIES[stream].dims
        if "verdict" in after and name in after and _foreign(before, after, name, dims):
            raise ParameterError(
                f"/{stream} whose kept samples are not those recorded",
                "the recording that was cleaned, and what was made of it",
                "give both of the same session and participant, processed alike",
            )


def _foreign(before: xr.Dataset, after: xr.Dataset, name: str, dims: tuple[str, ...]) -> bool:
    after = after.sel({dim: before[dim].values for dim in dims[:-1]})
    rate = float(before.attrs["rate"])
    for first, block in time_blocks(after.verdict.transpose("channel", "time"), rate):
        kept = block == KEPT
        here = {"time": slice(first, first + block.shape[1])}
        nodes = (before, after)
        old, new = (node[name].isel(here).transpose(*dims).values.astype(float) for node in nodes)
        if old.ndim == 3:
            if name == "intensity":
                with np.errstate(all="ignore"):  # bad channels may hold anything
                    old, new = np.log(old), np.log(new)
            old, new = np.diff(old), np.diff(new)
            kept = np.broadcast_to((kept[:, 1:] & kept[:, :-1])[:, None], old.shape)
        kept = kept & np.isfinite(old)
        rows = kept.any(axis=-1)
        if rows.any():
            old, new, kept = old[rows], new[rows], kept[rows]
            middle = np.nanmedian(np.where(kept, old, np.nan), axis=-1, keepdims=True)
            size, off = np.abs(old - middle)[kept], np.abs(new - old)[kept]
            return bool(not np.median(off) <= FOREIGN * np.median(size))  # NaN is not kept
    return False


def _judged(before: xr.Dataset, after: xr.Dataset, stream: str) -> xr.Dataset:
    modality = MODALITIES[stream]
    name = modality.variable(after)
    if name not in before:  # another unit than before: nothing can be put back
        return after
    dims = tuple(d for d in after[name].dims if d != "time")
    old, new = (node[name].transpose(*dims, "time") for node in (before, after))
    gate = after.gate.transpose("channel", "time") if "gate" in after else None
    bad = np.asarray(after.bad.values)
    lost = lost_times(before.assign_coords(bad=("channel", bad)), stream)
    size = window_length(before)
    bridged = None  # fNIRS always fits into memory
    if gate is not None and stream == NIRS.name:
        bridged = _too_long(gate.values > GATE_OPEN, float(before.attrs["rate"]))

    def judge(first: int, old: np.ndarray, new: np.ndarray, gate: Any) -> np.ndarray:
        """Verdicts on samples from number `first` on."""
        gone = on_samples(lost, size, first, first + old.shape[-1])
        changed = np.asarray(gate) > 0 if gate is not None else _changed(old, new, name)
        missing = ~np.isfinite(old)
        missing = missing.any(1) if missing.ndim == 3 else missing
        verdict = np.where(changed, REPAIRED, KEPT).astype(np.int8)
        if bridged is not None:
            gone |= bridged[:, first : first + old.shape[-1]]
        verdict[gone | missing | bad[:, None]] = LOST
        return verdict

    def put_back(old: np.ndarray, new: np.ndarray, verdict: np.ndarray) -> np.ndarray:
        gone = verdict == LOST
        return np.where(gone[:, None] if old.ndim == 3 else gone, old, new)

    if is_lazy(old) or is_lazy(new):
        import dask.array as da

        old_, new_ = (x.chunk({"time": _chunks(old, new)}).data for x in (old, new))
        gate_ = None if gate is None else gate.chunk({"time": _chunks(old, new)}).data

        def block(*given: np.ndarray, block_info: Any = None) -> np.ndarray:
            first = block_info[0]["array-location"][-1][0] if block_info else 0
            return judge(first, given[0], given[1], given[2] if len(given) > 2 else None)

        parts = [old_, new_] if gate_ is None else [old_, new_, gate_]
        verdict = da.map_blocks(block, *parts, dtype=np.int8)
        samples = da.map_blocks(put_back, old_, new_, verdict, dtype=new.dtype)
    else:
        given = None if gate is None else gate.values
        verdict = judge(0, old.values, new.values, given)
        if (verdict == LOST).any():
            samples = put_back(old.values, new.values, verdict)
        else:
            samples = new.values
    fixed = xr.DataArray(samples, dims=(*dims, "time")).transpose(*after[name].dims)
    return after.assign(
        {name: after[name].copy(data=fixed.data), "verdict": (("channel", "time"), verdict)}
    )


def _too_long(masked: np.ndarray, rate: float) -> np.ndarray:
    """Which masked samples (channel, time) lie in a stretch that is masked nearly throughout."""
    length = max(round(TOO_LONG * rate), 1)
    if masked.shape[1] < length:
        return np.zeros(masked.shape, bool)
    count = np.cumsum(np.pad(masked, ((0, 0), (1, 0))), axis=1)
    full = count[:, length:] - count[:, :-length] >= NEARLY * length  # by the first sample
    inside = np.zeros(masked.shape, bool)
    for row, starts in zip(inside, full, strict=True):
        for (stretch,) in find_objects(label(starts)[0]):  # type: ignore[index]
            row[stretch.start : stretch.stop + length - 1] = True
    return inside & masked


def _changed(old: np.ndarray, new: np.ndarray, name: str) -> np.ndarray:
    """Where samples (channel, time) differ; of fNIRS where steps of optical density do.

    A method that corrects a baseline level changes everything after it by a constant.
    """
    with np.errstate(all="ignore"):  # bad channels may hold anything
        if old.ndim == 2:
            near = SAME * np.nanmax(np.abs(old), axis=-1, keepdims=True, initial=0.0)
            return np.greater(np.abs(new - old), near)
        taken = np.log(new / old) if name == "intensity" else old - new
        steps = np.abs(np.diff(taken, axis=-1, prepend=taken[..., :1]))
        return np.greater(steps.max(1), SAME_OD)


def _chunks(old: xr.DataArray, new: xr.DataArray) -> tuple[int, ...]:
    """Blocks of time of whatever is still in a file."""
    lazy = old if is_lazy(old) else new
    return tuple(lazy.chunksizes["time"])


def _shares(node: xr.Dataset) -> dict[str, float]:
    """Shares of channel-time that were kept, repaired and lost, of channels that are not bad."""
    if "verdict" not in node:
        return {}
    used = ~node.bad.values
    if "ch_type" in node.coords:
        used &= node.ch_type.values == EEG.name
    counts = np.zeros(3)
    for _, block in time_blocks(node.verdict, float(node.attrs["rate"])):
        counts += np.bincount(block[used].ravel(), minlength=3)
    names = ("kept", "repaired", "lost")
    total = max(counts.sum(), 1)
    return {n: round(float(c / total), 4) for n, c in zip(names, counts, strict=True)}
