"""What does cleaning leave of movement in real recordings, whose truth is unknown?

    python -m benchmarks.moving --page docs/measured/moving.md

Real recordings with movement; each channel is compared with its own quiet stretches, which a
detector of its own finds (`benchmarks/common/calm.py`). Resumable: one JSON a method.
"""

import pandas as pd

from benchmarks.common.evaluation import run
from benchmarks.common.figures import Figure, by_device, every_row, one_by_one, side_by_side
from benchmarks.common.page import Page
from benchmarks.moving import evaluate

METHODS = ("uncorrected", "joint", "nirs", "eeg", "tddr", "spline", "wavelet", "asr", "wiener")
MUSE = "muse_cueing"


def nirs(table: pd.DataFrame) -> pd.Series:
    return table.stream == "nirs"


def muse(table: pd.DataFrame) -> pd.Series:
    return table.device == MUSE


def others(table: pd.DataFrame) -> pd.Series:
    return (table.stream == "eeg") & (table.device != MUSE)


LIGHT, HEADBAND, OTHER = "fNIRS", "Muse", "other electrodes"
FIGURES = [
    Figure(LIGHT, "distance to own quiet spectrum [dB]", "distance", nirs, "≤ 3.0"),
    Figure(LIGHT, "of one half of quiet stretches to the other [dB]", "floor", nirs),
    Figure(LIGHT, "power in 0.1–0.6 Hz over own quiet power [dB]", "power", nirs, "≥ −1"),
    Figure(LIGHT, "lowest tenth of channels [dB]", "power_low", nirs),
    Figure(LIGHT, "channels more than 1 dB below [%]", "overcleaned", nirs, "", 0, 100),
    Figure(LIGHT, "jumps > 0.2 OD in 0.5 s left [% of time]", "jumps", nirs, "≤ 0.01", 3),
    Figure(LIGHT, "length of mask openings, 95 % [s]", "length", nirs, "≤ 10"),
    Figure(LIGHT, "mask open [% of channel-time]", "open", nirs, "", 1, 100),
    Figure(LIGHT, "pulse under the open mask over outside", "pulse", nirs, "0.95–1.05", 2),
    Figure(HEADBAND, "loud over quiet power left [dB]", "loud", muse, "≤ 4"),
    Figure(HEADBAND, "without blinks [dB]", "loud_without_blinks", muse),
    Figure(HEADBAND, "alpha kept in quiet stretches", "alpha", muse, "≥ 0.98", 2),
    Figure(HEADBAND, "change of quiet stretches [dB]", "change", muse, "≤ −24"),
    Figure(HEADBAND, "blinks left", "blinks", muse, "", 2),
    Figure(HEADBAND, "mask open [% of channel-time]", "open", muse, "", 1, 100),
    Figure(OTHER, "loud over quiet power left [dB]", "loud", others),
    Figure(OTHER, "alpha kept in quiet stretches", "alpha", others, "", 2),
    Figure(OTHER, "change of quiet stretches [dB]", "change", others),
]
QUESTION = """What does cleaning leave of movement in real recordings, and does it take more than
that? No motion is injected and no truth is known; each channel is judged by its own quiet
stretches (or by the recording at rest of the same person and cap, where there is one), found in the
uncorrected recording by a detector that knows no cleaning method (`benchmarks/common/calm.py`).

fNIRS of {nirs}. Distance: RMS over 0.1–2 Hz, three frequencies an octave, of the difference between
the spectrum of the whole cleaned channel and its quiet one; the second line is how well
that one is known. Left out for every method alike is what the verdict of the packaged joint model
calls lost, {lost} % of channel-time. Power below the quiet one is over-cleaning. Openings of a mask
less than 0.5 s apart count as one. EEG of a Muse and of other dry electrodes: power in 0.5–45 Hz of
loud stretches after cleaning over that of quiet ones before; change in quiet stretches over the EEG
there; blinks are deflections of both ear electrodes against the frontal reference, and what is
left is the projection of their average on that before. Medians over channels, means over
participants of the {part} part, 95 % bootstrap intervals from three participants on; medians over
participants are in the file."""
LIMITS = """A small distance says that the cleaned signal looks like a quiet one, not that it is the
true one: an invented quiet trace scores well. Slow waves below 0.1 Hz are not judged, for quiet
stretches between movements are short. Blinks are not motion of the head: whether they
should stay is a choice, and the line says what happens to them."""


def page(results: dict[str, pd.DataFrame], part: str) -> Page:
    """The page of a part."""
    seen = pd.concat(results.values())
    people = seen[seen.stream == "nirs"].participant.nunique()
    devices = ", ".join(sorted(seen[seen.stream == "nirs"].device.unique()))
    lost = f"{100 * seen[seen.stream == 'nirs'].lost.mean():.1f}"
    count = f"{people} participant{'s' if people != 1 else ''} ({devices})"
    return Page(
        title="Recordings in motion against their own quiet stretches",
        question=QUESTION.format(nirs=count, part=part, lost=lost),
        table=side_by_side(FIGURES, results),
        limits=LIMITS,
        command=f"python -m benchmarks.moving --part {part} --page docs/measured/moving.md",
        data={
            "": one_by_one(FIGURES, results),
            "devices": by_device(results),
            "recordings": every_row(results),
        },
    )


if __name__ == "__main__":
    run("moving", evaluate, METHODS, page, __doc__ or "")
