"""Recordings in motion whose truth is known, of three kinds of motion."""

from collections.abc import Iterator
from dataclasses import dataclass

import xarray as xr

from benchmarks.common.clean_pairs import pairs
from benchmarks.transplant.cases import cases as transplanted
from neurofuse.io import build, stream_dataset, with_stream
from neurofuse.synth import inject, simulate

SECONDS = 180.0  # of a simulated recording
SEVERITIES = (0.3, 1.0, 2.0)
SHARES = ("timing", "none", "full")
ELECTRODES = (4, 19, 32, 8)
PEOPLE = 9  # simulated
SEED = 700
EACH = {"eeg": 10, "nirs": 8}  # transplanted cases at most
GROUPS = ("simulated people", "injected pairs", "real movements")


@dataclass(frozen=True)
class Case:
    """A recording with motion and its truth.

    Attributes
    ----------
    name, group : str
        Of the case, and which of `GROUPS`.
    truth, contaminated : Recording
        The latter holds `motion`.
    """

    name: str
    group: str
    truth: xr.DataTree
    contaminated: xr.DataTree


def cases(part: str) -> Iterator[Case]:
    """All cases of a part of the split; simulated people with the validation part only."""
    if part == "validation":
        yield from _simulated()
    for number, (name, rest) in enumerate(pairs(part)):
        for severity in SEVERITIES:
            share = SHARES[number % len(SHARES)]
            made = inject(rest, seed=SEED + number, severity=severity, share=share)
            yield Case(f"{name}, {severity:g}", GROUPS[1], *made)
    yield from _transplanted(part)


def _simulated() -> Iterator[Case]:
    for number in range(PEOPLE):
        severity = SEVERITIES[number % len(SEVERITIES)]
        made = simulate(
            SECONDS,
            seed=SEED + number,
            severity=severity,
            share=SHARES[number // len(SEVERITIES) % len(SHARES)],
            eeg_montage=ELECTRODES[number % len(ELECTRODES)],
        )
        yield Case(f"{number}, {severity:g}", GROUPS[0], *made)


def _transplanted(part: str) -> Iterator[Case]:
    """Real movements of donors, of one modality each; every so many-th, for all kinds."""
    for modality, most in EACH.items():
        known = [
            case
            for case in transplanted(part)
            if case.modality == modality and case.kind != "blink" and len(case.motion) > 1
        ]
        step = max(1, -(-len(known) // most))
        for number, case in enumerate(known[::step]):
            node = case.truth
            truth = build(node) if modality == "eeg" else build(nirs=node)
            mixed = case.recording()
            marked = stream_dataset(mixed, modality).assign(
                motion=(("channel", "time"), case.motion)
            )
            mixed = with_stream(mixed, modality, marked)
            yield Case(f"{modality} {number}, {case.receiver}", GROUPS[2], truth, mixed)
