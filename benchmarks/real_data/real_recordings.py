"""Clean real recordings by `neurofuse clean` and draw what came out: docs/real_recordings.md.

    python -m benchmarks.real_data.real_recordings

1. The one real simultaneous recording (OpenMuse, worn, movement at about 31-44 s), by device clock.
2. Strongly moving fNIRS (Homer3 twNI), artificially paired with the clean EEG of somebody else.
3. Clean EEG and fNIRS of two test people with injected motion.
"""

import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr
from scipy import ndimage, signal

from benchmarks.common.paths import ROOT
from neurofuse.fusion.plot.draw_traces import draw_traces
from neurofuse.fusion.views.before_after import views
from neurofuse.io import mark_bad, read, stream_dataset, streams, to_optical_density
from neurofuse.models.training.corpus import data_folder

DOCS = ROOT / "docs"


def clean_by_command(eeg: Path, nirs: Path, offset: float, out: Path) -> tuple[str, xr.DataTree]:
    """The command as a user types it, and the Recording that it wrote."""
    arguments = [str(eeg), str(nirs), "--offset", str(offset), "--out", str(out), "--no-report"]
    subprocess.run(
        [sys.executable, "-m", "neurofuse", "clean", *arguments], check=True, capture_output=True
    )
    cleaned = read(next(out.glob("*_recording.nc")))
    folder = data_folder()
    shown = " ".join(a.replace(str(folder), "$NEUROFUSE_DATA") for a in arguments[:4])
    return f"neurofuse clean {shown} --out DIR", cleaned


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


def figure(before, after, window: tuple[float, float], name: str) -> str:
    """Draw a window before and after; returns the Markdown that shows it."""
    target = DOCS / "figures" / f"{name}.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    drawn = draw_traces(views(before, after), window)
    drawn.savefig(target, dpi=110, facecolor="white", bbox_inches="tight")
    return f"![{name}](figures/{target.name})"


def unchanged(before, after, stream: str, cut: slice) -> float:
    """Share of EEG samples that are the same bit for bit; of fNIRS steps that are to 1e-9 OD."""
    if stream == "eeg":
        pair = [r["eeg"].eeg.sel(time=cut).values for r in (before, after)]
        return float((pair[0] == pair[1]).mean())
    steps = [
        np.diff(np.log(np.maximum(r["nirs"].intensity.sel(time=cut).values, 1e-30)), axis=-1)
        for r in (before, after)
    ]
    return float((np.abs(steps[0] - steps[1]) < 1e-9).mean())


def summary(before, after, spans: dict[str, tuple[float, float]]) -> list[str]:
    rows = [
        "| stream | span | median RMS before | after | unchanged samples (fNIRS: steps) |",
        "|---|---|---|---|---|",
    ]
    units = {"eeg": "µV", "nirs": "OD a sample"}
    for stream in streams(before):
        for label, span in spans.items():
            same = unchanged(before, after, stream, slice(*span))
            sizes = [np.median(size(r, stream, span)) for r in (before, after)]
            rows.append(
                f"| {stream} | {label} | {sizes[0]:.3g} {units[stream]} | {sizes[1]:.3g} | "
                f"{100 * same:.0f} % |"
            )
    return rows


def simultaneous(folder: Path, out: Path) -> list[str]:
    place = folder / "simultaneous" / "openmuse_worn" / "own_zero"
    eeg, nirs = place / "test_eeg_quality_eeg.edf", place / "test_eeg_quality_optics.snirf"
    clock = json.loads((place / "test_eeg_quality_clock.json").read_text())
    offset = clock["offset_to_eeg_s"]["optics"]
    command, cleaned = clean_by_command(eeg, nirs, offset, out)
    before = mark_bad(read(eeg, nirs, offset=offset))
    spans = {"quiet, 18-30 s": (18, 30), "movement, 31-44 s": (31, 44), "quiet, 46-60 s": (46, 60)}
    return [
        "## 1. A real simultaneous recording",
        "",
        f"`{command}`",
        "",
        "OpenMuse headband on one person, aligned by its device clock. Worn until 62 s; TP9 is at "
        "its rail for a third of the first 40 s. Nobody labelled the movement; the accelerometer "
        "shows it.",
        "",
        *summary(before, cleaned, spans),
        "",
        figure(before, cleaned, (0, 62), "openmuse"),
        "",
    ]


