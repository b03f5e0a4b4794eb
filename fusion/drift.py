"""Did the recording drift: is its rest, every five minutes, still what it was at the start?"""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.drift_watch import EVERY, PIECE, RECALL, Drift, Watch, recall
from neurofuse.fusion.methods.cleaner import apply
from neurofuse.fusion.methods.registry import default_method, get_method
from neurofuse.io.errors import ParameterError, ReadError, SchemaError
from neurofuse.io.lazy import BLOCK
from neurofuse.io.modality import EEG, MODALITIES
from neurofuse.io.recording import LOST, build, check, stream_dataset, streams

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method


def drift(
    recording: xr.DataTree,
    cleaned: xr.DataTree,
    *,
    every: float = EVERY,
    method: "Method | None" = None,
) -> list[Drift]:
    """What changed in the course of a recording: contacts, gains, noise, the reference.

    Every five minutes the power and the correlations of channels outside motion are compared with
    those of the start, and movements are put into a minute of rest to see whether they are still
    found. `neurofuse.clean` estimates what is quiet in every minute anew, so that nothing has to be
    done about a drift; the report is for whoever compares the end of the recording with its start.

    Parameters
    ----------
    recording : Recording
        As it was.
    cleaned : Recording
        What `neurofuse.clean` made of it, by a method with a motion mask.
    every : float
        How often to compare [s].
    method : str, Path, Cleaner or model, optional
        By which injected movements are to be found; by default that of `neurofuse.clean`.

    Returns
    -------
    list of Drift
        In order of time; empty for a recording that stayed as it was, or is shorter than twice
        `every`.

    Raises
    ------
    ParameterError
        If `every` is less than a minute, or `cleaned` was made of another recording.
    SchemaError
        If `cleaned` has no motion mask.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, recording = nf.simulate(duration=20, seed=0)
    >>> nf.drift(recording, nf.clean(recording))  # too short: nothing to compare with
    []
    """
    check(recording)
    check(cleaned)
    if not (np.isfinite(every) and every >= PIECE):
        raise ParameterError(
            f"every={every}", f"seconds, at least {PIECE:g}", f"leave it out for {EVERY:g}"
        )
    found: list[Drift] = []
    masks: dict[str, np.ndarray] = {}
    for s in streams(cleaned):
        node = stream_dataset(cleaned, s)
        if "gate" not in node:
            continue
        gate = node.gate.transpose("channel", "time").values
        if s not in streams(recording) or gate.shape != _shape(recording, s):
            raise ParameterError(
                f"a cleaned Recording with {MODALITIES[s].display} of shape {gate.shape}",
                "what was made of this recording",
                "give both, before and after cleaning",
            )
        masks[s] = at_rest(node)
        found += _watched(recording, s, masks[s], every)
    if not masks:
        raise SchemaError(
            "a cleaned Recording without motion mask",
            "one cleaned by a learned method, such as 'joint'",
            "clean with the default method",
        )
    found += _recalls(recording, masks, every, method)
    return sorted(found, key=lambda one: (one.time, one.modality, one.measure))


def _shape(recording: xr.DataTree, s: str) -> tuple[int, int]:
    node = stream_dataset(recording, s)
    return node.sizes["channel"], node.sizes["time"]


def at_rest(node: xr.Dataset) -> np.ndarray:
    """Where (channel, time) a channel of what was cleaned neither moves nor is lost."""
    rest = (node.gate.transpose("channel", "time").values == 0) & ~node.bad.values[:, None]
    if "ch_type" in node.coords:
        rest &= (node.ch_type.values == EEG.name)[:, None]
    if "verdict" in node:
        rest &= node.verdict.transpose("channel", "time").values != LOST
    return rest


def _watched(recording: xr.DataTree, s: str, rest: np.ndarray, every: float) -> list[Drift]:
    """Drifts of levels and correlations of a modality, outside motion, read in blocks."""
    node = stream_dataset(recording, s)
    modality, rate = MODALITIES[s], float(node.attrs["rate"])
    name = modality.variable(node)
    samples = node[name].transpose(*modality.dims)
    watch = Watch(s, [str(c) for c in node.channel.values], rate, every=every)
    size, found = max(round(BLOCK * rate), 1), []
    for first in range(0, node.sizes["time"], size):
        here = slice(first, first + size)
        block = samples.isel(time=here).values
        if name == "intensity":
            with np.errstate(all="ignore"):
                block = -np.log(block)
        found += watch.push(block, rest[:, here])
    return found


def _recalls(
    recording: xr.DataTree, masks: dict[str, np.ndarray], every: float, method: "Method | None"
) -> list[Drift]:
    """Drifts of the share of injected movements that is found, in the calmest minutes."""
    cleaner = get_method(default_method(recording) if method is None else method)
    begin = {s: float(recording[s].time[0]) for s in masks}
    ends = [float(recording[s].time[-1]) for s in masks]
    first: dict[str, float] = {}
    found = []
    count = int((min(ends) - max(begin.values())) // every)
    for k in range(count if count > 1 else 0):
        low = max(begin.values()) + k * every
        piece = _piece(recording, masks, low, low + every)
        try:
            shares = recall(piece, lambda moved: apply(cleaner, moved))
        except ReadError:  # no usable channel in it
            continue
        for s, share in shares.items():
            if abs(share - first.setdefault(s, share)) > RECALL:
                names = tuple(str(c) for c in stream_dataset(recording, s).channel.values)
                change, first[s] = share - first[s], share
                at = low + every - begin[s]
                found.append(Drift(at, s, names, "recall", change))
    return found


def _piece(
    recording: xr.DataTree, masks: dict[str, np.ndarray], low: float, high: float
) -> xr.DataTree:
    """The calmest minute of a stretch, in memory."""
    starts = np.arange(low, high - PIECE + 1e-6, PIECE / 4)

    def calm(start: float) -> float:
        shares = []
        for s, rest in masks.items():
            time = recording[s].time.values
            here = slice(*np.searchsorted(time, [start, start + PIECE]))
            shares.append(rest[:, here].mean())
        return float(np.mean(shares))

    start = max(starts, key=calm)
    here = slice(start, start + PIECE)
    nodes = {s: stream_dataset(recording, s).sel(time=here).load() for s in masks}
    return build(nodes.get("eeg"), nodes.get("nirs"))
