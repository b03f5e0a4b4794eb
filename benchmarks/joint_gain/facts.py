"""Results of `joint_gain` from its files: energies by segment of motion, masks, clean parts."""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.common.methods import JOINT, MISMATCHED, UNCORRECTED, ZERO
from benchmarks.joint_gain.segments import VIEWS

ALONE = "single-modality model"
SILENT = f"{JOINT}, silent partner"
UNTOLD = f"{JOINT}, told that nothing is lost"
LEARNED = (JOINT, ALONE, MISMATCHED, SILENT, UNTOLD)
NO_REFERENCE, BOUND = "no-reference Wiener", "bound: true covariance"
FLOORS = (UNCORRECTED, ZERO, NO_REFERENCE, BOUND)
EDGES = (-np.inf, -5.0, 0.0, 5.0, 10.0, 15.0, 20.0, np.inf)  # dB, artifact over truth in a segment
TARGETED = (-5.0, 20.0)  # dB, the strata that have a target
NEAR = (-5.0, 5.0)  # dB, artifacts about as large as the signal
MEASURED, EVERYTHING = "measured", "everything"  # energies without what is lost, and with it
PARTICIPANT = {"eeg": 0, "nirs": 1}  # which name of a pair


@dataclass(frozen=True)
class Segment:
    """Energies of one segment of motion: truth and artifact by channel, errors by view."""

    participant: str
    share: str
    severity: float
    size: float  # dB, artifact over truth, of everything
    truth: dict[str, np.ndarray]
    error: list[dict[str, dict[str, np.ndarray]]]  # seed: arm: view: (channel,)


@dataclass(frozen=True)
class Facts:
    """All that was computed: segments, and for each setting the masks and the rest."""

    segments: dict[str, list[Segment]]  # stream
    settings: list[dict]  # share, severity, participant, stream, size, lost, seeds: [arms]
    clean: list[tuple[str, list[dict]]]  # pair, and for each seed arm: case: stream: dB
    seeds: int
    failures: set[str]

    @classmethod
    def read(
        cls,
        folder: Path,
        fixed: list[str],
        seeds: list[list[str]],
        names: list[str],
        shares: tuple[str, ...],
        severities: tuple[float, ...],
        *,
        counted: str = MEASURED,
    ) -> "Facts":
        """Join the JSON files of all producers; baselines and references count in every seed.

        Segments of which everything is lost are left out, unless `counted` is `EVERYTHING`.
        """
        segments: dict[str, list[Segment]] = {s: [] for s in VIEWS}
        settings, failures = [], set()
        for name in names:
            for share in shares:
                for severity in severities:
                    file = f"{name}_{share}_{severity}.json"
                    common = [_read(folder / key / file) for key in fixed]
                    own = [[_read(folder / key / file) for key in keys] for keys in seeds]
                    for stream in VIEWS:
                        by_seed = [_arms(common + of_seed, stream, failures) for of_seed in own]
                        base = common[0]["streams"][stream]
                        size = sizes(base["artifact"], base["truth"][EVERYTHING], stream)
                        participant = name.split("+")[PARTICIPANT[stream]]
                        settings.append(
                            {"share": share, "severity": severity, "participant": participant}
                            | {"stream": stream, "size": size, "lost": base["lost"]}
                            | {"seeds": by_seed}
                        )
                        place = participant, share, severity
                        made = (
                            _segment(k, (*place, size[k]), base, by_seed, counted)
                            for k in range(len(size))
                        )
                        segments[stream] += [
                            s for s in made if any(e.any() for e in s.truth.values())
                        ]
        clean = [(name, [_change(folder, keys, name) for keys in seeds]) for name in names]
        return cls(segments, settings, clean, len(seeds), failures)


def _segment(
    k: int,
    place: tuple[str, str, float, float],
    base: dict,
    by_seed: list[dict[str, dict]],
    counted: str,
) -> Segment:
    """Segment number k of a recording."""

    def of(energies: dict[str, dict]) -> dict[str, np.ndarray]:
        return {view: np.array(values[k]) for view, values in energies[counted].items()}

    error = [{arm: of(f["error"]) for arm, f in arms.items()} for arms in by_seed]
    return Segment(*place, of(base["truth"]), error)


def _read(path: Path) -> dict:
    return json.loads(path.read_text())


def _arms(files: list[dict], stream: str, failures: set[str]) -> dict[str, dict]:
    """Figures by arm of one stream."""
    figures: dict[str, dict] = {}
    for facts in files:
        node = facts["streams"].get(stream, {"arms": {}, "failure": {}})
        figures |= node["arms"]
        failures |= {f"{arm} ({stream}): {why}" for arm, why in node["failure"].items()}
    return figures


def _change(folder: Path, keys: list[str], name: str) -> dict[str, dict]:
    return {key.split("-")[0]: _read(folder / key / f"{name}_clean.json")["change"] for key in keys}


def sizes(artifact: dict[str, list], truth: dict[str, list], stream: str) -> list[float]:
    """Artifact over truth [dB] of each segment, channels pooled, in the stream's first view."""
    view = VIEWS[stream][0]
    pairs = zip(artifact[view], truth[view], strict=True)
    return [float(10 * np.log10((sum(a) + 1e-30) / (sum(t) + 1e-30))) for a, t in pairs]


def within(segments: list[Segment], low: float, high: float) -> list[Segment]:
    """Segments whose artifact is of a size [dB]."""
    return [s for s in segments if low <= s.size < high]


def arms_of(facts: Facts, stream: str) -> list[str]:
    """Arms of a stream: joint and its controls first, then ablations, floors, baselines."""
    names = {a for s in facts.segments[stream] for seed in s.error for a in seed}
    ablations = sorted(n for n in names if n.startswith("joint_"))
    baselines = sorted(names - {*LEARNED, *FLOORS, *ablations})
    return [n for n in (*LEARNED, *ablations, *FLOORS, *baselines) if n in names]


def strata() -> dict[str, tuple[float, float]]:
    """Names and edges [dB] of the strata, all that have a target last."""

    def name(low: float, high: float) -> str:
        if np.isinf(low):
            return f"< {high:g}"
        return f"> {low:g}" if np.isinf(high) else f"{low:g} to {high:g}"

    return {name(a, b): (a, b) for a, b in pairwise(EDGES)} | {f"all {name(*TARGETED)}": TARGETED}
