"""Export a model to a folder that cleans without torch, and compare both."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurofuse.fusion.methods.registry import JOINT, SMALL
from neurofuse.fusion.parity import CLOSE, card, live, offline, rows, table
from neurofuse.fusion.settled import LATER
from neurofuse.io.errors import ParameterError
from neurofuse.io.staging import staged

if TYPE_CHECKING:
    from neurofuse.models.export.write import Given

SPEC, PARITY, TABLE, CARD = "spec.json", "parity.json", "parity.md", "model_card.md"
CALIBRATED, COMPARED = 0, 1000  # seeds: what ranges are measured on is not what is compared


def export_model(
    method: str | Path,
    folder: str | Path,
    *,
    int8: bool = False,
    student: bool = False,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Path]:
    """Write a model as a folder that `neurofuse.clean` or `LiveCleaner` takes without torch.

    Parameters
    ----------
    method : str or Path
        "joint", "eeg", "nirs", "joint-live", or the path of weights (.safetensors).
    folder : str or Path
        Made if missing. Networks (ONNX), or weights and, in the folder `settled`, the networks of
        "joint" for `LiveCleaner.settled`; `spec.json`, which says all that is to be known of them,
        `parity.json` and `parity.md`, which compare it with torch on recordings with injected
        motion, and `model_card.md`.
    int8 : bool
        Weights and inputs of convolutions in 8 bits. Their ranges are measured on recordings of
        validation participants where the data folder (NEUROFUSE_DATA) has them, else on simulated
        ones.
    student : bool
        The small network that was distilled from "joint".
    overwrite : bool
        Replace the files of an earlier export.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    dict of Path
        All files by their names.

    Raises
    ------
    ParameterError
        For an unknown method, or one that cannot be exported so.
    ReadError
        If weights cannot be read.
    WriteError
        If the folder cannot be written, or holds an export already.

    Examples
    --------
    >>> import neurofuse as nf
    >>> export_model("eeg", "edge-eeg")  # doctest: +SKIP
    >>> cleaned = nf.clean(nf.read("sub-01_eeg.edf"), "edge-eeg")  # doctest: +SKIP
    """
    if student:
        if str(method) != JOINT:
            raise ParameterError(
                f"a student of {str(method)!r}", "that of 'joint'", "leave out one of the two"
            )
        method = SMALL
    told = progress or (lambda fraction: None)
    write, material = _exporter()
    given = write.given_model(method)
    causal = given.architecture.causal
    if causal and int8:
        raise ParameterError(
            f"8 bits for {given.name!r}", "a model that cleans recordings", "leave out int8"
        )
    files, spec = _made(given, int8)
    told(0.3)
    later = _made(write.given_model(JOINT), int8=False) if causal else None
    names = [*files, SPEC, PARITY, TABLE, CARD]
    if later is not None:
        names += [f"{LATER}/{name}" for name in (*later[0], SPEC)]
    with staged(Path(folder), names, overwrite=overwrite) as stage:
        write.write_files(stage, files, spec)
        if later is not None:
            write.write_files(stage / LATER, *later)
        shown = list(material.simulated(given.architecture.streams, seed=COMPARED))
        if not causal:
            real = material.recordings(given.architecture.streams, seed=COMPARED)
            shown = [*(one for one in real if one.people), *shown]
        clean = live if causal else offline
        found = []
        for number, one in enumerate(shown):
            found += rows(clean(method), clean(stage), [one])
            told(0.3 + 0.7 * (number + 1) / len(shown))
        report = {"equal_up_to": CLOSE, "rows": [asdict(row) for row in found]}
        (stage / PARITY).write_text(json.dumps(report, indent=1) + "\n", "utf-8")
        (stage / TABLE).write_text(table(found), "utf-8")
        (stage / CARD).write_text(card(spec, found), "utf-8")
    return {name: Path(folder) / name for name in names}


def _made(given: "Given", int8: bool) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Files of an export, and its spec."""
    write, material = _exporter()
    a = given.architecture
    if a.causal:
        files = write.contents(given, None)
        return files, write.spec_of(given, files, 32, {})
    parts, people = write.offline_parts(given), {}
    if int8:
        from neurofuse.models.export.calibrate import ranges_of

        used = list(material.recordings(a.streams, seed=CALIBRATED))
        for s in a.streams:
            people[s] = sorted({one.people.get(s, one.name) for one in used})
        recordings = (one.contaminated for one in used)
        parts = write.offline_parts(given, ranges_of(parts, a, write.learned_of(given), recordings))
    files = write.contents(given, parts)
    return files, write.spec_of(given, files, 8 if int8 else 32, people)


def _exporter() -> tuple[Any, Any]:
    """The modules that write exports, which need torch and onnx."""
    try:
        from neurofuse.models.export import material, write
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "onnx", "onnxruntime"):
            raise
        raise ParameterError(
            f"an export, for which {error.name} is not installed",
            "torch, onnx and onnxruntime, here but not where the export is used",
            "pip install 'neurofuse[edge]'",
        ) from error
    return write, material
