"""Errors of live cleaning, of cleaning afterwards and of references, in pairs with motion."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.common.clean_pairs import pairs
from benchmarks.common.statistics import decibel
from benchmarks.joint_gain import segments
from neurofuse.fusion.live import LiveCleaner
from neurofuse.fusion.methods.cleaner import apply
from neurofuse.fusion.methods.registry import get_method
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import stream_dataset
from neurofuse.synth import inject

HOP = 0.1  # s of a chunk
BEGINNING = 20.0  # s that are also scored alone
RANGE = (-5.0, 20.0)  # dB of the artifact over the signal in the stretches that are scored
SEED = 4000  # of the first case
UNTOUCHED, ZEROS, LIVE, ALONE, OTHER = (
    "as recorded",
    "zeros",
    "live",
    "live, alone",
    "live, another's partner",
)
OFFLINE = {"eeg": ("joint", "asr"), "nirs": ("joint", "tddr")}
WHEN = ("all", f"first {BEGINNING:g} s", "at rest")


@dataclass(frozen=True)
class Row:
    """Error of a method in one recording: energy over that of the clean signal [dB]."""

    modality: str
    severity: float
    recording: str
    method: str
    when: str
    value: float


def rows(part: str, severities: Iterable[float], most: int, kept: Path) -> Iterator[Row]:
    """All errors, recording by recording; those `kept` in a file are not computed again."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    lines = kept.read_text().splitlines() if kept.exists() else []
    known = [Row(**json.loads(line)) for line in lines]
    yield from known
    done = {(r.recording, r.severity) for r in known}
    found = list(pairs(part))[:most]
    for number, (name, truth) in enumerate(found):
        other = found[(number + 1) % len(found)][1]
        for severity in severities:
            if (name, severity) in done:
                continue
            moving = inject(truth, seed=SEED + number, severity=severity, share="timing")[1]
            strange = inject(other, seed=SEED + 500 + number, severity=severity, share="timing")[1]
            made = list(_case(name, severity, truth, moving, strange))
            with kept.open("a") as file:
                file.writelines(json.dumps(asdict(r)) + "\n" for r in made)
            yield from made


def _case(
    name: str, severity: float, truth: xr.DataTree, moving: xr.DataTree, strange: xr.DataTree
) -> Iterator[Row]:
    made: dict[str, Any] = {LIVE: live(moving)}
    for s in MODALITIES:
        made |= {f"{ALONE} {s}": live(moving, only=s)}
        made |= {f"{OTHER} {s}": live(moving, partner=strange, only=s)}
    for method in dict.fromkeys(m for names in OFFLINE.values() for m in names):
        made[method] = apply(get_method(method), moving)
    for s in MODALITIES:
        scored = _Scored(truth, moving, s)
        given = {UNTOUCHED: scored.data.contaminated, ZEROS: 0 * scored.data.truth}
        given[LIVE] = scored.flat(made[LIVE][s])
        given |= {word: scored.flat(made[f"{word} {s}"][s]) for word in (ALONE, OTHER)}
        names = scored.data.channel
        given |= {m: segments.samples(made[m], s, names) for m in OFFLINE[s]}
        for method, values in given.items():
            for when, value in scored.errors(values).items():
                yield Row(s, severity, name, method, when, value)


