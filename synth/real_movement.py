"""Real movements, cut out of recordings in motion: material whose course no generator made.

What is cut out is an estimate: the donor's signal less a bridge over the movement, and less what
the donor's own activity is expected to be. Some of the donor's own signal stays in it;
`RealMovement.own` measures how much. `neurofuse.synth.transplant` adds it to recordings at rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from neurofuse.io.quality.calm import LOOKS, calm, disturbed, widened
from neurofuse.io.runs import runs

# standard deviations at rest that the peak of a movement must exceed in a channel; above 10, hardly
# anything but blinks is left in EEG
LARGE = {"eeg": 6.0, "nirs": 10.0}
LASTING = 5.0  # standard deviations at rest beyond which a change of fNIRS level is a lasting step
BESIDE = {"eeg": 0.5, "nirs": 1.0}  # s at rest before and after, which give the levels there
LENGTH = {"eeg": (0.5, 12.0), "nirs": (1.0, 20.0)}  # s, shortest and longest movement
WITHIN = {"eeg": 2.0, "nirs": 5.0}  # s over which a standard deviation at rest is taken
TOGETHER = 0.25  # of the fNIRS channels are not calm in a movement, at least
TAPER = 0.2  # s over which an estimate leaves the level before, and joins that after
WINDOW = 1.0  # s of the spectra that say what the donor's own activity is


@dataclass(frozen=True)
class RealMovement:
    """What one real movement added to the channels of a recording, all of them together.

    Attributes
    ----------
    artifact : array (channel, time) or (channel, wavelength, time)
        In the unit of the donor's signal. 0 in channels in which it is too small to be known; in
        fNIRS the last sample of a channel is the step that stays.
    own : array
        The same estimate from a stretch of the donor at rest: what `artifact` holds of the donor's
        own signal.
    rate : float
        [Hz].
    donor, kind : str
        Whose movement it is, and of which kind.
    """

    artifact: np.ndarray
    own: np.ndarray
    rate: float
    donor: str = ""
    kind: str = ""

    @property
    def moved(self) -> np.ndarray:
        """Channels (channel,) in which the movement is known."""
        return np.any(self.artifact != 0, axis=tuple(range(1, self.artifact.ndim)))


def deviation_at_rest(signal: np.ndarray, rate: float, modality: str) -> np.ndarray:
    """Standard deviation (channel[, wavelength]) within some seconds at rest, median over time.

    2 s of EEG, 10 s of fNIRS; of all windows where none is calm as a whole.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((1, 5000))
    >>> deviation_at_rest(1e-5 * noise, 250.0, "eeg").round(6).tolist()
    [1e-05]
    """
    size = max(3, round(WITHIN[modality] * rate))
    rest = calm(signal, rate, modality)
    rows = signal - np.median(signal, axis=-1, keepdims=True)
    mean, square = (uniform_filter1d(x, size, axis=-1) for x in (rows, rows**2))
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    whole = uniform_filter1d(rest.astype(float), size, axis=-1) > 1 - 0.5 / size
    result = np.empty(signal.shape[:-1])
    for channel, inside in enumerate(whole):
        chosen = inside if inside.any() else np.ones_like(inside)
        result[channel] = np.median(spread[channel][..., chosen], axis=-1)
    return result


def real_movements(
    signal: np.ndarray,
    rate: float,
    modality: str = "eeg",
    *,
    donor: str = "",
    kind: str = "",
    within: Sequence[tuple[float, float]] | None = None,
) -> list[RealMovement]:
    """The large movements of a recording, found by `neurofuse.io.quality.calm` and cut out.

    A movement is a stretch in which any channel (fNIRS: a quarter of them) is not calm, with rest
    before and after. In EEG the estimate is the signal less a smooth bridge between the levels
    before and after, passed through 1 - (quiet spectrum / spectrum of the movement), which takes
    out the donor's expected own activity. In fNIRS it is the difference from the level before,
    which keeps a lasting step; where there is none, from a line between both levels. Only channels
    with a peak above 6 (EEG) or 10 (fNIRS) standard deviations at rest are used, in fNIRS only
    those that are calm before and after.

    Parameters
    ----------
    signal : array (channel, time) or (channel, wavelength, time)
        EEG [V], or optical density [1].
    rate : float
        Sampling rate [Hz].
    modality : {"eeg", "nirs"}
        What the signal is.
    donor, kind : str
        Kept with each movement.
    within : list of (start, stop), optional
        Intervals [s] of which a movement must touch one, such as marks of the experimenters.

    Returns
    -------
    list of RealMovement
        In the order of time.

    Raises
    ------
    ParameterError
        For another modality.

    Examples
    --------
    >>> eeg = 1e-5 * np.random.default_rng(0).standard_normal((2, 10_000))
    >>> eeg[1, 5000:5200] += 5e-4 * np.hanning(200)
    >>> found = real_movements(eeg, 250.0)
    >>> len(found), found[0].moved.tolist()
    (1, [False, True])
    """
    rest = calm(signal, rate, modality) if modality == "eeg" else _unshaken(signal, rate)
    spread = deviation_at_rest(signal, rate, modality)
    beside = round(BESIDE[modality] * rate)
    share = TOGETHER if modality == "nirs" else 1 / len(rest)
    stirred = (~rest).mean(0) >= share - 1e-9
    quiet = spectrum_at_rest(signal, rest, rate) if modality == "eeg" else None
    found = []
    for start, stop in runs(stirred):
        first, last = start - beside, stop + beside
        if not _suits(stirred, start, stop, beside, rate, modality, within):
            continue
        seen, still = signal[..., first:last], _still(signal, rest, last - first)
        if quiet is None:
            artifact, own = _cut_nirs(seen, still, beside, rate, spread)
            known = (np.abs(artifact).max(-1) > LARGE[modality] * spread).any(
                -1
            )  # either wavelength
            known &= rest[:, first:start].all(-1) & rest[:, stop:last].all(-1)
        else:
            artifact, own = _cut_eeg(seen, still, beside, rate, quiet)
            known = np.abs(artifact).max(-1) > LARGE[modality] * spread
        if known.any():
            artifact[~known], own[~known] = 0, 0
            found.append(RealMovement(artifact, own, rate, donor, kind))
    return found


def spectrum_at_rest(signal: np.ndarray, rest: np.ndarray, rate: float) -> np.ndarray:
    """Mean periodogram (channel, frequency) of the calm windows of each channel.

    Of all windows where none is calm as a whole.

    Examples
    --------
    >>> spectrum_at_rest(np.ones((1, 100)), np.ones((1, 100), bool), 20.0).shape
    (1, 11)
    """
    frames = _frames(signal, rate)
    chosen = np.array(_frames(rest, rate).all(-1))
    chosen[~chosen.any(-1)] = True
    power = _power(frames - frames.mean(-1, keepdims=True))
    return (power * chosen[..., None]).sum(1) / chosen.sum(1)[:, None]


def _unshaken(signal: np.ndarray, rate: float) -> np.ndarray:
    """Samples (channel, time) of fNIRS without spike or step; large blood waves are no movement."""
    shaken = disturbed(signal, rate, LOOKS["nirs"][:1])
    return ~widened(shaken, round(TAPER * rate))


def _suits(
    stirred: np.ndarray,
    start: int,
    stop: int,
    beside: int,
    rate: float,
    modality: str,
    within: Sequence[tuple[float, float]] | None,
) -> bool:
    """Whether a stretch is neither too short nor too long, has rest beside it, and is wanted."""
    shortest, longest = LENGTH[modality]
    if not shortest <= (stop - start) / rate <= longest:
        return False
    if start < beside or stop + beside > len(stirred):
        return False
    if stirred[start - beside : start].any() or stirred[stop : stop + beside].any():
        return False
    return within is None or any(a < stop / rate and start / rate < b for a, b in within)


def _still(signal: np.ndarray, rest: np.ndarray, count: int) -> np.ndarray:
    """The middle of each channel's longest calm stretch, mirrored at its ends if it is short."""
    result = np.empty((*signal.shape[:-1], count))
    for channel, calm_here in enumerate(rest):
        start, stop = max(runs(calm_here), key=lambda r: r[1] - r[0], default=(0, len(calm_here)))
        middle = (start + stop - count) // 2
        piece = signal[channel][..., max(start, middle) : min(stop, middle + count)]
        lacking = count - piece.shape[-1]
        pad = [(0, 0)] * (piece.ndim - 1) + [(lacking // 2, lacking - lacking // 2)]
        result[channel] = np.pad(piece, pad, mode="reflect") if lacking else piece
    return result


def _cut_eeg(
    seen: np.ndarray, still: np.ndarray, beside: int, rate: float, quiet: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The estimate of a movement, and what the same makes of a stretch at rest."""
    bridged = []
    for signal in (seen, still):
        before, after = (signal[..., part].mean(-1) for part in _sides(beside))
        course = _rise(signal.shape[-1], beside)
        bridged.append(signal - before[:, None] - (after - before)[:, None] * course)
    power = uniform_filter1d(_power(_frames(bridged[0], rate)).mean(1), 3, axis=-1)
    gain = np.maximum(0, 1 - quiet / np.maximum(power, 1e-30))
    count = seen.shape[-1]
    padded = 2 * count
    frequency = np.fft.rfftfreq(padded, 1 / rate)
    knots = np.linspace(0, rate / 2, gain.shape[-1])
    smooth = np.stack([np.interp(frequency, knots, row) for row in gain])
    results = []
    for signal in bridged:
        tapered = _joined(signal, np.zeros(len(signal)), 0.5 * beside / rate, rate)
        passed = np.fft.irfft(np.fft.rfft(tapered, padded) * smooth, padded)[..., :count]
        inner = passed[..., beside:-beside]
        results.append(_joined(inner, np.zeros(len(inner)), TAPER, rate))
    return results[0], results[1]


def _cut_nirs(
    seen: np.ndarray, still: np.ndarray, beside: int, rate: float, spread: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The estimate of a movement, and what the same makes of a stretch at rest."""
    results, lasting = [], None
    for signal in (seen, still):
        before, after = (np.median(signal[..., part], axis=-1) for part in _sides(beside))
        step = after - before
        lasting = np.abs(step) > LASTING * spread if lasting is None else lasting
        inner = signal[..., beside:-beside] - before[..., None]
        line = np.where(lasting, 0, step)[..., None] * np.linspace(0, 1, inner.shape[-1])
        results.append(_joined(inner - line, np.where(lasting, step, 0), TAPER, rate))
    return results[0], results[1]


def _sides(beside: int) -> tuple[slice, slice]:
    return slice(0, beside), slice(-beside, None)


def _rise(count: int, beside: int) -> np.ndarray:
    """From 0 to 1 (time,), smoothly over all but the sides."""
    inner = count - 2 * beside
    rise = (1 - np.cos(np.pi * (np.arange(inner) + 0.5) / inner)) / 2
    return np.concatenate([np.zeros(beside), rise, np.ones(beside)])


def _joined(signal: np.ndarray, last: np.ndarray, seconds: float, rate: float) -> np.ndarray:
    """The signal led from 0 at its first sample to `last` at its last, smoothly at both ends."""
    count = min(max(2, round(seconds * rate)), signal.shape[-1] // 2)
    weight = np.ones(signal.shape[-1])
    rise = (1 - np.cos(np.pi * np.arange(count) / count)) / 2
    weight[:count], weight[len(weight) - count :] = rise, rise[::-1]
    target = last[..., None] * (np.arange(signal.shape[-1]) >= signal.shape[-1] // 2)
    return weight * signal + (1 - weight) * target


def _frames(signal: np.ndarray, rate: float) -> np.ndarray:
    """Half-overlapping windows (channel, window, time), as a view."""
    size = min(round(WINDOW * rate), signal.shape[-1])
    view = np.lib.stride_tricks.sliding_window_view(signal, size, axis=-1)
    return view[:, :: max(1, size // 2)]


def _power(frames: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(frames * np.hanning(frames.shape[-1]))) ** 2
