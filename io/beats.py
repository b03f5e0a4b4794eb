"""Heart beats: in the light of fNIRS, in an electrocardiogram, and as a trace in every channel."""

from typing import Any

import numpy as np
import xarray as xr
from scipy import signal

from neurofuse.io.lazy import time_blocks

GRID = 50.0  # Hz, of every trace
PULSE_BAND = (0.6, 2.6)  # Hz: the beat and its second harmonic
SLOWEST_RATE = 4.5  # Hz; slower light cannot time a beat
QRS_BAND = (5.0, 20.0)  # Hz, where R waves stand out
SHORTEST, LONGEST = 0.4, 1.6  # s between beats
STEADY = 0.25  # an interval may differ by this share from those around it
CLIP = 4.0  # robust deviations; larger values are movement
LEVEL = 5.0  # s over which a trace's size is taken


def optical_beats(node: xr.Dataset) -> np.ndarray:
    """Times [s] of the steepest rise of each pulse in an `/nirs` node, dubious beats left out.

    Empty where the light is too slow, too short or without a pulse.
    """
    rate = float(node.attrs["rate"])
    if rate < SLOWEST_RATE or node.sizes["time"] < 20 * rate:
        return np.empty(0)
    wave = _pulse_wave(node, rate)
    return np.empty(0) if wave is None else float(node.time[0]) + pulse_rises(wave, rate)


def pulse_rises(wave: np.ndarray, rate: float) -> np.ndarray:
    """Times [s] of the steepest rises of a band-passed pulse wave.

    Examples
    --------
    >>> time = np.arange(400) / 10
    >>> np.round(pulse_rises(np.sin(2 * np.pi * time), 10.0)[:3], 2).tolist()
    [2.0, 3.0, 4.0]
    """
    finer = int(np.ceil(GRID / rate))
    rise: Any = np.gradient(np.asarray(signal.resample_poly(wave, finer, 1)))
    between = max(0.6 * _period(wave, rate), SHORTEST)
    peaks, _ = signal.find_peaks(rise, distance=max(int(between * rate * finer), 1), height=0)
    return steady((peaks + _vertex(rise, peaks)) / (rate * finer))


def electrical_beats(trace: np.ndarray) -> np.ndarray:
    """Times [s] of the R waves in the trace of an electrocardiogram (on the grid, `QRS_BAND`)."""
    power = np.abs(signal.hilbert(trace))
    count = int(2 * GRID)
    parts = np.pad(power, (0, -len(power) % count)).reshape(-1, count)
    level = np.repeat(signal.medfilt(parts.max(axis=1), 15), count)[: len(power)]
    share = power / np.maximum(level, 1e-30)
    peaks, _ = signal.find_peaks(share, height=0.5, distance=int(0.3 * GRID))
    return steady((peaks + _vertex(share, peaks)) / GRID)


def steady(times: np.ndarray) -> np.ndarray:
    """The beats whose intervals to both neighbours are plausible and like those around them."""
    if len(times) < 12:
        return np.empty(0)
    gap = np.diff(times)
    usual = signal.medfilt(gap, 11)
    good = (gap > SHORTEST) & (gap < LONGEST) & (np.abs(gap - usual) < STEADY * usual)
    return times[1:-1][good[1:] & good[:-1]]


def traces(variable: xr.DataArray, rate: float, band: tuple[float, float]) -> np.ndarray:
    """Channels (channel, time) in a band, on the grid from the first sample on.

    The filter delays nothing; the samples are walked through in blocks of time.
    """
    taps = signal.firwin(2 * int(1.5 * rate / band[0]) + 1, band, fs=rate, pass_zero=False)
    delay, every = len(taps) // 2, max(int(rate / 100), 1)
    state = np.zeros((variable.sizes["channel"], len(taps) - 1))
    parts, done = [], 0
    samples = (np.nan_to_num(block) for _, block in time_blocks(variable, rate))
    for block in _and_last(samples, np.zeros((len(state), delay))):
        filtered, state = signal.lfilter(taps, 1.0, block, axis=1, zi=state)
        parts.append(filtered[:, -done % every :: every].astype(np.float32))
        done += block.shape[1]
    kept = np.concatenate(parts, axis=1)
    at = (np.arange(kept.shape[1]) * every - delay) / rate
    grid = np.arange(int(variable.sizes["time"] / rate * GRID)) / GRID
    return np.array([np.interp(grid, at, row) for row in kept], np.float32)


def even(rows: np.ndarray) -> np.ndarray:
    """Traces (row, time) of size 1 throughout: divided by their size over 5 s, movement cut off."""
    count = int(LEVEL * GRID)
    window = np.ones((1, count), rows.dtype) / count
    power = np.maximum(signal.oaconvolve(rows**2, window, mode="same", axes=1), 0)
    floor = 1e-6 * power.max(axis=1, keepdims=True) + 1e-30
    return np.clip(rows / np.sqrt(np.maximum(power, floor)), -CLIP, CLIP)


def train(beats: np.ndarray, count: int) -> np.ndarray:
    """Beats [s] as a trace of `count` samples on the grid: each one unit, shared by neighbours."""
    place = beats[(beats >= 0) & (beats < (count - 1) / GRID)] * GRID
    index = place.astype(int)
    early = np.bincount(index, 1 - (place - index), minlength=count)
    return early + np.bincount(index + 1, place - index, minlength=count)


def _pulse_wave(node: xr.Dataset, rate: float) -> np.ndarray | None:
    """One pulse wave (time,) of all good channels: those that agree with it weigh most."""
    name = "intensity" if "intensity" in node else "od"
    data = node[name].transpose("channel", "wavelength", "time").values[~node.bad.values]
    rows = data.reshape(-1, data.shape[-1])
    rows = rows[np.isfinite(rows).all(axis=1)]
    if name == "intensity":
        rows = -np.log(rows[(rows > 0).all(axis=1)])  # blood takes light away
    band = PULSE_BAND[0], min(PULSE_BAND[1], 0.45 * rate)
    sections = signal.butter(3, band, "bandpass", fs=rate, output="sos")
    rows = signal.sosfiltfilt(sections, rows, axis=1) if len(rows) else rows
    size = 1.4826 * np.median(np.abs(rows), axis=1, keepdims=True)
    rows, size = rows[size[:, 0] > 0], size[size[:, 0] > 0]
    if not len(rows):
        return None
    rows = np.clip(rows / size, -CLIP, CLIP)
    wave = np.median(rows, axis=0)
    for _ in range(3):
        alike = (rows @ wave) / (np.linalg.norm(rows, axis=1) * np.linalg.norm(wave) + 1e-30)
        alike = np.clip(alike, 0, 0.98)
        wave = (alike / (1 - alike)) @ rows / max(float((alike / (1 - alike)).sum()), 1e-30)
    return wave


def _period(wave: np.ndarray, rate: float) -> float:
    """The usual time [s] between beats: the first large peak of the wave's autocorrelation."""
    power = np.abs(np.fft.rfft(wave, 2 * len(wave))) ** 2
    alike = np.fft.irfft(power)[: int(LONGEST * rate) + 2]
    low = int(np.ceil(SHORTEST * rate))
    return float((low + np.argmax(alike[low:])) / rate)


def _vertex(values: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Where the parabola through a peak and its neighbours has its vertex, in samples from it."""
    after = np.minimum(peaks + 1, len(values) - 1)
    left, here, right = values[np.maximum(peaks - 1, 0)], values[peaks], values[after]
    bend = left - 2 * here + right
    return np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1), 0.0)


def _and_last(blocks, last):
    yield from blocks
    yield last
