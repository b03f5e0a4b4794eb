"""The second output of live cleaning: later, and close to what cleaning afterwards gives.

The model that sees the future is run over the last minute, and what lies far enough back is given
out.
"""

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.cleaner import apply
from neurofuse.fusion.methods.registry import default_method, get_method
from neurofuse.fusion.verdict import with_verdicts
from neurofuse.io.errors import ReadError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.quality.channels import mark_bad
from neurofuse.io.recording import LOST, build, stream_dataset

BEHIND = 8.0  # s after a sample that its cleaning looks at
CONTEXT = 40.0  # s before it
LATER = "settled"  # the folder of a live export whose model sees the future
HELD = 120.0  # s of samples that are kept; of older ones nothing is known any more
SHORTEST = 10.0  # s of a recording that can be cleaned


@dataclass
class Past:
    """The last samples of one modality, and how far they were given out."""

    rate: float  # Hz
    shape: tuple[int, ...]  # of a sample: (channel[, wavelength])
    chunks: deque[tuple[np.ndarray, np.ndarray]] = field(default_factory=deque)  # and stamps
    first: int = 0  # number of the first sample that is held
    end: int = 0  # number of the sample after the last one
    given: int = 0  # number of the first sample that was not given out yet
    artifact: np.ndarray | None = None  # (channel, wavelength): of the last fNIRS sample given out

    def put(self, samples: np.ndarray, stamps: np.ndarray) -> None:
        """Add samples, and forget those that are too old."""
        if not len(stamps):
            return
        self.chunks.append((samples, stamps))
        self.end += len(stamps)
        while self.end - self.first - len(self.chunks[0][1]) >= HELD * self.rate:
            self.first += len(self.chunks.popleft()[1])

    def since(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Samples and stamps from a sample's number on."""
        samples = np.concatenate([np.zeros((*self.shape, 0)), *(c[0] for c in self.chunks)], -1)
        stamps = np.concatenate([np.zeros(0), *(c[1] for c in self.chunks)])
        return samples[..., number - self.first :], stamps[number - self.first :]


def settle(
    pasts: dict[str, Past],
    nodes: dict[str, xr.Dataset],
    start: dict[str, float],
    method: str | Path | None = None,
) -> dict[str, dict[str, np.ndarray]]:
    """What has settled of each modality and was not given out yet.

    Parameters
    ----------
    pasts : dict of Past
    nodes : dict of Dataset
        The montage.
    start : dict of float
        When each modality's first sample was taken [s].
    method : str or Path, optional
        Which cleans; by default the model of the modalities at hand.

    Returns
    -------
    dict of dict
        By modality `samples`, `stamps`, `gate` and `verdict`, times last. Samples that waited for
        more than two minutes are NaN.
    """
    found, parts, begins = {}, {}, {}
    for s, past in pasts.items():
        begin = max(past.given - round(CONTEXT * past.rate), past.first)
        begins[s] = begin
        node = nodes[s].drop_vars([*nodes[s].data_vars, "time"])
        modality = MODALITIES[s]
        name = modality.variable(nodes[s])
        count = past.end - begin
        if count < SHORTEST * past.rate or past.end - BEHIND * past.rate <= past.given:
            continue
        at = start[s] + (begin + np.arange(count)) / past.rate
        held, _ = past.since(begin)
        if not np.isfinite(held).any():  # a modality that is gone does not hold up the other
            continue
        given = {name: (modality.dims, held, nodes[s][name].attrs)}
        parts[s] = node.assign(given).assign_coords(time=at)
    for s, past in pasts.items():
        nothing = np.zeros((*past.shape, 0))
        found[s] = _given(nothing, np.zeros(0), np.zeros((len(nothing), 0)))
    for s in [s for s in parts if not _usable(parts[s], s)]:  # as recorded, and lost
        raw = parts.pop(s)[MODALITIES[s].variable(nodes[s])].values
        nowhere = np.zeros((len(raw), raw.shape[-1]))
        lost = np.full(nowhere.shape, LOST, np.int8)
        name = MODALITIES[s].variable(nodes[s])
        found[s] = _part(pasts[s], raw, nowhere, lost, begins[s], name)
    if not parts:
        return found
    recording = build(parts.get("eeg"), parts.get("nirs"))
    cleaned = apply(get_method(method or default_method(recording)), recording)
    judged = with_verdicts(recording, cleaned)
    for s in parts:
        past, name = pasts[s], MODALITIES[s].variable(nodes[s])
        made, verdict = stream_dataset(cleaned, s), stream_dataset(judged, s).verdict
        made = made[name].transpose(*MODALITIES[s].dims).values
        gate = stream_dataset(cleaned, s).get("gate", xr.zeros_like(verdict, float))
        found[s] = _part(past, made, gate.values, verdict.values, begins[s], name)
    return found


def _usable(node: xr.Dataset, s: str) -> bool:
    """Whether any channel of a modality measured something."""
    try:
        mark_bad(build(node) if s == "eeg" else build(None, node))
    except ReadError:
        return False
    return True


def _part(
    past: Past, made: np.ndarray, gate: np.ndarray, verdict: np.ndarray, begin: int, name: str
) -> dict[str, np.ndarray]:
    """Samples from the first that was not given out to the last that has settled."""
    last = past.end - round(BEHIND * past.rate)
    here = slice(max(past.given, begin) - begin, last - begin)
    raw, stamps = past.since(begin)
    out = made[..., here].copy()
    if raw.ndim == 3:  # each window has a baseline level of its own: go on from the one before
        with np.errstate(all="ignore"):
            artifact = np.log(made / raw) if name == "intensity" else raw - made
        artifact = np.nan_to_num(artifact)
        before = max(here.start - 1, 0)
        if past.artifact is not None:
            artifact += (past.artifact - artifact[..., before])[..., None]
        past.artifact = artifact[..., here.stop - 1]
        part = raw[..., here]
        out = (
            part * np.exp(artifact[..., here])
            if name == "intensity"
            else part - artifact[..., here]
        )
    verdict = verdict[:, here]
    lost = verdict == LOST
    out = np.where(lost[:, None] if raw.ndim == 3 else lost, raw[..., here], out)
    given = _given(out, stamps[here], gate[:, here], verdict)
    missing = max(past.first - past.given, 0)
    past.given = last
    if missing:
        gone = _given(
            np.full((*raw.shape[:-1], missing), np.nan),
            np.full(missing, np.nan),
            np.zeros((len(raw), missing)),
            np.full((len(raw), missing), LOST, np.int8),
        )
        given = {key: np.concatenate([gone[key], given[key]], -1) for key in given}
    return given


def _given(
    samples: np.ndarray, stamps: np.ndarray, gate: np.ndarray, verdict: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    if verdict is None:
        verdict = np.zeros(gate.shape, np.int8)
    return {"samples": samples, "stamps": stamps, "gate": gate, "verdict": verdict}
