"""Memory and CPU time of `neurofuse clean` on a whole night.

    python -m benchmarks.speed.long_recording --page docs/measured/long_recording.md

32 EEG channels at 500 Hz (BrainVision, the one format of which every output is written at any
length) and 40 fNIRS channels at 10 Hz (SNIRF). Ten minutes are simulated and repeated, each time
with other amplitudes. The command runs as a user runs it, with all that it can write; two lengths
are compared, so that what grows faster than the recording shows.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.common.page import Page, Table
from benchmarks.common.paths import write

PIECE = 600  # s that are simulated
EEG_RATE, NIRS_RATE = 500, 10
STEP = 0.1  # uV, of BrainVision's integers
STEM = "sub-01_task-night"
SHORT = PIECE / 3600  # h, to compare with
WAYS = {"files": ["--uncertainty"], "BIDS": ["--uncertainty", "--bids"]}  # options

HEADER = """Brain Vision Data Exchange Header File Version 1.0
[Common Infos]
DataFile={stem}_eeg.eeg
MarkerFile={stem}_eeg.vmrk
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels={channels}
SamplingInterval={interval:g}
[Binary Infos]
BinaryFormat=INT_16
[Channel Infos]
"""
MARKERS = """Brain Vision Data Exchange Marker File, Version 1.0
[Common Infos]
DataFile={stem}_eeg.eeg
[Marker Infos]
Mk1=New Segment,,1,1,0,20260101220000000000
"""
# what a child runs: the command line, then its own peak memory, which no parent's size enters
RUN = """
import json, os, sys
from pathlib import Path
from neurofuse.cli.app import main

target, sys.argv = Path(sys.argv[1]), ["neurofuse", *sys.argv[2:]]
try:
    main()
finally:
    status = dict(l.split(":", 1) for l in Path("/proc/self/status").read_text().splitlines())
    own = os.times()
    target.write_text(json.dumps({
        "memory": int(status["VmHWM"].split()[0]) * 1024 / 1e9,
        "cpu": own.user + own.system + own.children_user + own.children_system,
    }))
