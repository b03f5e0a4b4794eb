"""What a group page needs to know of a recording, as JSON: made with its outputs, read later.

The same inputs make the same bytes: no dates, no seconds of computing, no folders.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.cli.study.tasks import Task

if TYPE_CHECKING:
    import xarray as xr

    from neurofuse.fusion.report.cohort_row import ModalityRow
    from neurofuse.fusion.self_test import SelfTest

FORMAT = 1  # of the file; raised when an older one can no longer be read
SUFFIX = "_desc-clean_summary.json"
BINS = 40  # of a small time course: thousands of them fit on one page
DIGITS = 4  # significant ones: beyond them results may differ between machines


def summary(
    task: Task,
    recording: "xr.DataTree",
    cleaned: "xr.DataTree",
    self_test: "SelfTest | None" = None,
    repaired: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """The figures of one cleaned recording.

    Parameters
    ----------
    task : Task
        What was to be done.
    recording, cleaned : Recording
        As it was, and what `neurofuse.clean` made of it.
    self_test : SelfTest, optional
        How well methods clean it, if that was measured.
    repaired : dict of int, optional
        How many movements were repaired in each modality, as `write_tables` counts them; counted
        here if not given.

    Returns
    -------
    dict
        As JSON takes it. For each modality under "streams": numbers of channels ("channels",
        "usable", "bad") and of repaired "movements"; "rate" [Hz], "seconds"; the fractions "moving"
        (of time, some channel in motion), "unchanged" (of EEG samples, of steps between fNIRS
        samples) and "lost" (of channel-time); "attenuation_db"; "quality" (EEG: standard deviation
        in 1-50 Hz [V]; fNIRS: scalp coupling index), each the median over channels; and the
        courses "before" and "after" [V; OD from sample to sample]. What is not known is None.

    Examples
    --------
    >>> import neurofuse as nf
    >>> _, recording = nf.simulate(20.0, seed=0, nirs_montage=None)
    >>> task = Task({"sub": "01", "task": "rest"}, {})
    >>> made = summary(task, recording, nf.clean(recording, "asr"))
    >>> made["name"], made["method"], made["streams"]["eeg"]["seconds"]
    ('sub-01_task-rest', 'asr', 20.0)
    """
    from importlib.metadata import version

    from neurofuse.fusion.report.citations import method_of
    from neurofuse.fusion.report.cohort_row import cohort_row
    from neurofuse.io.recording import duration, provenance, stream_dataset

    row = cohort_row(task.name, recording, cleaned)
    if repaired is None:
        from neurofuse.fusion.movements import movements

        found = movements(recording, cleaned)
        repaired = {
            stream: sum(m.verdict == "repaired" for m in found if m.modality == stream)
            for stream in row.streams
        }
    step = next((s for s in reversed(provenance(cleaned)) if s.get("step") == "clean"), {})
    shares = (step.get("parameters") or {}).get("verdict", {})
    made: dict[str, Any] = {
        "format": FORMAT,
        "name": task.name,
        "entities": dict(task.entities),
        "site": task.site,
        "device": task.device,
        "method": Path(method_of(step)).name,  # of weights without their folder
        "version": version("neurofuse"),
        "seconds": _rounded(duration(recording)),
        "streams": {},
    }
    for stream, of in row.streams.items():
        node = stream_dataset(cleaned, stream)
        rate = float(node.attrs["rate"])
        made["streams"][stream] = {
            **_figures(of),
            "bad": int(node.bad.values.sum()),
            "rate": _rounded(rate),
            "seconds": _rounded(node.sizes["time"] / rate),
            "lost": _rounded(shares.get(stream, {}).get("lost")),
            "movements": repaired.get(stream, 0),
            "before": _course(of.before),
            "after": _course(of.after),
        }
    if self_test is not None:
        made["self_test"] = _tested(self_test)
    return made


def write_summary(facts: Mapping[str, Any], path: Path) -> Path:
    """Write what `summary` returned; the same facts give the same bytes."""
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
    return path


def _figures(of: "ModalityRow") -> dict[str, Any]:
    own = of.figures()
    return {
        "channels": of.channels,
        "usable": of.usable,
        "moving": _rounded(own["moving"]),
        "unchanged": _rounded(own["unchanged"]),
        "attenuation_db": _rounded(own["taken_out_db"]),
        "quality": _rounded(of.quality),
    }


def _tested(found: "SelfTest") -> dict[str, Any]:
    """The errors of all methods by modality, which is best, and what could not be tested."""
    names = [str(name) for name in found.table.method.values] if "method" in found.table else []
    errors = {
        modality: {
            name: _rounded(found.figure(name, modality))
            for name in names
            if np.isfinite(found.figure(name, modality))
        }
        for modality in found.tested
    }
    return {
        "error_db": errors,
        "best": {modality: found.best(modality) for modality in found.tested},
        "not_tested": {modality: str(why) for modality, why in found.lacking.items()},
    }


def _course(values: np.ndarray) -> list[float | None]:
    """Up to `BINS` values, each the largest of those that it stands for."""
    starts = np.unique(np.linspace(0, len(values), min(BINS, len(values)), False).astype(int))
    return [_rounded(value) for value in np.fmax.reduceat(values, starts)]


def _rounded(value: float | None) -> float | None:
    """A number with few digits; None if it is not finite."""
    if value is None or not np.isfinite(value):
        return None
    return float(f"{float(value):.{DIGITS}g}")
