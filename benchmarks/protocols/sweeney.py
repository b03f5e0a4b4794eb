"""Sweeney 2012: a sensor in motion beside one at rest.

    python -m benchmarks.protocols.sweeney --folder DIR

PhysioNet's motion-artifact set: 23 EEG records (2048 Hz) and 9 fNIRS records (200 Hz, four optical
channels: two pairs), the first sensor of a pair at rest, the second in motion between
the marks F and R.
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
from typing import Any

import numpy as np
import xarray as xr
from scipy.signal import resample_poly

from benchmarks.common.methods import get_method, names
from benchmarks.common.page import Page, Table
from benchmarks.common.statistics import cell
from benchmarks.protocols.public_data import fetch, located
from neurofuse.fusion.clean import clean
from neurofuse.fusion.signal.bands import bandpass
from neurofuse.io import build, eeg_dataset, nirs_dataset, stream_dataset
from neurofuse.io.errors import NeurofuseError, ReadError
from neurofuse.io.logs import quiet
from neurofuse.io.modality import MODALITIES

RATES = {"eeg": 256.0, "nirs": 25.0}  # Hz that records are brought to
BANDS = {"eeg": (0.5, 100.0), "nirs": (0.01, 0.7)}  # Hz of reference and signal alike
TINY = 1e-300  # replaces an error of zero
START, STOP = "F", "R"  # marks of the trigger file


@dataclass(frozen=True)
class Pair:
    """A contaminated series beside a clean one."""

    name: str
    stream: str
    rate: float
    reference: np.ndarray  # (time,) V, or optical density (wavelength, time)
    contaminated: np.ndarray
    motion: np.ndarray  # (time,) bool

    def recording(self) -> xr.DataTree:
        """The contaminated series alone."""
        if self.stream == "eeg":
            return build(eeg_dataset(self.contaminated[None], self.rate, ["EEG"]))
        place = np.array([[0, 0, 0.09]]), np.array([[0, 0.03, 0.09]])
        node = nirs_dataset(
            np.exp(-self.contaminated)[None],
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
            record: Any = wfdb.rdrecord(str(header.with_suffix("")))
            marks: Any = wfdb.rdann(str(header.with_suffix("")), "trigger")
        data, rate = record.p_signal.T, float(record.fs)
        wanted = 2 if stream == "eeg" else 4
        if len(data) < wanted:
            raise ReadError(
                f"{header.name} with {len(data)} signals",
                f"at least {wanted}: sensors at rest and in motion first",
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
        for reference, contaminated in made:
            low = [resample_poly(x, 1, down, axis=-1) for x in (reference, contaminated)]
            size = min(low[0].shape[-1], motion.size)
            yield Pair(
                header.stem,
                stream,
                rate / down,
                low[0][..., :size],
                low[1][..., :size],
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
    rows = [np.atleast_2d(x) for x in (pair.reference, pair.contaminated, cleaned)]
    reference, before, after = (bandpass(x, pair.rate, *BANDS[pair.stream]) for x in rows)
    inside = pair.motion
    results = []
    for wanted, disturbed, got in zip(reference, before, after, strict=True):
        snr = [
            10 * np.log10(wanted[inside].var() / max((x[inside] - wanted[inside]).var(), TINY))
            for x in (disturbed, got)
        ]
        similar = [correlation(wanted[inside], x[inside]) for x in (disturbed, got)]
        results.append((*snr, 100 * (1 - (1 - similar[1]) / (1 - similar[0]))))
    before_, after_, eta = (float(np.mean(x)) for x in zip(*results, strict=True))
    return {"SNR before": before_, "SNR after": after_, "ΔSNR": after_ - before_, "η": eta}


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's; 0 for a constant."""
    spread = one.std() * other.std()
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread else 0.0


def cleaned_by(pair: Pair, method: str) -> np.ndarray:
    """The contaminated series after a method."""
    made = clean(pair.recording(), method)
    node = stream_dataset(made, pair.stream)
    return node.eeg.values[0] if pair.stream == "eeg" else -np.log(node.intensity.values[0])


def table(folder: Path) -> Table:
    """SNR and η of every method, mean over records with a 95 % interval."""
    results: dict[tuple[str, str], list[dict[str, float]]] = {}
    reasons: dict[tuple[str, str], str] = {}
    for pair in pairs(folder):
        for method in names():
            if pair.stream not in get_method(method).streams:
                continue
            try:
                row = figures(pair, cleaned_by(pair, method))
            except NeurofuseError as error:
                reasons[pair.stream, method] = str(error)
            else:
                results.setdefault((pair.stream, method), []).append(row)
    columns = ["modality", "method", "records", "SNR before [dB]", "SNR after [dB]"]
    columns += ["ΔSNR [dB]", "η [%]"]
    made = [
        [
            MODALITIES[stream].display,
            method,
            str(len(rows)),
            *(cell([r[k] for r in rows], digits=2) for k in rows[0]),
        ]
        for (stream, method), rows in results.items()
    ]
    for (stream, method), reason in reasons.items():
        if (stream, method) not in results:
            blank = [""] * (len(columns) - 3)
            made.append([MODALITIES[stream].display, method, f"did not run: {reason}", *blank])
    return Table(columns, made)


QUESTION = """How much closer does each method bring a sensor in motion to one at rest beside it?
PhysioNet's motion-artifact set: 23 EEG and 9 fNIRS records, the first sensor of a pair at rest, the
second in motion. In motion: SNR = 10 log10(var(reference) / var(signal − reference)), ΔSNR its
gain, η = 100 (1 − (1 − R after) / (1 − R before)), R the correlation with the reference."""
LIMITS = """EEG and fNIRS were not recorded together: joint cleaning cannot be tested. An output of
zeros gains as much as the signal was bad: compare with its row, that of the band-pass and the
absolute SNR."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the records lie")
    parser.add_argument("--fetch", action="store_true", help="download them first")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    try:
        place = fetch("motion-artifact") if options.fetch else options.folder
        rows = table(located("motion-artifact", place))
    except ReadError as error:
        raise SystemExit(str(error)) from None
    page = Page(
        title="Sweeney 2012",
        question=QUESTION,
        table=rows,
        limits=LIMITS,
        command="python -m benchmarks.protocols.sweeney --fetch --page docs/measured/sweeney.md",
        data={"": rows},
    )
    print(page.markdown("sweeney"))
    if options.page:
        page.write(options.page)


if __name__ == "__main__":
    main()