"""


def inputs(cache: Path, hours: float) -> list[Path]:
    """The EEG and the fNIRS file of `hours`; made where the cache does not have them."""
    folder = cache / f"{hours:.3g}h"
    paths = [folder / f"{STEM}_eeg.vhdr", folder / f"{STEM}_nirs.snirf"]
    if not paths[1].exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make(paths, round(hours * 3600 / PIECE))
    return paths


def _make(paths: list[Path], repeats: int) -> None:
    from neurofuse.io import build, nirs_dataset, stream_dataset, to_intensity, write_nirs
    from neurofuse.synth.montage import eeg_montage

    rng = np.random.default_rng(0)
    names, _ = eeg_montage(32)
    recording = _piece(names, rng)
    voltage = recording["eeg"].eeg.values * 1e6 / STEP
    header = HEADER.format(stem=STEM, channels=len(names), interval=1e6 / EEG_RATE)
    channels = "\n".join(f"Ch{i}={name},,{STEP},uV" for i, name in enumerate(names, 1))
    paths[0].write_text(f"{header}{channels}\n")
    paths[0].with_suffix(".vmrk").write_text(MARKERS.format(stem=STEM))
    light = stream_dataset(to_intensity(recording), "nirs")
    parts = []
    with paths[0].with_suffix(".eeg").open("wb") as file:
        for _ in range(repeats):
            other = voltage * rng.uniform(0.8, 1.2, (len(voltage), 1))
            file.write(np.clip(np.rint(other), -32767, 32767).T.astype("<i2").tobytes())
            parts.append(light.intensity.values * rng.uniform(0.9, 1.1, (40, 2, 1)))
    node = nirs_dataset(
        np.concatenate(parts, axis=-1),
        NIRS_RATE,
        light.wavelength.values.tolist(),
        light.source.values.tolist(),
        light.detector.values.tolist(),
        source_position=light.source_position.values,
        detector_position=light.detector_position.values,
    )
    write_nirs(build(nirs=node), paths[1])


def _piece(names: list[str], rng: np.random.Generator) -> xr.DataTree:
    """`PIECE` seconds of coloured noise with injected motion."""
    from neurofuse.io import build, eeg_dataset, nirs_dataset
    from neurofuse.synth import inject
    from neurofuse.synth.brain import coloured

    voltage = 1e-5 * coloured((len(names), PIECE * EEG_RATE), EEG_RATE, 1.7, 1.0, rng)
    density = 0.01 * coloured((80, PIECE * NIRS_RATE), NIRS_RATE, 2.0, 0.01, rng)
    detectors = np.array([[0.03, 0.07, 0.06]] * 32 + [[0.007, 0.07, 0.06]] * 8)
    nirs = nirs_dataset(
        np.exp(-density).reshape(40, 2, -1),
        NIRS_RATE,
        [760, 850],
        [f"S{i // 5 + 1}" for i in range(40)],
        [f"D{i + 1}" for i in range(40)],
        source_position=np.repeat(rng.normal([0.0, 0.07, 0.06], 1e-3, (8, 3)), 5, axis=0),
        detector_position=rng.normal(detectors, 1e-3),
    )
    return inject(build(eeg_dataset(voltage, EEG_RATE, names), nirs), seed=1)[1]


def measured(cache: Path, hours: float, way: str) -> dict[str, float]:
    """What `measure` gives; kept in the cache, so that an interrupted benchmark goes on."""
    kept = cache / f"{hours:.3g}h-{way}.json"
    if not kept.exists():
        write(kept, measure(inputs(cache, hours), cache, WAYS[way]))
    return json.loads(kept.read_text())


def measure(paths: list[Path], cache: Path, options: list[str]) -> dict[str, float]:
    """Peak memory [GB], CPU time and elapsed time [s], and size of the outputs [GB]."""
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        out, figures = Path(folder) / "out", Path(folder) / "figures.json"
        run = [sys.executable, "-c", RUN, str(figures), "clean", *map(str, paths)]
        start = time.perf_counter()
        subprocess.run([*run, "--offset", "0", "--out", str(out), *options], check=True)
        elapsed = time.perf_counter() - start
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e9
        return json.loads(figures.read_text()) | {"elapsed": elapsed, "size": size}


COLUMNS = [
    "recording",
    "outputs",
    "peak memory [GB]",
    "CPU [s per recorded min]",
    "relative to 10 min",
    "CPU [min]",
    "elapsed [min]",
    "outputs [GB]",
]


def row(hours: float, way: str, figures: dict[str, float], short: dict[str, float]) -> list[str]:
    """The cells of one run; `short` is the run of `SHORT` with the same outputs."""
    spent, reference = figures["cpu"] / (hours * 60), short["cpu"] / (SHORT * 60)
    return [
        f"{hours:g} h" if hours != SHORT else "10 min",
        way,
        f"{figures['memory']:.2f}",
        f"{spent:.2f}",
        f"{spent / reference:.2f}",
        f"{figures['cpu'] / 60:.1f}",
        f"{figures['elapsed'] / 60:.1f}",
        f"{figures['size']:.2f}",
    ]


QUESTION = """Does a whole night fit into memory, and does a minute of it take longer than one of
a short recording? `neurofuse clean` with `--uncertainty` on 32 EEG channels at 500 Hz
(BrainVision) and 40 fNIRS channels at 10 Hz (SNIRF) writes all that it can: FIF, BrainVision,
SNIRF, netCDF and the report; with `--bids` the same without FIF. Peak memory is that of the
process, with Python and all libraries; CPU time is of all threads, with start and imports."""
WANTED = "Wanted: below 2 GB, and at most 1.1 times the CPU time of a minute of ten minutes."
LIMITS = """One machine with two cores that many other programs used as well, which makes CPU
times larger; one run each. Ten minutes of coloured noise with motion were repeated, each time
with other amplitudes. EEG above 1 GiB as float64 (2.3 h of this) is read and cleaned in blocks;
what is shorter is in memory as a whole and can therefore need more. Of longer recordings the
report shows the stretch with most motion, here 17 minutes, and files of EDF, BDF and EEGLAB are
not written in their own format."""


def page(rows: list[list[str]]) -> Page:
    table = Table(COLUMNS, rows)
    return Page(
        title="A whole night",
        question=f"{QUESTION} {WANTED}",
        table=table,
        limits=LIMITS,
        command="OMP_NUM_THREADS=1 python -m benchmarks.speed.long_recording "
        "--page docs/measured/long_recording.md",
        data={"": table},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 8.0])
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "neurofuse-long-recording",
        help="folder of inputs and figures, kept, and of outputs, removed: 20 GB for 8 h; "
        "remove it to measure anew",
    )
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    rows = []
    for way in options.ways:
        short: dict[str, float] = {}
        for hours in (SHORT, *options.hours):
            figures = measured(options.cache, hours, way)
            short = short or figures
            rows.append(row(hours, way, figures, short))
            print(dict(zip(COLUMNS, rows[-1], strict=True)), flush=True)
    if options.page:
        page(rows).write(options.page)


if __name__ == "__main__":
    main()
