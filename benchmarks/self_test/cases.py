"""Recordings in motion whose truth is known, of three kinds of motion."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import xarray as xr

from benchmarks.common.clean_pairs import pairs
from benchmarks.transplant.cases import Case as Transplanted
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


@dataclass(frozen=True)
class Planned:
    """A case that is not made yet."""

    name: str
    group: str
    make: Callable[[], tuple[xr.DataTree, xr.DataTree]]

    def case(self) -> Case:
        """The case."""
        return Case(self.name, self.group, *self.make())


def cases(part: str) -> Iterator[Planned]:
    """All cases of a part of the split; simulated people with the validation part only."""
    if part == "validation":
        yield from _simulated()
    for number, (name, rest) in enumerate(pairs(part)):
        for severity in SEVERITIES:
            share = SHARES[number % len(SHARES)]
            make = partial(inject, rest, seed=SEED + number, severity=severity, share=share)
            yield Planned(f"{name}, {severity:g}", GROUPS[1], make)
    yield from _transplanted(part)


def _simulated() -> Iterator[Planned]:
    for number in range(PEOPLE):
        severity = SEVERITIES[number % len(SEVERITIES)]
        make = partial(
            simulate,
            SECONDS,
            seed=SEED + number,
            severity=severity,
            share=SHARES[number // len(SEVERITIES) % len(SHARES)],
            eeg_montage=ELECTRODES[number % len(ELECTRODES)],
        )
        yield Planned(f"{number}, {severity:g}", GROUPS[0], make)


def _transplanted(part: str) -> Iterator[Planned]:
    """Real movements of donors, of one modality each; every so many-th, for all kinds."""
    for modality, most in EACH.items():
        known = [
            case
            for case in transplanted(part)
            if case.modality == modality and case.kind != "blink" and len(case.motion) > 1
        ]
        step = max(1, -(-len(known) // most))
        for number, case in enumerate(known[::step]):
            yield Planned(
                f"{modality} {number}, {case.receiver}", GROUPS[2], partial(_marked, case)
            )


def _marked(case: Transplanted) -> tuple[xr.DataTree, xr.DataTree]:
    """Truth, and the recording with its motion mask."""
    node, modality = case.truth, case.modality
    truth = build(node) if modality == "eeg" else build(nirs=node)
    mixed = case.recording()
    marked = stream_dataset(mixed, modality).assign(motion=(("channel", "time"), case.motion))
    return truth, with_stream(mixed, modality, marked)