def live(
    recording: xr.DataTree,
    *,
    partner: xr.DataTree | None = None,
    only: str | None = None,
    lookahead: float | None = None,
) -> dict[str, np.ndarray]:
    """What `LiveCleaner` gives out of a recording, by modality; EEG and optical density.

    `only` one modality of the recording is given, beside another of the `partner` if there is one.
    """
    montage = recording
    given = {s: recording for s in MODALITIES if only in (None, s)}
    if partner is not None:
        other = next(s for s in MODALITIES if s != only)
        given[other] = partner
    nodes = {s: stream_dataset(given[s], s) for s in given}
    if len(nodes) < 2 or partner is not None:
        montage = xr.DataTree.from_dict({f"/{s}": node for s, node in nodes.items()})
    cleaner = LiveCleaner(montage, lookahead=lookahead)
    values = {s: raw(node, s) for s, node in nodes.items()}
    rates = {s: float(node.attrs["rate"]) for s, node in nodes.items()}
    end = min(x.shape[-1] / rates[s] for s, x in values.items())
    out: dict[str, list[np.ndarray]] = {s: [] for s in nodes}
    sent = dict.fromkeys(nodes, 0)
    for hop in range(1, int(end / HOP) + 1):
        part = {}
        for s, x in values.items():
            upto = int(hop * HOP * rates[s] + 1e-6)
            part[s], sent[s] = x[..., sent[s] : upto], upto
        given_out = cleaner.push(**part)
        for s in nodes:
            out[s].append(given_out[s])
    return {s: _domain(np.concatenate(parts, -1), nodes[s], s) for s, parts in out.items()}


def raw(node: xr.Dataset, s: str) -> np.ndarray:
    """Samples (channel[, wavelength], time) as they were recorded."""
    modality = MODALITIES[s]
    return node[modality.variable(node)].transpose(*modality.dims).values


def _domain(values: np.ndarray, node: xr.Dataset, s: str) -> np.ndarray:
    if s == "eeg" or "od" in node:
        return values
    return -np.log(values)


class _Scored:
    """One modality of a case, scored as `benchmarks.joint_gain` does it."""

    def __init__(self, truth: xr.DataTree, moving: xr.DataTree, s: str):
        self.data: segments.Material = segments.material(truth, moving, s)
        node = stream_dataset(moving, s)
        self.rows: np.ndarray = np.isin(node.channel.values, self.data.channel)
        self.view: str = segments.VIEWS[s][0]
        self.early: np.ndarray = np.array(
            [first < BEGINNING * self.data.rate for first, _ in self.data.segment], bool
        )
        clean, artifact = (
            self._energy(x) for x in (self.data.truth, self.data.contaminated - self.data.truth)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            size = 10 * np.log10(artifact / clean)
        self.within: np.ndarray = (size >= RANGE[0]) & (size <= RANGE[1])
        self.clean: np.ndarray = clean

    def _energy(self, rows: np.ndarray) -> np.ndarray:
        """(segment, channel)."""
        return np.array(segments.energies(rows, self.data)[self.view])

    def flat(self, values: np.ndarray) -> np.ndarray:
        """Samples (channel[, wavelength], time) as rows (row, time), held to the end."""
        rows = values[self.rows].reshape(len(self.data.truth), -1)
        missing = self.data.truth.shape[-1] - rows.shape[-1]
        return np.pad(rows, ((0, 0), (0, missing)), mode="edge") if missing > 0 else rows

    def errors(self, rows: np.ndarray) -> dict[str, float]:
        """Errors [dB] by `WHEN` of cleaned rows (row, time)."""
        error = self._energy(rows - self.data.truth)
        found = {}
        for when, where in (("all", self.within), (WHEN[1], self.within & self.early[:, None])):
            if where.any():
                found[when] = decibel(error[where].sum(), self.clean[where].sum())
        found["at rest"] = decibel(*segments.beside(rows - self.data.contaminated, self.data))
        return found


def at_lookaheads(part: str, aheads: list[float], most: int, severity: float) -> Iterator[Row]:
    """The error of fNIRS for several look-aheads [s]."""
    for number, (name, truth) in enumerate(list(pairs(part))[:most]):
        moving = inject(truth, seed=SEED + number, severity=severity, share="timing")[1]
        scored = _Scored(truth, moving, "nirs")
        for ahead in aheads:
            made = live(moving, lookahead=ahead)["nirs"]
            for when, value in scored.errors(scored.flat(made)).items():
                yield Row("nirs", severity, name, f"{LIVE}, {ahead:g} s ahead", when, value)
