"""How soon and with how much memory a first result comes with torch and without.

    python -m benchmarks.edge.startup --export DIR --repeats 5

Each start is a process of its own that imports neurofuse, reads a recording of 32 + 40 channels
from its file and cleans it, in turn with `joint` and with its export; seconds are of a clock and of
one core (user and system), and of the fastest start: a loaded machine only adds. The network and
the whole cleaning are then timed in one process, on one thread, in turn.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

START = """
import os, resource, sys, time
begun = time.perf_counter()
import neurofuse as nf
recording = nf.read(sys.argv[1])
nf.clean(recording, sys.argv[2])
assert ("torch" in sys.modules) == (sys.argv[2] == "joint")
used = resource.getrusage(resource.RUSAGE_SELF)
with open("/proc/self/status") as told:  # ru_maxrss counts what the parent had, too
    peak = next(float(line.split()[1]) for line in told if line.startswith("VmHWM"))
print(time.perf_counter() - begun, used.ru_utime + used.ru_stime, peak / 1e3)
"""
NAMES = ("clock [s]", "core [s]", "memory [MB]")
FIRST = "import and first result"
WHOLE = "estimate of a recording, core [s]"
NETWORK = "network, one window, core [s]"


def start(recording: Path, method: str) -> list[float]:
    """Seconds of the clock and of a core, and largest memory [MB] of one start."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", START, str(recording), method]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return [float(x) for x in done.stdout.split()[-3:]]


def paired(first: Callable[[], object], second: Callable[[], object], repeats: int) -> np.ndarray:
    """Core seconds (function, repeat) of two functions in turn."""
    taken = np.empty((2, repeats))
    for repeat in range(repeats):
        for number, run in enumerate((first, second)):
            begun = time.process_time()
            run()
            taken[number, repeat] = time.process_time() - begun
    return taken


def network(export: Path, repeats: int) -> np.ndarray:
    """Core seconds of encoders, fusion and decoders for one window of 32 + 40 channels."""
    import torch

    from neurofuse.models.edge.load import load_network
    from neurofuse.models.edge.network import nothing
    from neurofuse.models.weights import load_model

    torch.set_num_threads(1)
    rng, frames = np.random.default_rng(0), 600
    model, (architecture, light) = load_model("joint"), load_network(export)
    seen, near = {}, {}
    for s, channels in (("eeg", 32), ("nirs", 40)):
        features = 3 * (len(architecture.bands.edges(s)) + 1) + (s == "nirs")
        seen[s] = rng.normal(size=(channels, features, frames)).astype(np.float32)
        near[s] = np.full((channels, channels), 1 / channels, np.float32)

    def with_torch() -> None:
        with torch.inference_mode():
            given = {s: torch.from_numpy(x)[None] for s, x in seen.items()}
            around = {s: torch.from_numpy(x)[None] for s, x in near.items()}
            made = {s: model.encoders[s](given[s], around[s]) for s in given}
            fused = model.fusion({s: pooled for s, (_, pooled) in made.items()})
            told = torch.from_numpy(nothing(frames))[None]
            for s, (channel, _) in made.items():
                model.decoders[s](channel, fused, around[s], told)
                model.own_model(s).decode_alone(s, given[s], around[s])

    def without() -> None:
        made = {s: light.encode(s, seen[s], near[s]) for s in seen}
        fused = light.fuse({s: pooled for s, (_, pooled) in made.items()})
        for s, (channel, _) in made.items():
            light.decode(s, channel, near[s], fused, nothing(frames))
            light.own(s, seen[s], near[s])

    return paired(with_torch, without, repeats)


def whole(path: Path, export: Path, repeats: int) -> np.ndarray:
    """Core seconds for all of a recording but reading it."""
    from neurofuse.io import read
    from neurofuse.io.quality.channels import mark_bad
    from neurofuse.models.edge.apply import estimate_artifacts as without
    from neurofuse.models.inference.apply import estimate_artifacts as with_torch

    recording = mark_bad(read(path))
    return paired(
        lambda: with_torch(recording, "joint"), lambda: without(recording, export), repeats
    )


def measured(export: Path, repeats: int, seconds: float = 60.0) -> dict[str, np.ndarray]:
    """With torch and with the export of joint, by what was measured."""
    from neurofuse.io import write_netcdf
    from neurofuse.synth import simulate

    _, recording = simulate(seconds, seed=1, eeg_montage=32, nirs_montage="motor")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.nc"
        write_netcdf(recording, path)
        methods = ("joint", str(export))
        found = [[start(path, m) for m in methods] for _ in range(repeats)]
        best = np.array(found).min(0)
        for name, values in zip(NAMES, best.T, strict=True):
            rows[f"{FIRST}, {name}"] = values
        rows[WHOLE] = np.median(whole(path, export, repeats), 1)
    rows[NETWORK] = np.median(network(export, repeats), 1)
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Start-up with torch and without.")
    parser.add_argument("--export", type=Path, required=True, help="folder of an export of joint")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the recording")
    given = parser.parse_args()
    rows = measured(given.export, given.repeats, given.seconds)
    print("| | torch | export | ratio |\n|---|---|---|---|")
    for name, (one, other) in rows.items():
        print(f"| {name} | {one:.3g} | {other:.3g} | {other / one:.2f} |")


if __name__ == "__main__":
    main()
