"""In which windows an fNIRS channel shows the heart beat, which only light through tissue carries.

Both wavelengths must show it, and it must be that of the other channels: slow drift of the light in
a room and steps of a loose optode look alike at all wavelengths too, but there is one heart.
"""

import numpy as np
import xarray as xr
from scipy.fft import next_fast_len
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, hilbert, sosfiltfilt

from neurofuse.io.quality.nirs import light_of
from neurofuse.io.quality.scalp_coupling import BAND

COUPLED = 0.7  # correlation of both wavelengths' beat at which an optode is on the scalp …
UNCOUPLED = 0.3  # … and at which it is not; also of a channel's beat with that of all others
PULSE_WINDOW = 10.0  # s
WORN = 0.2  # share of the time with a pulse that shows that a channel was on the scalp
FEWEST = 5  # channels that tell a common beat …
TOGETHER = 0.5  # … if most of them follow it by so much


def pulse_of(
    node: xr.Dataset, channels: np.ndarray, size: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """How clearly channels show the heart beat around each window.

    Parameters
    ----------
    node : Dataset
        An `/nirs` node fast enough for a pulse (`scalp_coupling.reason_missing`).
    channels : array of int
        Numbers of the channels that may be on the scalp.
    size, count : int
        Samples in a window, and windows.

    Returns
    -------
    pulse : array (channel, window)
        Correlation of the wavelengths' beat in 10 s, the least of all pairs; where the channel's
        beat is not that of most others, its correlation with theirs, at the lag that it has in
        this recording (devices light up one source after the other).
    worn : array (channel,) of bool
        Which channels were on the scalp for some time.

    Examples
    --------
    >>> from neurofuse.io.recording import nirs_dataset
    >>> time = np.arange(600) / 10
    >>> light = np.exp(0.01 * np.sin(2 * np.pi * 1.1 * time) * np.ones((5, 2, 1)))
    >>> light[4, :] = np.exp(0.01 * np.sin(2 * np.pi * 0.9 * time))
    >>> names = [["S1"] * 5, [f"D{k}" for k in range(5)]]
    >>> node = nirs_dataset(light, 10.0, [760, 850], *names)
    >>> pulse, worn = pulse_of(node, np.arange(5), 100, 6)
    >>> np.abs(pulse[:, 2]).round(1).tolist()
    [1.0, 1.0, 1.0, 1.0, 0.0]
    >>> worn.tolist()
    [True, True, True, True, False]
    """
    rate = float(node.attrs["rate"])
    span = max(round(PULSE_WINDOW * rate), 3)
    bandpass = butter(3, BAND, "bandpass", fs=rate, output="sos")
    found = np.ones((len(channels), count))
    beats = np.zeros((len(channels), count * size), np.float32)
    for row, channel in enumerate(channels):
        light = light_of(node, int(channel))[:, : count * size]
        logs = np.log(np.maximum(light, np.nanmax(light) * 1e-6 + 1e-300))
        beat = sosfiltfilt(bandpass, np.nan_to_num(logs))
        power = np.maximum(_mean(beat**2, span), 1e-30)  # running sums round
        least = np.ones(beat.shape[1])
        for first in range(len(beat)):
            for second in range(first):
                product = _mean(beat[first] * beat[second], span)
                least = np.minimum(least, product / np.sqrt(power[first] * power[second]))
        found[row] = _by_window(least, size)
        beats[row] = (beat / np.sqrt(power)).mean(0)
    worn = (found >= COUPLED).mean(1) > WORN
    if len(channels) >= FEWEST:
        common = _analytic(np.median(beats, 0))
        alike = np.stack([_by_window(_agreement(b, common, span), size) for b in beats])
        known = np.median(alike, 0) >= TOGETHER
        found = np.where(known & (alike < UNCOUPLED), np.minimum(alike, found), found)
        worn = (found >= COUPLED).mean(1) > WORN
        # one wavelength may be weak: the others' beat shows contact as well
        by_others = ~worn & ((known & (alike >= COUPLED)).mean(1) > WORN)
        found = np.where(known & by_others[:, None], alike, found)
        worn |= by_others
    return found, worn


def _mean(x: np.ndarray, span: int) -> np.ndarray:
    return uniform_filter1d(x, span, axis=-1, mode="nearest")


def _analytic(beat: np.ndarray) -> np.ndarray:
    size = beat.shape[-1]
    return np.asarray(hilbert(beat, next_fast_len(size)))[:size]


def _agreement(beat: np.ndarray, common: np.ndarray, span: int) -> np.ndarray:
    """Correlation around each sample, at the phase between both over the whole recording."""
    own = _analytic(beat)
    product = own * common.conj()
    phase = np.exp(-1j * np.angle(product.sum()))
    powers = [np.maximum(_mean(np.abs(x) ** 2, span), 0.0) for x in (own, common)]
    return _mean((product * phase).real, span) / np.sqrt(powers[0] * powers[1] + 1e-30)


def _by_window(values: np.ndarray, size: int) -> np.ndarray:
    return np.median(values.reshape(-1, size), 1)
