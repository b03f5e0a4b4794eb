"""When a channel measures nothing of the participant: at the rails, without contact, without light.

`channel_quality` judges a channel as a whole; here is when. An electrode that has come off picks up
the mains and whatever else is near, an optode sees the room or nothing. No method can bring back
what was not measured: such stretches are lost.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr
from scipy.ndimage import (
    binary_closing,
    binary_erosion,
    binary_opening,
    binary_propagation,
    find_objects,
    label,
)

from neurofuse.io.lazy import time_blocks
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.quality.eeg import FLAT, JUDGED
from neurofuse.io.quality.nirs import DARK, DARK_UNUSABLE, FEWEST_SAMPLES, STILL, light_of
from neurofuse.io.quality.pulse import COUPLED, PULSE_WINDOW, UNCOUPLED, pulse_of
from neurofuse.io.quality.rails import NEAR_RAIL
from neurofuse.io.quality.scalp_coupling import reason_missing

WINDOW = 1.0  # s in which a channel is judged
AT_EXTREME = 1e-3  # of a window's range: the crest of a slow swing stays there less than HELD
HELD = 0.1  # share of a window's samples at its extreme that shows a rail
RUN = 3  # samples in a row at a rail
JOINED = 2.0  # s between lost windows that are lost too
HUM = 200e-6  # V; RMS at the mains of an open electrode, which has hardly anything else: …
MOSTLY_HUM = 0.8  # … so much of its RMS
MAINS = (45.0, 65.0)  # Hz
USUAL = 0.2  # quantile of the RMS of all channels and windows that is usual in a recording
LOUDER = 10.0  # times that: what leads to an electrode that comes off, and back
MUCH_LOUDER = 100.0  # times that: no movement leaves anything to repair …
LONG = 5.0  # … that goes on for so many seconds
SHORTEST = 3.0  # s of anything lost; less is bridged by what is around it
CONTACT_LOST = 20.0  # s for which a pulse is gone, by more than a movement and what follows it
OFF = 1.0  # change of the light's logarithm by which an optode has come off …
QUIETER = 0.35  # … or, where the pulse is gone too, so much
MUCH_NOISIER = 6.0  # times its usual noise, if that hides the pulse
NOISIER = 4.0  # times its usual noise, where the pulse is gone too
UNCOUPLED_FOR = (
    30.0  # s without the others' pulse, in a channel that had it: nothing else is needed
)
MOST = 0.5  # share of lost channels at which the device was taken off


def lost_times(node: xr.Dataset, stream: str) -> np.ndarray:
    """Which windows of each channel measured nothing of the participant.

    Parameters
    ----------
    node : Dataset
        A stream of a Recording; EEG is read in blocks of time.
    stream : {"eeg", "nirs"}

    Returns
    -------
    array (channel, window) of bool
        Windows of `window_length(node)` samples, the last one longer. Not judged, False: channels
        marked bad, and those of EEG that need not show a voltage, such as triggers.

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> samples = 1e-5 * np.random.default_rng(0).normal(size=(1, 2500))
    >>> samples[0, 1000:2000] = 5e-3
    >>> node = eeg_dataset(samples, 250.0, ["C3"])
    >>> lost_times(node, "eeg")[0].tolist()
    [False, False, False, False, True, True, True, True, False, False]
    """
    return _LOST[stream](node)


def window_length(node: xr.Dataset) -> int:
    """Samples of a window in which a channel is judged."""
    return max(round(WINDOW * float(node.attrs["rate"])), FEWEST_SAMPLES)


def lost_samples(node: xr.Dataset, stream: str) -> np.ndarray:
    """Which samples (channel, time) measured nothing of the participant.

    Parameters
    ----------
    node : Dataset
        A stream of a Recording.
    stream : {"eeg", "nirs"}

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> node = eeg_dataset(np.full((1, 1000), 5e-3), 250.0, ["C3"])
    >>> bool(lost_samples(node, "eeg").all())
    True
    """
    return on_samples(lost_times(node, stream), window_length(node), 0, node.sizes["time"])


def on_samples(lost: np.ndarray, size: int, first: int, last: int) -> np.ndarray:
    """Which samples (channel, time) from number `first` to `last` lie in lost windows.

    Parameters
    ----------
    lost : array (channel, window) of bool
        Of `lost_times`.
    size : int
        Samples of a window.
    first, last : int
        Numbers of samples.

    Examples
    --------
    >>> on_samples(np.array([[False, True]]), 2, 1, 5)[0].tolist()
    [False, True, True, True]
    """
    return lost[:, np.minimum(np.arange(first, last) // size, lost.shape[1] - 1)]


def _eeg(node: xr.Dataset) -> np.ndarray:
    rate, size = float(node.attrs["rate"]), window_length(node)
    count = max(node.sizes["time"] // size, 1)
    judged = np.isin(node.ch_type.values, JUDGED) & ~node.bad.values
    lost = np.zeros((node.sizes["channel"], count), bool)
    samples = node[EEG.variable(node)].transpose(*EEG.dims)
    rows = int(judged.sum())
    top, bottom = np.full((rows, count), np.nan), np.full((rows, count), np.nan)
    held = np.zeros((rows, count), bool)
    hum, loud = np.zeros((rows, count)), np.zeros((rows, count))
    kept, done = np.zeros((rows, 0)), 0
    for _, block in time_blocks(samples, rate):
        kept = np.concatenate([kept, np.asarray(block[judged], float)], 1)
        whole = kept.shape[1] // size
        if not whole:
            continue
        for row, series in enumerate(kept[:, : whole * size].reshape(rows, whole, size)):
            here = slice(done, done + whole)
            known = np.isfinite(series)
            series = np.where(known, series, np.median(series[known]) if known.any() else 0.0)
            top[row, here], bottom[row, here] = series.max(1), series.min(1)
            held[row, here] = _at_its_extreme(series)
            hum[row, here], loud[row, here] = _sizes(series, rate)
        kept, done = kept[:, whole * size :], done + whole
    if not done or not rows:  # shorter than a window, or nothing to judge
        return lost
    span = np.nanmax(top, 1) - np.nanmin(bottom, 1)
    near = NEAR_RAIL * span[:, None]
    extreme = (top >= top.max(1, keepdims=True) - near) | (
        bottom <= bottom.min(1, keepdims=True) + near
    )
    alive = loud[top - bottom > FLAT]
    usual = np.quantile(alive, USUAL) if alive.size else np.inf
    noise = loud > MUCH_LOUDER * usual
    noise |= (hum > HUM) & (hum > MOSTLY_HUM * loud)
    lasting = binary_opening(noise, np.ones((1, round(LONG / WINDOW)), bool))
    lasting = binary_propagation(lasting, np.ones((1, 3), bool), loud > LOUDER * usual)
    silent = (top - bottom <= FLAT) | (held & extreme & (span[:, None] > FLAT))
    shortest = np.ones((1, round(SHORTEST / WINDOW)), bool)
    long_enough = np.asarray(binary_opening(silent, shortest))
    lost[judged] = _joined(np.maximum(long_enough, np.asarray(lasting)))
    return lost


def _at_its_extreme(windows: np.ndarray) -> np.ndarray:
    """Whether windows (window, time) stay at their largest or smallest value, as at a rail."""
    top, bottom = windows.max(1, keepdims=True), windows.min(1, keepdims=True)
    near = AT_EXTREME * (top - bottom)
    found = np.zeros(len(windows), bool)
    for at in (windows >= top - near, windows <= bottom + near):
        runs = at[:, :-2] & at[:, 1:-1] & at[:, 2:]
        found |= (at.mean(1) > HELD) & (runs.mean(1) > HELD / RUN)
    return found


def _sizes(windows: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """RMS of the mains and of everything but the slowest [V] in windows (window, time)."""
    size = windows.shape[1]
    centred = windows - windows.mean(1, keepdims=True)
    energy = np.abs(np.fft.rfft(centred, axis=1)) ** 2 * 2 / size**2
    frequency = np.fft.rfftfreq(size, 1 / rate)
    mains = (frequency >= MAINS[0]) & (frequency <= MAINS[1]) & (rate > 2 * MAINS[1])
    return np.sqrt(energy[:, mains].sum(1)), np.sqrt(energy.sum(1))


def _nirs(node: xr.Dataset) -> np.ndarray:
    size = window_length(node)
    count = max(node.sizes["time"] // size, 1)
    lost = np.zeros((node.sizes["channel"], count), bool)
    if node.sizes["time"] < 2 * size:
        return lost
    judged = reason_missing(node) == ""
    seconds = size / float(node.attrs["rate"])
    lasting, shortest = (max(round(t / seconds), 1) for t in (CONTACT_LOST, SHORTEST))
    good = ~node.bad.values
    pulses = np.ones(lost.shape)  # of channels whose pulse cannot be judged it says nothing
    worn = np.zeros(len(lost), bool)
    if judged:
        pulses[good], worn[good] = pulse_of(node, np.flatnonzero(good), size, count)
    for channel in np.flatnonzero(good):
        row, pulse = lost[channel], pulses[channel] if judged else None
        light = light_of(node, int(channel))[:, : count * size]
        for one in light.reshape(len(light), count, size):
            row |= _without_light(one, pulse, bool(worn[channel]), lasting, shortest)
        if pulse is not None and worn[channel]:
            row |= _without_pulse(pulse, seconds)
            _until_coupled(row, pulse)
    taken_off = lost[good].mean(0) >= MOST if good.any() else np.zeros(count, bool)
    lost |= taken_off & (pulses < COUPLED)
    return _joined(lost)


def _without_pulse(pulse: np.ndarray, seconds: float) -> np.ndarray:
    """Windows (window,), of so many seconds each, in a long stretch without any pulse."""
    shortest, reach = (max(round(t / seconds), 1) for t in (UNCOUPLED_FOR, PULSE_WINDOW / 2))
    found = binary_opening(pulse < UNCOUPLED, np.ones(shortest, bool))
    # around its ends the pulse is judged with what lies outside
    return np.asarray(binary_erosion(found, np.ones(2 * reach + 1, bool), border_value=1))


def _until_coupled(lost: np.ndarray, pulse: np.ndarray) -> None:
    """What lies between two lost stretches (window,) without any pulse is lost as well."""
    gaps, _ = label(~lost)  # type: ignore[misc]
    for (gap,) in find_objects(gaps):
        inner = gap.start > 0 and gap.stop < len(lost)
        if inner and pulse[gap].max() < COUPLED:
            lost[gap] = True


def _without_light(
    windows: np.ndarray, pulse: np.ndarray | None, worn: bool, lasting: int, shortest: int
) -> np.ndarray:
    """Lost windows of one wavelength (window, time), whose pulse (window,) may be known."""
    with np.errstate(invalid="ignore", divide="ignore"):
        dark: np.ndarray = np.any(~np.isfinite(windows) | (windows <= 0), axis=1)
        logs = np.log(np.where(windows > 0, windows, np.nan))
    known = ~dark
    if known.sum() < 2:
        return dark
    level = np.full(len(windows), np.nan)
    level[known] = np.median(logs[known], 1)
    spread = np.full(len(windows), np.inf)
    step = np.diff(logs[known], axis=1)
    spread[known] = 1.4826 * np.median(np.abs(step), 1) / np.sqrt(2)
    span = np.ptp(windows, axis=1)
    top = np.nanmax(windows)
    railed = _at_its_extreme(np.nan_to_num(windows)) & (windows.max(1) >= (1 - NEAR_RAIL) * top)
    frozen = span <= 1e-9 * np.abs(top)
    coupled = known  # better those of which it is likely that they measured the participant
    if pulse is not None:
        least = COUPLED if worn else np.median(pulse[known])
        coupled = known & (pulse >= least)
    usual = np.median(level[coupled]) if coupled.any() else np.nan
    rare = coupled.sum() < known.sum() / 3
    if not coupled.any() or (rare and abs(usual - np.median(level[known])) > OFF):
        coupled, pulse = known, None  # a light in the room can flicker like a pulse, for a while
    usual, noise = np.median(level[coupled]), np.median(spread[coupled])
    off = np.abs(level - usual)
    silent = dark | frozen | (railed & (span <= STILL * top)) | (spread > DARK_UNUSABLE)
    found = _lasting(silent, shortest)
    found |= _lasting((off > OFF) & (True if pulse is None else pulse < COUPLED), lasting)
    found |= _lasting((spread > DARK) & (spread > MUCH_NOISIER * noise), lasting)
    if pulse is not None and worn:
        other = (off > QUIETER) | (spread > NOISIER * noise) | (spread < noise / NOISIER)
        found |= _lasting((pulse < UNCOUPLED) & other, lasting)
    noisy = (spread > DARK) & (spread > NOISIER * noise)
    return np.asarray(binary_propagation(found, mask=found | (off > QUIETER) | noisy))


def _lasting(seen: np.ndarray, shortest: int) -> np.ndarray:
    """Stretches (window,) of at least so many windows; a third as many may be missing between."""
    gap = np.ones(shortest // 3 + 1, bool)
    padded = np.pad(seen, gap.size)
    closed = np.asarray(binary_closing(padded, gap))[gap.size : -gap.size]
    return np.asarray(binary_opening(closed | seen, np.ones(shortest, bool)))


def _joined(lost: np.ndarray) -> np.ndarray:
    """Lost windows with short gaps between them."""
    gap = np.ones((1, round(JOINED / WINDOW) + 1), bool)
    padded = np.pad(lost, ((0, 0), (gap.size, gap.size)))
    joined = lost.copy()
    joined |= binary_closing(padded, gap)[:, gap.size : -gap.size]
    return joined


_LOST: dict[str, Callable[[xr.Dataset], np.ndarray]] = {EEG.name: _eeg, NIRS.name: _nirs}
