"""Sweeney 2012: a moved sensor beside an undisturbed one. python -m benchmarks.protocols.sweeney --folder DIR

PhysioNet's motion-artifact set: 23 EEG records (2048 Hz) and 9 fNIRS records (200 Hz, four optical
channels: two pairs), the first sensor of a pair still, the second moved between the marks F and R.
It cannot test joint cleaning, since EEG and fNIRS were not recorded together.

Figures as the paper and its followers have them, in motion: SNR = 10 log10(var(reference) /
var(signal - reference)), ΔSNR its gain, and η = 100 (1 - (1 - R after) / (1 - R before)), R the
correlation with the reference. An output of zeros gains as much as the signal was bad: its row,
that of the band-pass and the absolute SNR stand beside every method.
"""

import argparse
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.signal import resample_poly

from benchmarks.common.statistics import interval
from benchmarks.protocols.public_data import fetch, located
from neurofuse.fusion.clean import clean
from neurofuse.fusion.compare import METHODS, REFERENCES, streams_of
from neurofuse.fusion.signal.bands import bandpass
from neurofuse.io import build, eeg_dataset, nirs_dataset, stream_dataset
from neurofuse.io.errors import NeurofuseError, ReadError
from neurofuse.io.logs import quiet

RATES = {"eeg": 256.0, "nirs": 25.0}  # Hz that records are brought to
BANDS = {"eeg": (0.5, 100.0), "nirs": (0.01, 0.7)}  # Hz of reference and signal alike
TINY = 1e-300  # an error of nothing
START, STOP = "F", "R"  # marks of the trigger file


@dataclass(frozen=True)
class Pair:
    """A moved series beside a still one."""

    name: str
    stream: str
    rate: float
    reference: np.ndarray  # (time,) V, or optical density (wavelength, time)
    moved: np.ndarray
    motion: np.ndarray  # (time,) bool

    def recording(self) -> xr.DataTree:
        """The moved series alone."""
        if self.stream == "eeg":
            return build(eeg_dataset(self.moved[None], self.rate, ["EEG"]))
        place = np.array([[0, 0, 0.09]]), np.array([[0, 0.03, 0.09]])
        node = nirs_dataset(
            np.exp(-self.moved)[None],
            self.rate,
            [690, 830],
            ["S1"],
            ["D1"],
            source_position=place[0],
            detector_position=place[1],
        )
        return build(nirs=node)


def pairs(folder: Path) -> Iterator[Pair]:
    """All pairs of a folder, at the working rates.

    Raises
    ------
    ReadError
        If the package wfdb is missing, or a record does not hold what the set's files hold.
    """
    try:
        import wfdb
    except ImportError as error:
        raise ReadError("no package wfdb", "it installed", "pip install wfdb") from error

    for header in sorted(folder.glob("*.hea")):
        stream = "eeg" if header.stem.startswith("eeg") else "nirs"
        with quiet():
            record = wfdb.rdrecord(str(header.with_suffix("")))
            marks = wfdb.rdann(str(header.with_suffix("")), "trigger")
        data, rate = record.p_signal.T, float(record.fs)
        wanted = 2 if stream == "eeg" else 4
        if len(data) < wanted:
            raise ReadError(
                f"{header.name} with {len(data)} signals",
                f"at least {wanted}: still and moved sensors first",
                "download the record again",
            )
        motion = in_motion(marks.sample, marks.symbol, data.shape[1])
        down = round(rate / RATES[stream])
        motion = motion[::down]
        if stream == "eeg":
            made = [(1e-3 * data[0], 1e-3 * data[1])]  # the headers say mV
        else:
            density = -np.log(data[:4] / data[:4].mean(-1, keepdims=True))
            made = [(density[:2], density[2:])]
        for reference, moved in made:
            low = [resample_poly(x, 1, down, axis=-1) for x in (reference, moved)]
            size = min(low[0].shape[-1], motion.size)
            yield Pair(
                header.stem,
                stream,
                rate / down,
                *(x[..., :size] for x in low),
                motion[:size],
            )


def in_motion(sample: np.ndarray, symbol: list[str], length: int) -> np.ndarray:
    """Samples between a mark F and the next R.

    Examples
    --------
    >>> in_motion(np.array([1, 3, 5]), ["F", "R", "F"], 7).astype(int).tolist()
    [0, 1, 1, 0, 0, 1, 1]
    """
    mask = np.zeros(length, bool)
    begun = None
    for at, kind in zip(sample, symbol, strict=True):
        if kind == START:
            begun = int(at)
        elif kind == STOP and begun is not None:
            mask[begun : int(at)] = True
            begun = None
    if begun is not None:
        mask[begun:] = True
    return mask


def figures(pair: Pair, cleaned: np.ndarray) -> dict[str, float]:
    """SNR before and after [dB], its gain, and η [%]: mean over wavelengths."""
    rows = [np.atleast_2d(x) for x in (pair.reference, pair.moved, cleaned)]
    reference, before, after = (bandpass(x, pair.rate, *BANDS[pair.stream]) for x in rows)
    inside = pair.motion
    found = []
    for wanted, disturbed, got in zip(reference, before, after, strict=True):
        levels = [
            10 * np.log10(wanted[inside].var() / max((x[inside] - wanted[inside]).var(), TINY))
            for x in (disturbed, got)
        ]
        similar = [correlation(wanted[inside], x[inside]) for x in (disturbed, got)]
        found.append((*levels, 100 * (1 - (1 - similar[1]) / (1 - similar[0]))))
    before_, after_, eta = (float(np.mean(x)) for x in zip(*found, strict=True))
    return {"SNR before": before_, "SNR after": after_, "ΔSNR": after_ - before_, "η": eta}


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's; 0 for a constant."""
    spread = one.std() * other.std()
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread else 0.0


def cleaned_by(pair: Pair, method: str) -> np.ndarray:
    """The moved series after a method."""
    made = clean(pair.recording(), method)
    node = stream_dataset(made, pair.stream)
    return node.eeg.values[0] if pair.stream == "eeg" else -np.log(node.intensity.values[0])


def table(folder: Path) -> Iterator[str]:
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    reasons: dict[tuple[str, str], str] = {}
    for pair in pairs(folder):
        for method in (*REFERENCES, *METHODS):
            if pair.stream not in streams_of(method):
                continue
            try:
                row = figures(pair, cleaned_by(pair, method))
            except NeurofuseError as error:
                reasons[pair.stream, method] = str(error)
            else:
                found.setdefault((pair.stream, method), []).append(row)
    yield "| stream | method | records | SNR before [dB] | SNR after | ΔSNR | η [%] |"
    yield "|---|---|---|---|---|---|---|"
    for (stream, method), rows in found.items():
        cells = ["{:.2f} [{:.2f}, {:.2f}]".format(*interval([r[k] for r in rows])) for k in rows[0]]
        yield f"| {stream} | {method} | {len(rows)} | {' | '.join(cells)} |"
    for (stream, method), reason in reasons.items():
        if (stream, method) not in found:
            yield f"| {stream} | {method} | did not run: {reason} | | | | |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the records lie")
    parser.add_argument("--fetch", action="store_true", help="download them first")
    parser.add_argument("--page", type=Path, help="write the table to this Markdown file")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    try:
        place = fetch("motion-artifact") if options.fetch else options.folder
        text = "\n".join(table(located("motion-artifact", place))) + "\n"
    except ReadError as error:
        raise SystemExit(str(error)) from None
    print(text)
    if options.page:
        options.page.write_text(f"# Sweeney 2012\n\n{__doc__}\n{text}")


if __name__ == "__main__":
    main()
