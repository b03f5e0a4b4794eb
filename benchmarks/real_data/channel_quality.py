"""Channel quality of real recordings, and how fast it is judged: the figures in docs/quality.md.

python -m benchmarks.real_data.channel_quality
"""

import argparse
import csv
import logging
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import dask.array as da
import numpy as np

from benchmarks.common.paths import recordings_folder
from neurofuse.io import build, channel_quality, eeg_dataset, mark_bad, read
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.quality.channels import MASKS

FOLDERS = {
    "eeg": ("eeg_clean/*_eeg.edf", "eeg_motion/porr/*.vhdr", "simultaneous/*/**/*.edf"),
    "nirs": (
        "fnirs_clean/finemi/*.snirf",
        "fnirs_clean/homer3_fingertapping/*.snirf",
        "fnirs_motion/homer3_twni/*.snirf",
        "simultaneous/*/**/*.snirf",
        "formats/mne_testing_data/**/*.snirf",
        "formats/mne_testing_data/NIRx/nirsport_v1/*/*.hdr",
    ),
}
WORN = 62.0  # s; from then on the Muse was off the head


def rails(folder: Path) -> Iterator[str]:
    """At the rails of the Muse recording."""
    yield "\nat the rails [%]             TP9   TP10  AF7   AF8"
    place = folder / "simultaneous" / "openmuse_worn"
    for name, file, end in (
        ("as recorded, worn", "own_zero/test_eeg_quality_eeg.edf", WORN),
        ("as recorded, whole", "own_zero/test_eeg_quality_eeg.edf", None),
        ("on an even grid, whole", "aligned/test_eeg_quality_aligned_eeg.edf", None),
    ):
        table = channel_quality(read(place / file).sel(time=slice(0, end)), "eeg")
        percent = 100 * table.rail_share.sel(channel=["TP9", "TP10", "AF7", "AF8"])
        yield f"{name:<28} " + " ".join(f"{value:<5.1f}" for value in percent.values)


def deviations(folder: Path) -> Iterator[str]:
    """Largest deviation of an electrode, by task of porr and channel of the worn Muse."""
    largest: dict[str, float] = {}
    for path in sorted((folder / "eeg_motion" / "porr").glob("*.vhdr")):
        task = path.stem.split("task-")[1].removesuffix("_eeg")
        results = float(channel_quality(read(path), "eeg").deviation.max())
        largest[task] = max(largest.get(task, 0.0), results)
    path = folder / "simultaneous" / "openmuse_worn" / "own_zero" / "test_eeg_quality_eeg.edf"
    table = channel_quality(read(path).sel(time=slice(0, WORN)), "eeg")
    for name in ("TP9", "TP10", "AF7", "AF8"):
        largest[f"Muse {name}"] = float(table.deviation.sel(channel=name))
    shown = ", ".join(f"{name} {1e6 * value:.0f}" for name, value in largest.items())
    yield f"\nlargest deviation [uV]: {shown}"


def light(folder: Path) -> Iterator[str]:
    """Noise and stillness of the worn Muse's optics."""
    path = folder / "simultaneous" / "openmuse_worn" / "own_zero" / "test_eeg_quality_optics.snirf"
    table = channel_quality(read(path), "nirs")
    for name in ("noise", "still_share"):
        values = ", ".join(f"{100 * value:.1f}" for value in table[name].values)
        yield f"Muse optics, {name} [%] of {', '.join(table.channel.values)}: {values}"


def faults(folder: Path, stream: str) -> Iterator[str]:
    """Bad channels with reasons, and how many channels each mask reports, of each folder."""
    for pattern in FOLDERS[stream]:
        files = sorted(folder.glob(pattern))
        counts = dict.fromkeys(MASKS[stream], 0)
        total, still, bad = 0, 0.0, []
        for path in files:
            try:
                table = channel_quality(read(path), stream)
            except NeurofuseError as error:
                bad.append(f"{path.name}: {error}")
                continue
            total += table.sizes["channel"]
            for mask in counts:
                counts[mask] += int(table[mask].sum())
            still = max(still, float(table.still_share.max()) if stream == "nirs" else 0.0)
            pairs = zip(table.channel.values, table.reason.values, strict=True)
            marked = [f"{name} {reason}" for name, reason in pairs if reason]
            if marked:
                bad.append(f"{path.name}: {'; '.join(marked)}")
        shown = ", ".join(f"{mask} {count}" for mask, count in counts.items() if count)
        most = f", still at most {100 * still:.2g} % of windows" if stream == "nirs" else ""
        yield f"\n{pattern}: {len(files)} files, {total} channels; {shown or 'no mask'}{most}"
        yield from (f"  {line}" for line in bad)


def scalp_coupling(folder: Path) -> Iterator[str]:
    """Largest difference from FineMI's own table of scalp coupling indices, rounded to 0.01."""
    place = folder / "fnirs_clean" / "finemi"
    with open(place / "quality.tsv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    worst = [0.0, 0.0]
    for row in rows:
        sci = channel_quality(read(place / row["file"]), "nirs").sci
        worst[0] = max(worst[0], abs(float(sci.median()) - float(row["sci_median"])))
        fraction = float((sci > 0.5).mean()) - float(row["sci_frac_gt_0.5"])
        worst[1] = max(worst[1], abs(fraction))
    yield (
        f"\nFineMI's quality.tsv: {len(rows)} files, median sci within {worst[0]:.3f}, "
        f"fraction above 0.5 within {worst[1]:.3f}"
    )


def speed() -> Iterator[str]:
    """Seconds and memory for simulated recordings of 32 channels at 500 Hz."""
    names = [f"E{number}" for number in range(32)]
    data = np.random.default_rng(0).normal(0, 2e-5, (32, 1_800_000))
    hour = build(eeg_dataset(data, 500.0, names))
    for step, make in (
        ("mark_bad", mark_bad),
        ("channel_quality", lambda r: channel_quality(r, "eeg")),
    ):
        make(hour)
        start = time.perf_counter()
        make(hour)
        yield f"{step}, 1 h in memory: {time.perf_counter() - start:.2f} s"
    tile = da.from_array(data[:, :30_000])
    night = build(eeg_dataset(da.concatenate([tile] * 480, axis=1), 500.0, names))
    tracemalloc.start()
    start = time.perf_counter()
    channel_quality(night, "eeg")
    passed, peak = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
    yield f"channel_quality, 8 h as a dask array: {passed:.1f} s, {peak / 2**20:.0f} MiB at most"


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    logging.disable(logging.WARNING)
    home = recordings_folder()
    parts = [speed(), rails(home), deviations(home), faults(home, "eeg")]
    for part in (*parts, faults(home, "nirs"), light(home), scalp_coupling(home)):
        for line in part:
            print(line, flush=True)


if __name__ == "__main__":
    main()