def artificial_pair(folder: Path, out: Path) -> list[str]:
    eeg = folder / "eeg_clean" / "sub-19_task-rest_eeg.edf"
    nirs = folder / "fnirs_motion" / "homer3_twni" / "s1_neuro_run01.snirf"
    command, cleaned = clean_by_command(eeg, nirs, 0.0, out)
    before = mark_bad(read(eeg, nirs, offset=0.0))
    density = stream_dataset(to_optical_density(before), "nirs").od
    speed = np.sqrt((density.diff("time") ** 2).mean(("channel", "wavelength"), skipna=True))
    busiest = ndimage.uniform_filter1d(np.nan_to_num(speed.values), 20 * 20)
    middle = float(speed.time[int(np.argmax(busiest[: (170 * 20)]))])
    window = (max(middle - 40, 0.0), max(middle - 40, 0.0) + 80)
    return [
        "## 2. Strongly moving fNIRS, artificially paired",
        "",
        f"`{command}`",
        "",
        "The fNIRS moves; the EEG is the resting EEG of another person from another laboratory. "
        "The pair is artificial: nothing in the EEG belongs to these movements, and the EEG should "
        "come back unchanged.",
        "",
        *summary(before, cleaned, {"0-180 s": (0, 180)}),
        "",
        figure(before, cleaned, window, "twni"),
        "",
    ]


def injected(folder: Path, out: Path) -> list[str]:
    eeg = folder / "eeg_clean" / "sub-19_task-rest_eeg.edf"
    nirs = folder / "fnirs_clean" / "finemi" / "sub-06_block-1_nirs.snirf"
    inject = ["inject", str(eeg), str(nirs), "--offset", "0", "--seed", "3", "--out", str(out)]
    subprocess.run([sys.executable, "-m", "neurofuse", *inject], check=True, capture_output=True)
    stem = "sub-19_task-rest_motion"
    moved = [out / f"{stem}_{name}" for name in ("eeg.edf", "nirs.snirf")]
    _, cleaned = clean_by_command(moved[0], moved[1], 0.0, out / "cleaned")
    before = mark_bad(read(*moved, offset=0.0))
    return [
        "## 3. Motion injected into real clean recordings",
        "",
        "`neurofuse inject $NEUROFUSE_DATA/eeg_clean/sub-19_task-rest_eeg.edf "
        "$NEUROFUSE_DATA/fnirs_clean/finemi/sub-06_block-1_nirs.snirf --offset 0 --seed 3 "
        f"--out DIR`, then `neurofuse clean DIR/{stem}_eeg.edf DIR/{stem}_nirs.snirf --offset 0 "
        "--out DIR/cleaned`",
        "",
        "Two people who were not used in training. One recording to look at; the scores of many "
        "are in [results](joint_gain.md).",
        "",
        *summary(before, cleaned, {"0-60 s": (0, 60)}),
        "",
        figure(before, cleaned, (0, 60), "injected"),
        "",
    ]


def main() -> None:
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    folder = data_folder()
    if folder is None:
        raise SystemExit("no data folder: set NEUROFUSE_DATA to where the recordings are")
    text = [
        "# Real recordings",
        "",
        "Made by `python -m benchmarks.real_data.real_recordings`. There is no truth in the first two: the "
        "figures show what was changed, not how right it was. That is measured in "
        "[results](joint_gain.md).",
        "",
    ]
    for part in (simultaneous, artificial_pair, injected):
        with tempfile.TemporaryDirectory() as out:
            text += part(folder, Path(out))
    (DOCS / "real_recordings.md").write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()
