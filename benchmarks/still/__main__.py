"""What does cleaning do to recordings in which nobody moved?

    python -m benchmarks.still --page docs/measured/still.md

Real recordings, cut to calm stretches by a detector of its own (`benchmarks/common/calm.py`); fNIRS
also at lower rates, EEG also with slow drift. Resumable: one JSON a method.
"""

from collections.abc import Callable

import pandas as pd

from benchmarks.common.evaluation import run
from benchmarks.common.figures import Figure, by_device, every_row, one_by_one, side_by_side
from benchmarks.common.page import Page
from benchmarks.still import evaluate
from benchmarks.still.nirs import NATIVE, RATES

METHODS = ("joint", "nirs", "eeg", "tddr", "spline", "wavelet", "asr", "wiener")
USUAL = (3.9, 16.0)  # Hz, rates of fNIRS at which all of it is expected to work
SAME_RATE = 0.03  # relative difference
SLOW_RATE = 2.0  # Hz, of which more is shown
OPEN = "mask open [% of channel-time]"
FULL_CAP = "eeg_clean"
WALKING = "walking"  # recordings with head acceleration beside clean optics: none are shared yet

Rows = Callable[[pd.DataFrame], pd.Series]


def usual(table: pd.DataFrame) -> pd.Series:
    nirs = (table.stream == "nirs") & (table.kind == NATIVE)
    return nirs & table.rate.between(*USUAL)


def at(rate: float) -> Rows:
    return lambda t: (t.stream == "nirs") & ((t.rate / rate - 1).abs() < SAME_RATE)


def electrodes(drift: str, *, cap: bool) -> Rows:
    return lambda t: (t.stream == "eeg") & (t.kind == drift) & ((t.device == FULL_CAP) == cap)


def figures() -> list[Figure]:
    """The lines of the page."""
    own, change = "fNIRS at its own rate of 3.9–16 Hz", "change [dB]"
    made = [
        Figure(own, change, "change", usual, "≤ −25"),
        Figure(own, "worst tenth of channels [dB]", "worst", usual, "≤ −16"),
        Figure(own, "slow waves kept", "gain", usual, "", 2),
        Figure(own, "pulse kept", "pulse", usual, "", 2),
        Figure(own, OPEN, "open", usual, "", 1, 100),
    ]
    made += [Figure(f"fNIRS at {r:g} Hz", change, "change", at(r), "≤ −25") for r in RATES]
    slow = f"fNIRS at {SLOW_RATE:g} Hz"
    at_slow = next(k for k, figure in enumerate(made) if figure.group == slow) + 1
    made[at_slow:at_slow] = [
        Figure(slow, "slow waves kept", "gain", at(SLOW_RATE), "≥ 0.95", 2),
        Figure(slow, OPEN, "open", at(SLOW_RATE), "≤ 5", 1, 100),
    ]
    made.append(Figure("walking with clean optics", OPEN, "open", walking, "≤ 5", 1, 100))
    for cap, name in ((True, "EEG, full cap"), (False, "EEG, few electrodes")):
        for drift, target in (("0 µV", "≤ −35"), ("30 µV", "≤ −30"), ("100 µV", "≤ −25")):
            title = change if drift == "0 µV" else f"with a drift of {drift} [dB]"
            made.append(Figure(name, title, "change", electrodes(drift, cap=cap), target))
    return made


def walking(table: pd.DataFrame) -> pd.Series:
    return table.kind == WALKING


QUESTION = """What does cleaning do to recordings in which nobody moved? The less, the better.

Real fNIRS at rest of {nirs}, cut to its longest calm stretch of at least 50 s, at its own rate
and, where that is above 3 Hz, resampled to lower ones; EEG of a full cap and of few dry
electrodes, cut to calm stretches of 20 to 60 s, without and with random walks below 0.05 Hz added
to every channel (standard deviation 30 or 100 µV). Calm is what `benchmarks/common/calm.py` finds,
which knows no cleaning method. Change is the energy of (cleaned − recorded): of fNIRS in
0.01–0.1 Hz over the signal's there, of EEG at all frequencies over the EEG's in 0.5–45 Hz without
the drift; −80 dB is none. It is the median over the channels of a recording. Slow waves kept: the
projection of output on input in 0.01–0.1 Hz. Figures are means over participants of the {part}
part with 95 % bootstrap intervals; their medians are in the file. Uncorrected is −80 dB."""
LIMITS = """Calm stretches may hold movement too small for the detector, and 50 s hold half a period
of 0.01 Hz. Few participants a device. Methods that cut slow drift on purpose are charged for it
under drift; `change_in_band` in the files of devices and recordings counts 0.5–45 Hz only.
Head movement beside clean optics cannot be measured: no shared recording of this part has an
accelerometer."""


def page(results: dict[str, pd.DataFrame], part: str) -> Page:
    """The page of a part."""
    seen = pd.concat(results.values())
    devices = seen[seen.stream == "nirs"].device.unique()
    nirs = f"{len(devices)} devices ({', '.join(sorted(devices))})"
    return Page(
        title="Recordings at rest",
        question=QUESTION.format(nirs=nirs, part=part),
        table=side_by_side(figures(), results),
        limits=LIMITS,
        command=f"python -m benchmarks.still --part {part} --page docs/measured/still.md",
        data={
            "": one_by_one(figures(), results),
            "devices": by_device(results),
            "recordings": every_row(results),
        },
    )


if __name__ == "__main__":
    run("still", evaluate, METHODS, page, __doc__ or "")
