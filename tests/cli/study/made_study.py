"""A made study: its plan, summaries and crash files, without any recording."""

import json
from pathlib import Path

import numpy as np

DEVICES = ("actiCHamp + NIRSport2", "eego + Brite", "Enobio + PLUX")
SITES = ("Oldenburg", "Tübingen", "")
TASKS = ("rest", "walk")
METHODS = ("joint", "asr", "tddr", "uncorrected")


def figures(rng: np.random.Generator, channels: int, quality: float, size: float) -> dict:
    """Of one modality, as in a summary."""
    course = (size * np.exp(rng.normal(0, 0.4, 40))).tolist()
    return {
        "channels": channels,
        "usable": channels - int(rng.integers(0, 3)),
        "bad": 1,
        "rate": 250.0,
        "seconds": 600.0,
        "moving": float(rng.uniform(0.05, 0.3)),
        "unchanged": float(rng.uniform(0.7, 0.95)),
        "lost": float(rng.uniform(0, 0.01)),
        "movements": int(rng.integers(5, 60)),
        "attenuation_db": float(rng.normal(9, 1.5)),
        "quality": quality * float(np.exp(rng.normal(0, 0.05))),
        "before": course,
        "after": [value / 3 for value in course],
    }


def entities(number: int) -> dict[str, str]:
    """Two recordings a participant."""
    return {"sub": f"{number // 2 + 1:03}", "task": TASKS[number % 2]}


def name(number: int) -> str:
    return "_".join(f"{key}-{label}" for key, label in entities(number).items())


def summary_path(out: Path, number: int) -> Path:
    return out / f"sub-{entities(number)['sub']}" / f"{name(number)}_desc-clean_summary.json"


def crash_path(out: Path, number: int) -> Path:
    return out / "logs" / f"sub-{entities(number)['sub']}" / f"crash-{name(number)}.json"


def summary(number: int, self_test: bool = True) -> dict:
    """Of one recording, as `neurofuse app` writes it."""
    rng = np.random.default_rng(number)
    made = {
        "format": 1,
        "name": name(number),
        "entities": entities(number),
        "site": SITES[number // 2 % 3],
        "device": DEVICES[number // 2 % 3],
        "method": "joint",
        "version": "0.1.0",
        "seconds": 600.0,
        "streams": {
            "eeg": figures(rng, 32, 1.2e-5, 3e-5),
            "nirs": figures(rng, 20, 0.85, 5e-3),
        },
    }
    if self_test:
        errors = {m: float(rng.normal(-6 + 2 * k, 1)) for k, m in enumerate(METHODS)}
        made["self_test"] = {
            "error_db": {"eeg": errors},
            "best": {"eeg": min(errors, key=errors.__getitem__)},
            "not_tested": {},
        }
    return made


def crash(number: int, message: str = "found half a file; wanted a whole one") -> dict:
    return {"name": name(number), "kind": "ReadError", "message": message}


def write_json(facts: object, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts), encoding="utf-8")
    return path


def make_study(
    out: Path,
    count: int = 50,
    *,
    failed: tuple[int, ...] = (3, 17, 30),
    waiting: tuple[int, ...] = (),
    left_out: int = 1,
) -> Path:
    """The outputs of a study; the recordings `failed` and `waiting` have no summary."""
    tasks = [
        {
            "name": name(number),
            "entities": entities(number),
            "inputs": {"eeg": "a_eeg.edf", "nirs": "a_nirs.snirf"},
            "site": SITES[number // 2 % 3],
            "device": DEVICES[number // 2 % 3],
        }
        for number in range(count)
    ]
    left = [
        {"name": f"sub-9{n:03}_task-rest", "files": ["a_eeg.edf"], "reason": "EEG without fNIRS"}
        for n in range(left_out)
    ]
    plan = {"source": "../data", "tasks": tasks, "left_out": left}
    write_json(plan, out / "logs" / "plan.json")
    for number in range(count):
        if number in failed:
            write_json(crash(number), crash_path(out, number))
        elif number not in waiting:
            write_json(summary(number), summary_path(out, number))
    return out
