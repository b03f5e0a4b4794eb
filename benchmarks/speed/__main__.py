"""How fast methods are and what memory they take.

    python -m benchmarks.speed --methods all --seconds 600 --page docs/measured/speed.md

32 EEG channels at 250 Hz and 40 fNIRS channels at 10 Hz, 8 of them short, with motion sensors. Each
method runs in a process of its own; imports and weights are loaded before the clock starts.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.common.methods import (
    JOINT,
    NETWORKS,
    UNCORRECTED,
    ZERO,
    get_method,
    names,
    row_name,
)
from benchmarks.common.page import Page, Table, no_run
from neurofuse.fusion.clean import clean
from neurofuse.io import build, eeg_dataset, nirs_dataset
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.modality import MODALITIES
from neurofuse.synth import inject
from neurofuse.synth.brain import coloured
from neurofuse.synth.montage import eeg_montage

WARM = 40.0  # s cleaned before the clock starts


def peak() -> float:
    """Largest memory of this process so far [GB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def disturbed(length: float):
    """A recording of coloured noise with motion."""
    rng = np.random.default_rng(0)
    names, places = eeg_montage(32)
    eeg = 1e-5 * coloured((32, int(length * 250)), 250, 1.7, 1.0, rng)
    density = 0.01 * coloured((80, int(length * 10)), 10, 2.0, 0.01, rng)
    detectors = np.array([[0.03, 0.07, 0.06]] * 32 + [[0.007, 0.07, 0.06]] * 8)
    recording = build(
        eeg_dataset(eeg, 250, names, position=places),
        nirs_dataset(
            np.exp(-density).reshape(40, 2, -1),
            10,
            [760, 850],
            [f"S{i // 5}" for i in range(40)],
            [f"D{i}" for i in range(40)],
            source_position=rng.normal([0.0, 0.07, 0.06], 1e-3, (40, 3)),
            detector_position=rng.normal(detectors, 1e-3),
        ),
    )
    return inject(recording, seed=1, sensors=True)[1]


def measure(method: str, length: float) -> dict:
    """Seconds and memory of one method in this process."""
    contaminated = disturbed(length)
    try:
        clean(contaminated.sel(time=slice(0, WARM)), method)
        before, start = peak(), time.perf_counter()
        clean(contaminated, method)
    except NeurofuseError as error:
        return {"failure": str(error)}
    return {"seconds": time.perf_counter() - start, "before": before, "peak": peak()}


def apart(method: str, length: float) -> dict:
    """The same in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.speed",
        "--seconds",
        str(length),
        "--methods",
        method,
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def table(length: float) -> Table:
    """Time and memory of every method, each measured in a process of its own."""
    columns = ["method", "modalities", "s per recorded hour", "x real time", "memory [GB]"]
    rows = []
    for method in names():
        if method in (UNCORRECTED, ZERO):
            continue
        results = apart(method, length)
        if "failure" in results:
            rows.append(no_run(row_name(method), results["failure"], len(columns)))
            continue
        more = results["peak"] - results["before"]
        hour = results["seconds"] * 3600 / length
        treated = ", ".join(MODALITIES[s].display for s in get_method(method).streams)
        rows.append([row_name(method), treated, f"{hour:.0f}", f"{3600 / hour:.0f}", f"{more:.2f}"])
        print(rows[-1], flush=True)
    return Table(columns, rows)


QUESTION = """How fast is each method and what memory does it take? 32 EEG channels at 250 Hz and 40
fNIRS channels at 10 Hz, 8 of them short, with motion sensors; one process a method, on two cores;
imports and weights are loaded before. Memory: largest while cleaning {length:g} s, minus what was
in use before."""
LIMITS = """One machine, one recording of coloured noise. Baseline networks (they work on one
channel at a time) and methods that did not run are only in the file."""


def page(rows: Table, length: float) -> Page:
    shown = [row[0] for row in rows.rows if row[0] not in NETWORKS and row[-1]]
    return Page(
        title="Speed and memory",
        question=QUESTION.format(length=length),
        table=rows.only("method", shown),
        limits=LIMITS,
        command=f"python -m benchmarks.speed --methods all --seconds {length:g} "
        "--page docs/measured/speed.md",
        data={"": rows},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--methods", default=JOINT, help="one method, or all")
    parser.add_argument("--json", action="store_true", help="print figures for a program")
    parser.add_argument("--page", type=Path, help="with all methods: write the page and its rows")
    options = parser.parse_args()
    if options.methods == "all":
        made = page(table(options.seconds), options.seconds)
        if options.page:
            made.write(options.page)
        return
    results = measure(options.methods, options.seconds)
    if options.json or "failure" in results:
        print(json.dumps(results))
        return
    spent, before = results["seconds"], results["before"]
    print(f"32 EEG channels at 250 Hz, 40 fNIRS channels at 10 Hz, {options.seconds:g} s")
    print(f"{spent:.1f} s, {options.seconds / spent:.0f} x real time")
    more = results["peak"] - before
    print(f"peak memory {results['peak']:.2f} GB, {more:.2f} GB more than before cleaning")


if __name__ == "__main__":
    main()
