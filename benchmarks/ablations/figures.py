"""The few figures by which arms are compared, each of a benchmark of its own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import still, transplant, witnesses
from benchmarks.common.methods import JOINT
from benchmarks.common.statistics import decibel
from benchmarks.joint_gain.segments import VIEWS
from benchmarks.witnesses.arms import ALL, ALONE, IMU, NONE
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.weights import load_model

EVERY = 2  # transplanted cases
CASES = 6  # of witnesses

FIGURES = {  # by their name in the file
    "eeg_generated": "EEG, generated [dB]",
    "nirs_generated": "fNIRS, generated [dB]",
    "eeg_transplanted": "EEG, transplanted [dB]",
    "nirs_transplanted": "fNIRS, transplanted [dB]",
    "eeg_drift": "EEG at rest with 100 µV of drift [dB]",
    "nirs_slow": "fNIRS at rest, 2 Hz [dB]",
    "partner": "fNIRS with over without partner [dB]",
    "imu": "fNIRS with over without IMU [dB]",
}


def figures(weights: Path, settings: dict[str, Any]) -> dict[str, float]:
    """All `FIGURES` of weights, with settings of the architecture other than their own."""
    model = load_model(weights)
    model.architecture = model.architecture.model_copy(update=settings)
    generated = json.loads(weights.with_suffix(".json").read_text())["validation"]
    found = {f"{s}_generated": generated[f"{s}_db"] for s in ("eeg", "nirs")}
    for stream in ("eeg", "nirs"):
        table = transplant.evaluate(model, modality=stream, every=EVERY)
        found[f"{stream}_transplanted"] = by_person(table, "receiver", "error")
    rest = still.evaluate(model)
    found["eeg_drift"] = by_person(rest.query("kind == '100 µV'"), "participant", "change")
    slow = rest.query("stream == 'nirs' and 1.9 < rate < 2.1")
    found["nirs_slow"] = by_person(slow, "participant", "change")
    return found | witnessed(model)


def witnessed(model: CrossModalAutoencoder) -> dict[str, float]:
    """Error with over without partner and IMU [dB], mean of weak and strong motion."""
    table = witnesses.summary(witnesses.evaluate(model, limit=CASES))
    rows = [
        row
        for row in table.to_dict("records")
        if (row["stream"], row["reference"], row["view"]) == ("nirs", ALONE, VIEWS["nirs"][0])
        and row["electrodes"] in (ALL, NONE)
    ]
    asked = {"partner": (JOINT, "timing"), "imu": (IMU, "turning")}
    found = {
        name: [decibel(row["mean"], 1.0) for row in rows if (row["arm"], row["setting"]) == which]
        for name, which in asked.items()
    }
    return {name: float(np.mean(values)) for name, values in found.items()}


def by_person(table: pd.DataFrame, person: str, figure: str) -> float:
    """Mean over people."""
    values: dict[str, list[float]] = {}
    for row in table.to_dict("records"):
        values.setdefault(row[person], []).append(row[figure])
    return float(np.mean([np.mean(own) for own in values.values()]))
