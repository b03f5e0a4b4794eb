"""The error of a model in generated motion, one validation participant after the other."""

from functools import cache
from pathlib import Path

from neurofuse.models.training.corpus import FEW, CleanSignal, load_corpus
from neurofuse.models.training.joint import validate
from neurofuse.models.training.windows import Batch, WindowSampling, checks_of
from neurofuse.models.weights import load_model

BATCHES = 4  # of a participant
WINDOWS = BATCHES * WindowSampling().batch


@cache
def windows_by_participant(stream: str) -> dict[tuple[str, str], list[Batch]]:
    """The same windows of each validation participant every time, by participant and device."""
    sampling = WindowSampling()
    people: dict[str, list[CleanSignal]] = {}
    for clean in load_corpus("validation", stream, simulated=0):
        if clean.shape[-1] > sampling.window * clean.rate:
            people.setdefault(clean.name, []).append(clean)
    return {
        (name, device_of(stream, recordings)): checks_of({stream: recordings}, sampling, BATCHES)
        for name, recordings in people.items()
    }


def device_of(stream: str, recordings: list[CleanSignal]) -> str:
    """EEG caps and few dry electrodes are apart; fNIRS devices are not."""
    if stream == "nirs":
        return "fNIRS"
    return "EEG, few dry electrodes" if recordings[0].shape[0] <= FEW else "EEG, caps"


def errors(weights: Path, stream: str) -> list[dict[str, str | float]]:
    """Rows of `participant`, `device`, `error` in motion and `change` at rest [dB].

    They are those of `neurofuse.models.training.joint.validate`, one row a validation participant.
    """
    model = load_model(weights)
    rows: list[dict[str, str | float]] = []
    for (name, device), checks in windows_by_participant(stream).items():
        scores = validate(model, checks)
        found = {"error": scores[f"{stream}_db"], "change": scores[f"{stream}_change"]}
        rows.append({"participant": name, "device": device} | found)
    return rows
