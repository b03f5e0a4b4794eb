"""fNIRS of people who moved, before and after cleaning, against their own quiet stretches."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.signal import butter, hilbert, sosfiltfilt

from benchmarks.common.calm import calm
from benchmarks.common.evaluation import Case
from benchmarks.common.lost import called_lost
from benchmarks.common.pulse import HALF_WIDTH, pulse_line
from benchmarks.moving.spectra import (
    distance,
    frequencies,
    mean_spectrum,
    quiet_windows,
)
from benchmarks.still.nirs import coupled, rows_of
from neurofuse.io import build, mark_bad, read, stream_dataset
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.recording import GATE_OPEN
from neurofuse.io.runs import runs
from neurofuse.models.training.split import subject_files

AT_REST = "task-rest"  # in the names of recordings of the same person and cap, at rest
OWN_BAND = (0.1, 0.6)  # Hz, between slow waves and heart beat
OVERCLEANED = -1.0  # dB below the quiet power
JUMP, WITHIN = 0.2, 0.5  # OD, s
GAP = 0.5  # s between openings of a mask that count as one
LENGTH = 0.95  # quantile of the length of openings
PULSE_MARGIN = 1.0  # s of an opening at least, for the heart beat under it


@dataclass(frozen=True)
class Quiet:
    """What a channel is like when nobody moves: from rest, or from quiet stretches."""

    spectrum: np.ndarray  # (row, frequency)
    halves: tuple[np.ndarray, np.ndarray]  # the same of every other window: how well it is known
    pulse: float  # Hz


def cases(part: str) -> Iterator[Case]:
    """Every recording of a part with movement; its reference is the rest of the same cap."""
    for participant, files in subject_files(part, "nirs_moving").items():
        rest = next((loaded(path) for path in files if AT_REST in path.name), None)
        for path in files:
            node = None if AT_REST in path.name else loaded(path)
            if node is None:
                continue
            reference = None
            if rest is not None:
                both = np.intersect1d(node.channel.values, rest.channel.values)
                node = node.sel(channel=both)
                reference = rows_of(rest.sel(channel=both))
            yield Case(
                *("nirs", participant, path.parent.name, float(node.attrs["rate"])),
                *("own stretches" if rest is None else "own rest", path.stem),
                *(build(nirs=node), reference, called_lost(build(nirs=node))["nirs"].values),
            )


def loaded(path: Path) -> xr.Dataset | None:
    """The coupled channels of a file; None if there are none."""
    try:
        node = coupled(mark_bad(read(path)))
    except NeurofuseError:
        return None
    return node if node.sizes["channel"] else None


def quiet_of(case: Case, before: np.ndarray, kept: np.ndarray) -> Quiet:
    """The quiet spectrum of every channel, from the rest recording or from calm stretches.

    Of `before` (row, time), samples that are `kept` (row, time) count.
    """
    rows = before if case.reference is None else case.reference
    masks = calm(rows, case.rate, "nirs")
    if case.reference is None:
        masks &= kept
    chosen = [quiet_windows(mask, case.rate) for mask in masks]
    spectra = _spectra(rows, case.rate, chosen)
    halves = tuple(
        _spectra(rows, case.rate, [_every_other(windows, start) for windows in chosen])
        for start in (0, 1)
    )
    return Quiet(spectra, (halves[0], halves[1]), pulse_line(rows, case.rate, masks.mean(0) > 0.5))


def figures(case: Case, cleaned: xr.DataTree) -> dict[str, float]:
    """What cleaning left of movement, in what is not lost.

    - `distance` [dB]: of the cleaned channel's spectrum to its quiet one, RMS over 0.1-2 Hz (three
      frequencies an octave), median over channels and wavelengths; `floor`: of one half of the
      quiet windows to the other, which no method can undercut by much;
    - `power`, `power_low` [dB]: in 0.1-0.6 Hz over the quiet power, median and lowest tenth;
      `overcleaned`: share of channels more than 1 dB below;
    - `jumps` [%]: time at which optical density changes by more than 0.2 within 0.5 s;
    - `lost` [1]: share of channel-time that is left out of all figures;
    - `length` [s]: openings of the motion mask, 95 %; `open`: share of channel-time;
    - `pulse` [1]: median amplitude of the heart beat under the open mask over that outside, median.
    """
    rate = case.rate
    before = rows_of(stream_dataset(case.recording, "nirs"))
    node = stream_dataset(cleaned, "nirs")
    after = rows_of(node)
    kept = np.ones((node.sizes["channel"], after.shape[-1]), bool)
    if case.lost is not None:
        kept &= ~case.lost
    rows_kept = np.repeat(kept, len(after) // len(kept), axis=0)
    quiet = quiet_of(case, before, rows_kept)
    spectra = _spectra(after, rate, [quiet_windows(one, rate) for one in rows_kept])
    frequency = frequencies(rate)
    band = (frequency >= OWN_BAND[0]) & (frequency <= OWN_BAND[1])
    power = 10 * np.log10(spectra[:, band].mean(-1) / quiet.spectrum[:, band].mean(-1))
    known = np.isfinite(power)
    found = {
        "distance": _quantile(distance(spectra, quiet.spectrum), 0.5),
        "floor": _quantile(distance(*quiet.halves), 0.5),
        "power": _quantile(power, 0.5),
        "power_low": _quantile(power, 0.1),
        "overcleaned": float((power[known] < OVERCLEANED).mean()) if known.any() else np.nan,
        "jumps": 100 * jumping(after, rate, rows_kept),
        "lost": float(1 - kept.mean()),
    }
    if "gate" in node:
        mask = (node.gate.values > GATE_OPEN) & kept
        found |= {
            "length": _quantile(openings(mask, rate), LENGTH),
            "open": float(mask[kept].mean()) if kept.any() else np.nan,
            "pulse": pulse_under(mask, after, rate, quiet.pulse),
        }
    return found


def jumping(rows: np.ndarray, rate: float, kept: np.ndarray | None = None) -> float:
    """Share of samples (row, time) at which optical density changes by > 0.2 within 0.5 s.

    Of those that are `kept` (row, time) at both ends; by default of all.

    Examples
    --------
    >>> step = np.repeat([0.0, 1.0], 50)[None]
    >>> round(jumping(step, 10.0), 3)
    0.053
    """
    count = max(1, round(WITHIN * rate))
    jumps = np.abs(rows[:, count:] - rows[:, :-count]) > JUMP
    counted = np.ones(jumps.shape, bool) if kept is None else kept[:, count:] & kept[:, :-count]
    return float(jumps[counted].mean()) if counted.any() else np.nan


def openings(mask: np.ndarray, rate: float) -> np.ndarray:
    """Lengths [s] of openings of a motion mask (channel, time); short gaps do not part them.

    Examples
    --------
    >>> mask = np.array([[True] * 10 + [False] * 2 + [True] * 8 + [False] * 80])
    >>> openings(mask, 10.0).tolist()
    [2.0]
    """
    lengths = []
    for row in mask:
        opened = np.array(runs(row), int).reshape(-1, 2)
        if len(opened):
            parted = (opened[1:, 0] - opened[:-1, 1]) / rate >= GAP
            start = opened[np.concatenate([[True], parted]), 0]
            stop = opened[np.concatenate([parted, [True]]), 1]
            lengths.append((stop - start) / rate)
    return np.concatenate(lengths) if lengths else np.zeros(0)


def pulse_under(mask: np.ndarray, rows: np.ndarray, rate: float, line: float) -> float:
    """Median amplitude of the heart beat under a mask over that outside, median over rows.

    Parameters
    ----------
    mask : bool array (channel, time)
        The open motion mask.
    rows : array (channel and wavelength, time)
        Cleaned optical density.
    rate : float
        Sampling rate [Hz].
    line : float
        Frequency of the heart beat [Hz].

    Returns
    -------
    float
        NaN without a pulse, or where no channel has 1 s of either.
    """
    if np.isnan(line):
        return np.nan
    edges = (line - 2 * HALF_WIDTH, min(line + 2 * HALF_WIDTH, 0.95 * rate / 2))
    beat = sosfiltfilt(butter(2, edges, "bandpass", fs=rate, output="sos"), rows)
    amplitude = np.abs(np.asarray(hilbert(beat, axis=-1)))
    ratios = []
    for row, under in zip(amplitude, np.repeat(mask, len(rows) // len(mask), axis=0), strict=True):
        if min(under.sum(), (~under).sum()) >= PULSE_MARGIN * rate:
            ratios.append(np.median(row[under]) / np.median(row[~under]))
    return _quantile(np.array(ratios), 0.5)


def _spectra(rows: np.ndarray, rate: float, chosen: list[np.ndarray]) -> np.ndarray:
    return np.stack([mean_spectrum(r, rate, c) for r, c in zip(rows, chosen, strict=True)])


def _every_other(chosen: np.ndarray, start: int) -> np.ndarray:
    """Every other of the chosen windows."""
    half = np.zeros_like(chosen)
    half[np.flatnonzero(chosen)[start::2]] = True
    return half


def _quantile(values: np.ndarray, share: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, share)) if known.size else np.nan
