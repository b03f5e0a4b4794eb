"""Memory and time of 8 h through `neurofuse clean`.

    python -m benchmarks.speed.long_recording

32 EEG channels at 500 Hz (EDF) and 40 fNIRS channels at 10 Hz (SNIRF), ten minutes with injected
motion repeated. Each step runs in a process of its own, whose peak memory the system reports.
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

PIECE = 600  # s that are simulated; the rest repeats them
EEG_RATE, NIRS_RATE = 500.0, 10.0
STEP = 1e-7  # V, of the EDF's integers


def make(folder: Path, hours: float) -> None:
    """Write eeg.edf and nirs.snirf."""
    import edfio

    from neurofuse.io import build, eeg_dataset, nirs_dataset, to_intensity, write_nirs
    from neurofuse.synth import inject
    from neurofuse.synth.brain import coloured

    rng = np.random.default_rng(0)
    names = [f"E{i}" for i in range(32)]
    pairs = [f"S{i // 5 + 1}" for i in range(40)], [f"D{i + 1}" for i in range(40)]
    voltage = 1e-5 * coloured((32, int(PIECE * EEG_RATE)), EEG_RATE, 1.7, 1.0, rng)
    density = 0.01 * coloured((80, int(PIECE * NIRS_RATE)), NIRS_RATE, 2.0, 0.01, rng)
    light = np.exp(-density).reshape(40, 2, -1)
    calm = build(
        eeg_dataset(voltage, EEG_RATE, names),
        nirs_dataset(light, NIRS_RATE, [760, 850], *pairs),
    )
    _, contaminated = inject(calm, seed=1)
    repeats = round(hours * 3600 / PIECE)
    voltage, light = (
        contaminated["eeg"].eeg.values,
        to_intensity(contaminated)["nirs"].intensity.values,
    )
    limit = 32767 * STEP * 1e6  # uV
    signals = []
    for name, row in zip(names, voltage, strict=True):
        whole = np.tile(np.clip(row * 1e6, -limit, limit), repeats)
        signals.append(
            edfio.EdfSignal(
                whole,
                EEG_RATE,
                label=name,
                physical_dimension="uV",
                physical_range=(-limit, limit),
                digital_range=(-32767, 32767),
            )
        )
    edfio.Edf(signals).write(folder / "eeg.edf")
    node = nirs_dataset(np.tile(light, repeats), NIRS_RATE, [760, 850], *pairs)
    write_nirs(build(nirs=node), folder / "nirs.snirf", overwrite=True)


def open_lazily(folder: Path) -> None:
    """Read both files onto one clock."""
    import neurofuse as nf

    recording = nf.read(folder / "eeg.edf", folder / "nirs.snirf", offset=0.0)
    hours = recording["eeg"].sizes["time"] / EEG_RATE / 3600
    print(f"  {hours:g} h, samples of type {type(recording['eeg'].eeg.data).__name__}")


def clean_in_python(folder: Path) -> None:
    """nf.read, nf.clean, and a walk through the result."""
    import neurofuse as nf
    from neurofuse.io.lazy import time_blocks

    recording = nf.read(folder / "eeg.edf", folder / "nirs.snirf", offset=0.0)
    cleaned = nf.clean(recording)
    before, after = recording["eeg"].eeg, cleaned["eeg"].eeg
    power = np.zeros(2)
    for (_, one), (_, two) in zip(
        time_blocks(before, EEG_RATE), time_blocks(after, EEG_RATE), strict=True
    ):
        power += (one**2).sum(), (two**2).sum()
    print(f"  EEG energy {power[1] / power[0]:.3f} of the input's")


def clean_on_the_command_line(folder: Path) -> None:
    """`neurofuse clean`: FIF, SNIRF, netCDF, report."""
    from neurofuse.cli.clean import clean_files

    paths = [folder / "eeg.edf", folder / "nirs.snirf"]
    made = clean_files(paths, folder / "out", offset=0.0, overwrite=True)
    for kind, path in made.items():
        print(f"  {kind}: {path.stat().st_size / 1e6:.0f} MB")


def alone(step: Callable[..., None], *arguments) -> None:
    """Run a step in a fresh process and print its time and peak memory."""
    process = multiprocessing.get_context("spawn").Process(target=_timed, args=(step, *arguments))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{step.__name__} failed")


def _timed(step: Callable[..., None], *arguments) -> None:
    start = time.perf_counter()
    step(*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{step.__name__}: {time.perf_counter() - start:.1f} s, peak {peak:.2f} GB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--folder", type=Path, default=Path("runs/long"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if not (options.folder / "nirs.snirf").exists():
        alone(make, options.folder, options.hours)
    for step in (open_lazily, clean_in_python, clean_on_the_command_line):
        alone(step, options.folder)


if __name__ == "__main__":
    main()
