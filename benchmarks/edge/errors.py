"""Errors of models in the same windows: clean ones of validation people with injected movement.

A pair of people is a person's EEG beside another's fNIRS, with the same times of movement.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.common.statistics import cell
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.training.corpus import FEW, Clean, load_corpus
from neurofuse.models.training.joint import error_in_motion
from neurofuse.models.training.windows import CAP, Batch, WindowSampling, sample_batch

SEVERITIES = {"weak": 0.2, "strong": 1.0}
MONTAGES = {"8 + 8": (CAP, CAP), "1-4 + 1-4": (1, FEW)}  # channels of each modality, from and to
PAIRS = 8  # of each montage and severity
WINDOWS = 4  # of a pair
LEAST = 1e-3  # error over clean energy below which all is equally good
SAME = 0.01  # dB by which the error before may differ in the same windows
SEED = 24


@dataclass(frozen=True)
class Row:
    """Error of a model in windows of one person: energy over that of the clean signal [dB]."""

    model: str
    modality: str
    montage: str
    severity: str
    person: str
    pair: int
    before: float
    after: float


@dataclass(frozen=True)
class Case:
    """Windows of a pair of people."""

    montage: str
    severity: str
    pair: int
    people: Mapping[str, str]
    batch: Batch


def cases(pairs: int = PAIRS) -> Iterator[Case]:
    """The windows of all pairs of validation people; the same every time."""
    sampling = WindowSampling(batch=WINDOWS, share=("timing",), few=0.0).unaugmented()
    corpus = {s: load_corpus("validation", s, simulated=0) for s in ("eeg", "nirs")}
    for montage, channels in MONTAGES.items():
        # a cap can wear few electrodes, but not the other way round
        enough = {s: _fitting(found, channels[0], sampling.window) for s, found in corpus.items()}
        for severity, size in SEVERITIES.items():
            for pair in range(pairs):
                people = {s: found[_turn(s, pair) % len(found)] for s, found in enough.items()}
                asked = replace(
                    sampling,
                    eeg_channels=channels,
                    nirs_channels=channels,
                    severity=(size, size),
                )
                rng = np.random.default_rng([SEED, pair])
                batch = sample_batch({s: [one] for s, one in people.items()}, asked, rng)
                names = {s: one.name for s, one in people.items()}
                yield Case(montage, severity, pair, names, batch)


def _fitting(found: list[Clean], channels: int, seconds: float) -> list[Clean]:
    return [
        one
        for one in found
        if one.signal.shape[-1] > seconds * one.rate and len(one.position) >= channels
    ]


def _turn(stream: str, pair: int) -> int:
    """Partners change when a modality's people begin anew."""
    return pair if stream == "eeg" else pair + pair // 4


@torch.no_grad()
def rows(models: Mapping[str, CrossModalAutoencoder], given: Iterator[Case]) -> Iterator[Row]:
    """The errors of all models in the same windows; models of other bands are no use here."""
    for case in given:
        streams = {s: seen for s, (seen, _) in case.batch.items()}
        measured = next(iter(models.values())).encode(streams)
        for name, model in models.items():
            estimates, _ = model(
                streams, latents=model.encode(streams, measured), uncertainty=False
            )
            for s, (seen, target) in case.batch.items():
                if not target.mask.any():
                    continue
                level = model.architecture.baseline_level.return_time
                errors = []
                for error in (-target.artifact, estimates[s].artifact - target.artifact):
                    ratio, moving = error_in_motion(s, error, target, seen.rate, level)
                    errors.append(float(10 * torch.log10(ratio[moving] + LEAST).mean()))
                place = case.montage, case.severity, case.people[s], case.pair
                yield Row(name, s, *place, *errors)


def kept_rows(
    models: Mapping[str, CrossModalAutoencoder], file: Path, pairs: int = PAIRS
) -> list[Row]:
    """The errors of all models; those kept in a file are not computed again."""
    lines = file.read_text().splitlines() if file.exists() else []
    found = [Row(**json.loads(line)) for line in lines]
    done = {(r.montage, r.severity, r.pair) for r in found}
    if len(done) == len(MONTAGES) * len(SEVERITIES) * pairs:
        return found
    file.parent.mkdir(parents=True, exist_ok=True)
    for case in cases(pairs):
        if (case.montage, case.severity, case.pair) in done:
            continue
        made = list(rows(models, iter([case])))
        with file.open("a") as out:
            out.writelines(json.dumps(asdict(r)) + "\n" for r in made)
        found += made
    return found


def by_person(found: list[Row], value: str = "after") -> list[float]:
    """Means over the windows of each person: of "before", "after" or "reduction" [dB]."""
    people: dict[str, list[float]] = {}
    for row in found:
        people.setdefault(row.person, []).append(_value(row, value))
    return [float(np.mean(values)) for values in people.values()]


def difference(found: list[Row], reference: list[Row]) -> list[float]:
    """How much larger errors are than those of a reference in the same windows, by person [dB]."""
    known = {_place(r): r for r in reference}
    people: dict[str, list[float]] = {}
    for row in found:
        other = known[_place(row)]
        if abs(other.before - row.before) > SAME:
            raise ValueError(f"{row} and {other} are not of the same windows")
        people.setdefault(row.person, []).append(row.after - other.after)
    return [float(np.mean(values)) for values in people.values()]


def chosen(found: list[Row], **wanted: str) -> list[Row]:
    """The rows with these values."""
    return [r for r in found if all(getattr(r, k) == v for k, v in wanted.items())]


def text(values: list[float], digits: int = 1) -> str:
    """Mean over people with its interval."""
    return cell(values, digits=digits)


def _value(row: Row, value: str) -> float:
    return row.before - row.after if value == "reduction" else float(getattr(row, value))


def _place(row: Row) -> tuple[str, str, str, int]:
    return row.modality, row.montage, row.severity, row.pair
