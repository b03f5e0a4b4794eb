"""What is given to which model in one case, and the error that is left."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import xarray as xr

from benchmarks.common.lost import repaired
from benchmarks.common.methods import JOINT
from benchmarks.joint_gain import segments
from benchmarks.witnesses.bounds import told, with_imu, with_perfect_imu
from benchmarks.witnesses.cases import Case, moving, of_two_electrodes
from neurofuse.fusion.controls import with_partner
from neurofuse.io import stream_dataset
from neurofuse.io.recording import with_stream, without_stream
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder

ALONE, SINGLE = "without partner", "single-modality model"
MISMATCHED, MOTIONLESS = "mismatched partner", "motionless partner"
IMU, OTHER_IMU = "IMU", "another recording's IMU"
TIMES, TOLD = "true times as IMU", "true times told"
ALL, TWO, NONE = "all", "2", "none"  # electrodes of the EEG that is given
PARTNER = {"eeg": "nirs", "nirs": "eeg"}


@dataclass(frozen=True)
class Arm:
    """What one model is given, and the modalities that are scored."""

    name: str
    setting: str
    electrodes: str
    given: xr.DataTree
    streams: tuple[str, ...]
    model: str = JOINT


def arms(case: Case, other: Case, severity: str) -> Iterator[Arm]:
    """All arms of a case; `other` is of other people."""
    for setting in ("timing", "waveforms", "nothing"):
        mixed, strange = (moving(c, setting, severity) for c in (case, other))
        few = of_two_electrodes(mixed)
        yield from _alone(setting, mixed, "nirs")
        yield from _alone(setting, few, "eeg")
        yield Arm(JOINT, setting, TWO, few, ("nirs", "eeg"))
        if setting != "waveforms":  # which is asked of two electrodes only
            yield Arm(JOINT, setting, ALL, mixed, ("nirs",))
        if setting == "timing":
            yield from _partners(setting, ALL, mixed, case.rest, strange, "nirs")
            still, strange_few = (of_two_electrodes(r) for r in (case.rest, strange))
            yield from _partners(setting, TWO, few, still, strange_few, "nirs")
            perfect = with_perfect_imu(without_stream(mixed, "eeg"))
            yield Arm(TIMES, setting, NONE, perfect, ("nirs",))
            yield Arm(TOLD, setting, NONE, perfect, ("nirs",))
        if setting != "nothing":
            yield from _partners(setting, TWO, few, case.rest, strange, "eeg")
    for setting in ("turning", "unseen"):
        mixed, strange = (moving(c, setting, severity, sensors=True) for c in (case, other))
        for stream, electrodes in (("nirs", NONE), ("eeg", TWO)):
            seen = without_stream(of_two_electrodes(mixed), PARTNER[stream])
            unseen = seen.drop_nodes("aux")
            yield Arm(ALONE, setting, electrodes, unseen, (stream,))
            yield Arm(IMU, setting, electrodes, seen, (stream,))
            yield Arm(OTHER_IMU, setting, electrodes, with_imu(unseen, strange), (stream,))


def _alone(setting: str, recording: xr.DataTree, stream: str) -> Iterator[Arm]:
    """One modality, of the joint model and of its own."""
    alone = without_stream(recording, PARTNER[stream])
    electrodes = NONE if stream == "nirs" else TWO
    yield Arm(ALONE, setting, electrodes, alone, (stream,))
    yield Arm(SINGLE, setting, electrodes, alone, (stream,), stream)


def _partners(
    setting: str,
    electrodes: str,
    recording: xr.DataTree,
    rest: xr.DataTree,
    strange: xr.DataTree,
    stream: str,
) -> Iterator[Arm]:
    """Partners that know nothing of a modality's movements."""
    name = PARTNER[stream]
    mismatched = with_partner(recording, strange, name)
    yield Arm(MISMATCHED, setting, electrodes, mismatched, (stream,))
    motionless = with_stream(recording, name, stream_dataset(rest, name))
    yield Arm(MOTIONLESS, setting, electrodes, motionless, (stream,))


def errors(
    case: Case, other: Case, severity: str, models: dict[str, CrossModalAutoencoder]
) -> Iterator[dict]:
    """Energy of (cleaned - true) in motion: one row an arm, modality and view.

    A modality in which nothing moves in a setting has no rows there.
    """
    material: dict[tuple[str, str], segments.Material] = {}
    for arm in arms(case, other, severity):
        data = {s: _material(material, case, arm, s) for s in arm.streams}
        if not any(one.segment for one in data.values()):
            continue
        model = models[arm.model]
        with told(model) if arm.name == TOLD else nullcontext():
            cleaned = repaired(arm.given, model)
        for stream, one in data.items():
            if not one.segment:
                continue
            wrong = segments.samples(cleaned, stream, one.channel) - one.truth
            for view, energy in segments.energies(wrong, one).items():
                yield {
                    "stream": stream,
                    "setting": arm.setting,
                    "electrodes": arm.electrodes,
                    "arm": arm.name,
                    "view": view,
                    "error": float(np.sum(energy)),
                }


def _material(
    known: dict[tuple[str, str], segments.Material], case: Case, arm: Arm, stream: str
) -> segments.Material:
    """What is scored of a modality in a setting: the same for all arms."""
    key = arm.setting, stream
    if key not in known:
        rest = of_two_electrodes(case.rest) if stream == "eeg" else case.rest
        known[key] = segments.material(rest, arm.given, stream)
    return known[key]
