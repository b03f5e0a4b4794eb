"""Physiological time courses in both modalities: heart rate and movement, evenly sampled."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import ndimage, signal

from neurofuse.io.lazy import time_blocks
from neurofuse.io.logs import quiet
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.recording import stream_dataset

RATE = 10.0  # Hz of every time course
PULSE_BAND = (0.6, 3.0)  # Hz: pulse and its first harmonic
SHORTEST_BEAT, LONGEST_BEAT = 0.35, 1.8  # s between beats
PULSE_RATE = 50.0  # Hz to which pulse waves are interpolated
TREND = 30.0  # s; slower changes of a course do not locate it in time
VARIABILITY_BAND = (0.03, 0.45)  # Hz, of heart rate; half of the slowest heart rate is faster
WHITENING_WIDTH = 0.02  # Hz over which spectra are smoothed
CLIP = 4.0  # robust SD
EEG_RATE = 40.0  # Hz to which EEG is averaged
MOVEMENT_BAND = (0.5, 8.0)  # Hz, where head movement is strongest in EEG


@dataclass(frozen=True)
class Course:
    """A standardised time course, zero where unknown. `beats` [s] are heart beats."""

    values: np.ndarray  # (time) at RATE, from 0 s
    beats: np.ndarray


def eeg_heart(recording: xr.DataTree) -> Course | None:
    """Heart rate from an ECG channel of the EEG file, None without one.

    R peaks are MNE's (`qrs_detector`).
    """
    from mne.preprocessing.ecg import qrs_detector

    node = stream_dataset(recording, "eeg")
    rows = np.flatnonzero(node.ch_type.values == "ecg")
    rate = float(node.attrs["rate"])
    if not rows.size or rate < 50:
        return None
    with quiet():
        voltage = _row(node.eeg, int(rows[0]), rate)
        peaks = qrs_detector(rate, voltage, verbose="error")
    return heart_course(np.asarray(peaks) / rate, len(voltage) / rate)


def nirs_heart(recording: xr.DataTree) -> Course | None:
    """Heart rate from the pulse in fNIRS: the steepest rise of its main component."""
    node = stream_dataset(to_optical_density(recording), "nirs")
    rate, length = float(node.attrs["rate"]), node.sizes["time"]
    top = min(PULSE_BAND[1], 0.45 * rate)
    if top < 1.5 or length / rate < 60:
        return None
    sections = signal.butter(3, (PULSE_BAND[0], top), "bandpass", fs=rate, output="sos")
    waves = signal.sosfiltfilt(sections, _whole_rows(node), axis=-1)
    spread = 1.4826 * np.median(np.abs(waves), axis=-1, keepdims=True)
    waves = np.clip(waves / np.maximum(spread, 1e-30), -CLIP, CLIP)
    weight = np.linalg.eigh(waves @ waves.T)[1][:, -1]
    pulse = signal.resample_poly(weight @ waves, round(PULSE_RATE / rate * 100), 100)
    rise = np.gradient(pulse)
    # blood volume rises faster than it falls
    rise = rise if np.mean(rise**3) > 0 else -rise
    fine = rate * round(PULSE_RATE / rate * 100) / 100
    least = 0.4 * np.median(ndimage.maximum_filter1d(rise, int(2 * fine))[:: int(fine)])
    peaks, _ = signal.find_peaks(rise, distance=SHORTEST_BEAT * fine, height=least)
    return heart_course(peaks / fine, length / rate)


def heart_course(beats: np.ndarray, seconds: float) -> Course | None:
    """The time course of the heart rate from beats [s], None with fewer than 30."""
    gaps = np.diff(beats)
    usual = ndimage.median_filter(gaps, 11, mode="nearest") if gaps.size else gaps
    good = (gaps > SHORTEST_BEAT) & (gaps < LONGEST_BEAT) & (np.abs(gaps / usual - 1) < 0.25)
    if good.sum() < 30:
        return None
    middle = (beats[1:] + beats[:-1])[good] / 2
    grid = np.arange(int(seconds * RATE)) / RATE
    pace = np.interp(grid, middle, 1 / gaps[good])
    known = np.zeros(len(grid) + 1)
    first, last = (np.searchsorted(grid, beats[i:][: len(gaps)][good]) for i in (0, 1))
    np.add.at(known, first, 1)
    np.add.at(known, last, -1)
    known = np.cumsum(known)[:-1] > 0
    return Course(_standardised(_whitened(_standardised(pace, known)), known), beats)


def _whitened(pace: np.ndarray) -> np.ndarray:
    """Heart rate with a flat spectrum: periodic breath and Mayer waves would match at many lags."""
    lines = np.fft.rfft(pace, 2 * len(pace))
    frequency = np.fft.rfftfreq(2 * len(pace), 1 / RATE)
    width = max(int(WHITENING_WIDTH / frequency[1]), 1)
    size = ndimage.uniform_filter1d(np.abs(lines), width)
    inside = (frequency > VARIABILITY_BAND[0]) & (frequency < VARIABILITY_BAND[1])
    return np.fft.irfft(np.where(inside, lines / np.maximum(size, 1e-12), 0))[: len(pace)]


def eeg_movement(recording: xr.DataTree) -> Course | None:
    """Movement from EEG: power in 0.5-8 Hz relative to its median, over all channels."""
    node = stream_dataset(recording, "eeg")
    rate = float(node.attrs["rate"])
    used = np.flatnonzero((node.ch_type.values == "eeg") & ~node.bad.values)
    if not used.size or rate < 2.5 * MOVEMENT_BAND[1]:
        return None
    factor = max(int(rate / EEG_RATE), 1)
    parts, rest = [], np.zeros((len(used), 0))
    for _, block in time_blocks(node.eeg, rate):
        rows = np.concatenate([rest, np.nan_to_num(block[used])], axis=-1)
        whole = rows.shape[-1] // factor * factor
        means = rows[:, :whole].reshape(len(used), -1, factor).mean(-1)
        parts.append(means.astype(np.float32))
        rest = rows[:, whole:]
    rate /= factor
    sections = signal.butter(2, MOVEMENT_BAND, "bandpass", fs=rate, output="sos")
    slow = np.concatenate(parts, axis=-1)
    if slow.shape[-1] < 60 * rate:
        return None
    for row in slow:  # zero phase: a filter's delay would bias the clock
        row[:] = signal.sosfiltfilt(sections, row) ** 2
    return _movement(slow, rate, start=(factor - 1) / 2 / (factor * rate))


def nirs_movement(recording: xr.DataTree) -> Course | None:
    """Movement from fNIRS: power of its changes relative to its median, over all channels."""
    node = stream_dataset(to_optical_density(recording), "nirs")
    rows = _whole_rows(node)
    rate = float(node.attrs["rate"])
    if not len(rows) or rate < 2 or rows.shape[-1] < 10:
        return None
    return _movement(np.gradient(rows, axis=-1) ** 2, rate)


def _movement(power: np.ndarray, rate: float, start: float = 0.0) -> Course:
    """Time course of power (row, time): log of its mean over rows, each relative to its median."""
    width = max(round(rate / RATE), 1)
    usual = np.median(power[:, ::width], axis=-1, keepdims=True)
    mean = (power / np.maximum(usual, 1e-300)).mean(0)
    mean = ndimage.uniform_filter1d(mean, 2 * round(0.15 * rate) + 1)  # odd: no shift
    grid = np.arange(int(power.shape[-1] / rate * RATE)) / RATE
    size = np.interp(grid, start + np.arange(len(mean)) / rate, np.log(mean + 1e-3))
    return Course(_standardised(size, np.ones(len(grid), bool)), np.array([]))


def _standardised(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Robustly standardised without slow changes; 0 where unknown."""
    width = int(TREND * RATE)
    fraction = ndimage.uniform_filter1d(known.astype(float), width)
    slow = ndimage.uniform_filter1d(np.where(known, values, 0), width) / np.maximum(fraction, 1e-9)
    rest = np.where(known, values - slow, 0)
    spread = 1.4826 * np.median(np.abs(rest[known])) if known.any() else 1.0
    return np.clip(rest / max(float(spread), 1e-12), -CLIP, CLIP)


def _whole_rows(node: xr.Dataset) -> np.ndarray:
    """Optical density (row, time) of the channels without missing samples."""
    whole = ~node.bad.values & np.isfinite(node.od).all(("wavelength", "time")).values
    rows = node.od.transpose("channel", "wavelength", "time").values[whole]
    return rows.reshape(-1, node.sizes["time"]).astype(float)


def _row(samples: xr.DataArray, row: int, rate: float) -> Any:
    blocks = [block[row] for _, block in time_blocks(samples, rate)]
    return np.nan_to_num(np.concatenate(blocks))
