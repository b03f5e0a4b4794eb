"""Clean real recordings by `neurofuse clean` and draw the results.

    python -m benchmarks.real_data.real_recordings --page docs/measured/real_recordings.md

1. The one real simultaneous recording (OpenMuse, worn, movement at about 31-44 s), by device clock.
2. fNIRS in strong motion (Homer3 twNI), artificially paired with another participant's clean EEG.
3. Clean EEG and fNIRS of two test participants with injected motion.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from scipy import ndimage, signal

from benchmarks.common.page import Page, Table, figure_of
from benchmarks.common.paths import recordings_folder
from neurofuse.fusion.plot.draw_traces import draw_traces
from neurofuse.fusion.views.before_after import views_of
from neurofuse.io import mark_bad, read, stream_dataset, streams, to_optical_density
from neurofuse.io.modality import MODALITIES

Span = tuple[float, float]  # s


@dataclass(frozen=True)
class Example:
    """A recording before and after cleaning, what is compared, and which part is plotted."""

    title: str
    before: xr.DataTree
    after: xr.DataTree
    spans: Mapping[str, Span]
    window: Span


def clean_by_command(eeg: Path, nirs: Path, offset: float, out: Path) -> xr.DataTree:
    """The Recording that the command wrote, run as a user types it."""
    arguments = [str(eeg), str(nirs), "--offset", str(offset), "--out", str(out), "--no-report"]
    command = [sys.executable, "-m", "neurofuse", "clean", *arguments]
    subprocess.run(command, check=True, capture_output=True)
    return read(next(out.glob("*_recording.nc")))


def size(recording: xr.DataTree, stream: str, span: tuple[float, float]) -> np.ndarray:
    """RMS of each used channel within a span [s]: EEG above 0.5 Hz [µV], changes of OD."""
    if stream == "nirs":
        node = stream_dataset(to_optical_density(recording), "nirs")
        series = np.diff(node.od.values[:, 0], axis=-1, prepend=node.od.values[:, 0, :1])
    else:
        node = stream_dataset(recording, "eeg")
        used = (node.ch_type.values == "eeg") & ~node.bad.values
        sos = signal.butter(2, 0.5, "highpass", fs=node.attrs["rate"], output="sos")
        series = 1e6 * signal.sosfiltfilt(sos, node.eeg.values[used], axis=-1)
    inside = (node.time.values >= span[0]) & (node.time.values < span[1])
    return np.sqrt(np.nanmean(series[:, inside] ** 2, axis=-1))


def draw(example: Example, target: Path) -> None:
    """A window before and after."""
    figure = draw_traces(views_of(example.before, example.after), example.window)
    figure.savefig(target, dpi=110, facecolor="white", bbox_inches="tight")


def unchanged(before, after, stream: str, cut: slice) -> float:
    """Fraction of EEG samples that are the same bit for bit; of fNIRS steps, to 1e-9 OD."""
    if stream == "eeg":
        pair = [r["eeg"].eeg.sel(time=cut).values for r in (before, after)]
        return float((pair[0] == pair[1]).mean())
    steps = [
        np.diff(np.log(np.maximum(r["nirs"].intensity.sel(time=cut).values, 1e-30)), axis=-1)
        for r in (before, after)
    ]
    return float((np.abs(steps[0] - steps[1]) < 1e-9).mean())


def rows_of(example: Example) -> list[list[str]]:
    """RMS before and after, and what is unchanged, by modality and span."""
    units = {"eeg": "µV", "nirs": "OD a sample"}
    rows = []
    for stream in streams(example.before):
        for label, span in example.spans.items():
            same = unchanged(example.before, example.after, stream, slice(*span))
            sizes = [np.median(size(r, stream, span)) for r in (example.before, example.after)]
            shown = [f"{sizes[0]:.3g} {units[stream]}", f"{sizes[1]:.3g}", f"{100 * same:.0f} %"]
            rows.append([example.title, MODALITIES[stream].display, label, *shown])
    return rows


def simultaneous(folder: Path, out: Path) -> Example:
    place = folder / "simultaneous" / "openmuse_worn" / "own_zero"
    eeg, nirs = place / "test_eeg_quality_eeg.edf", place / "test_eeg_quality_optics.snirf"
    clock = json.loads((place / "test_eeg_quality_clock.json").read_text())
    offset = clock["offset_to_eeg_s"]["optics"]
    cleaned = clean_by_command(eeg, nirs, offset, out)
    spans = {"rest, 18-30 s": (18, 30), "movement, 31-44 s": (31, 44), "rest, 46-60 s": (46, 60)}
    before = mark_bad(read(eeg, nirs, offset=offset))
    return Example("1. simultaneous", before, cleaned, spans, (0, 62))


def artificial_pair(folder: Path, out: Path) -> Example:
    eeg = folder / "eeg_clean" / "sub-19_task-rest_eeg.edf"
    nirs = folder / "fnirs_motion" / "homer3_twni" / "s1_neuro_run01.snirf"
    cleaned = clean_by_command(eeg, nirs, 0.0, out)
    before = mark_bad(read(eeg, nirs, offset=0.0))
    density = stream_dataset(to_optical_density(before), "nirs").od
    speed = np.sqrt((density.diff("time") ** 2).mean(("channel", "wavelength"), skipna=True))
    busiest = ndimage.uniform_filter1d(np.nan_to_num(speed.values), 20 * 20)
    middle = float(speed.time[int(np.argmax(busiest[: (170 * 20)]))])
    start = max(middle - 40, 0.0)
    spans = {"0-180 s": (0, 180)}
    return Example("2. fNIRS in motion", before, cleaned, spans, (start, start + 80))


def injected(folder: Path, out: Path) -> Example:
    eeg = folder / "eeg_clean" / "sub-19_task-rest_eeg.edf"
    nirs = folder / "fnirs_clean" / "finemi" / "sub-06_block-1_nirs.snirf"
    inject = ["inject", str(eeg), str(nirs), "--offset", "0", "--seed", "3", "--out", str(out)]
    subprocess.run([sys.executable, "-m", "neurofuse", *inject], check=True, capture_output=True)
    stem = "sub-19_task-rest_motion"
    contaminated = [out / f"{stem}_{name}" for name in ("eeg.edf", "nirs.snirf")]
    cleaned = clean_by_command(contaminated[0], contaminated[1], 0.0, out / "cleaned")
    before = mark_bad(read(*contaminated, offset=0.0))
    return Example("3. injected motion", before, cleaned, {"0-60 s": (0, 60)}, (0, 60))


COLUMNS = ["recording", "modality", "span", "median RMS before", "after", "unchanged samples"]
QUESTION = """What does `neurofuse clean` change in real recordings? (1) The one real simultaneous
recording: an OpenMuse headband on one participant, aligned by its device clock and worn until 62 s;
TP9 is at its rail for a third of the first 40 s. (2) fNIRS in strong motion (Homer3 twNI, s1 run
1), artificially paired with the resting EEG of another participant (`sub-19`): nothing in the EEG
belongs to these movements, and it should come back unchanged. (3) Clean EEG (`sub-19`) and fNIRS
(FineMI `sub-06`) of two participants not used in training, with injected motion (seed 3). RMS of
EEG above 0.5 Hz, of fNIRS from sample to sample; unchanged: EEG samples, fNIRS steps."""
LIMITS = """The first two have no truth: the figures show what was changed, not how right it was.
That is measured in [what the joint model gains](joint_gain.md). The movement in the first is not
labelled; its accelerometer shows it."""
MAKERS = {simultaneous: "", artificial_pair: "_motion", injected: "_injected"}  # of figures


def page(rows: list[list[str]]) -> Page:
    return Page(
        title="Real recordings",
        question=QUESTION,
        table=Table(COLUMNS, rows),
        limits=LIMITS,
        command="python -m benchmarks.real_data.real_recordings "
        "--page docs/measured/real_recordings.md",
        data={"": Table(COLUMNS, rows)},
        figure="The simultaneous recording before and after",
        further={
            "figure of fNIRS in motion": "figures/real_recordings_motion.png",
            "figure of injected motion": "figures/real_recordings_injected.png",
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", type=Path, help="write the page, its figures and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    rows = []
    for make, name in MAKERS.items():
        with tempfile.TemporaryDirectory() as out:  # samples may be left in its files
            example = make(recordings_folder(), Path(out))
            rows += rows_of(example)
            if options.page:
                target = figure_of(options.page)
                draw(example, target.with_name(f"{target.stem}{name}.png"))
    made = page(rows)
    print(made.markdown("real_recordings"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
