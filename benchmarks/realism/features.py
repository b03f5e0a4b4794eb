"""Features of windows of one second, for distinguishing real motion from injected motion.

Scales are logarithms, so that a factor counts alike everywhere; shapes are fractions of the
window's own size. A window brings the second before it and the second after it, for what stays and
what goes on. Functions take windows of all channels at once, since a movement is seldom seen by one
alone.
"""

import numpy as np
from scipy import signal

SMALL = 1e-12  # below anything measured, so that no logarithm fails
NIRS_BANDS = ((0.5, 1.5), (1.5, 3.5), (3.5, 6.5), (6.5, 10.0))  # Hz
EEG_BANDS = ((0.5, 4), (4, 8), (8, 13), (13, 30), (30, 45), (55, 95))  # Hz; mains left out


def cut_windows(values: np.ndarray, rate: float, starts: np.ndarray) -> np.ndarray:
    """Windows (window, ..., time) of 3 s around the second that begins at each start [sample]."""
    second = round(rate)
    index = starts[:, None] + np.arange(-second, 2 * second)
    return np.moveaxis(values[..., index], -2, 0)


def shape_features(windows: np.ndarray, rate: float) -> dict[str, np.ndarray]:
    """Size and shape in time of windows (..., time) of 3 s; each result has the shape (...).

    Examples
    --------
    >>> step = np.repeat([0.0, 0.0, 1.0, 1.0], [20, 10, 10, 20])
    >>> results = shape_features(step, 20.0)
    >>> results["step_share"].item(), results["largest_change_share"].item()
    (1.0, 1.0)
    """
    second = round(rate)
    before, x, after = (windows[..., k * second : (k + 1) * second] for k in range(3))
    fifth = max(1, round(0.2 * rate))
    size = np.ptp(x, -1)
    floor = np.maximum(size, SMALL)
    centred = x - x.mean(-1, keepdims=True)
    spread = np.maximum(centred.std(-1), SMALL)
    change = np.diff(x, axis=-1)
    time = np.arange(second) / rate
    slope = (centred * (time - time.mean())).sum(-1) / ((time - time.mean()) ** 2).sum()
    trend = slope[..., None] * (time - time.mean())
    bent = centred - trend
    step = x[..., -fifth:].mean(-1) - x[..., :fifth].mean(-1)
    return {
        "log_peak_to_peak": np.log10(floor),
        "log_rms": np.log10(spread),
        "log_slope": np.log10(np.abs(slope) + SMALL),
        "step_share": np.abs(step) / floor,
        "signed_step_share": step / floor,
        "linear_share": 1 - (bent**2).mean(-1) / spread**2,
        "largest_change_share": np.abs(change).max(-1) / floor,
        "line_length_share": np.log10(np.abs(change).sum(-1) / floor + SMALL),
        "kurtosis": (centred**4).mean(-1) / spread**4 - 3,
        "skewness": (centred**3).mean(-1) / spread**3,
        "peak_sharpness": np.log10(np.abs(bent).max(-1) / (bent.std(-1) + SMALL) + SMALL),
        "zero_crossings": (np.diff(np.signbit(centred), axis=-1)).sum(-1).astype(float),
        "turning_points": (np.diff(np.signbit(change), axis=-1)).mean(-1),
        "log_sample_noise": np.log10(np.median(np.abs(np.diff(x, 2, axis=-1)), -1) + SMALL),
        "level_that_stays": np.abs(after.mean(-1) - before.mean(-1)) / floor,
        "log_size_before": np.log10(np.ptp(before, -1) / floor + SMALL),
        "log_size_after": np.log10(np.ptp(after, -1) / floor + SMALL),
    }


def band_features(
    windows: np.ndarray, rate: float, bands: tuple[tuple[float, float], ...]
) -> dict[str, np.ndarray]:
    """Log fractions of the power in bands, and the slope of the spectrum, of the middle second.

    Bands that reach beyond the Nyquist frequency are left out.
    """
    second = round(rate)
    x = signal.detrend(windows[..., second : 2 * second], axis=-1)
    power = np.abs(np.fft.rfft(x * np.hanning(second), axis=-1)) ** 2
    frequency = np.fft.rfftfreq(second, 1 / rate)
    bands = tuple(b for b in bands if b[1] <= rate / 2 + 0.1)
    inside = [(frequency >= low) & (frequency < high + 1e-9) for low, high in bands]
    parts = np.stack([power[..., mask].sum(-1) for mask in inside], -1)
    fractions = np.log10((parts + SMALL**2) / (parts.sum(-1, keepdims=True) + SMALL**2))
    results = {
        f"share_{low:g}_{high:g}_Hz": fractions[..., k] for k, (low, high) in enumerate(bands)
    }
    used = np.any(inside, axis=0) & (frequency > 0) & (frequency < 45.5)
    axis = np.log10(frequency[used]) - np.log10(frequency[used]).mean()
    logarithm = np.log10(power[..., used] + SMALL**2)
    results["spectral_slope"] = (logarithm * axis).sum(-1) / (axis**2).sum()
    return results


def alike(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlation over the last axis; 0 where one of the two does not vary."""
    a = first - first.mean(-1, keepdims=True)
    b = second - second.mean(-1, keepdims=True)
    scale = np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    return (a * b).sum(-1) / np.maximum(scale, SMALL**2)


def among_channels(
    x: np.ndarray, active: np.ndarray, related: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """How a channel's second x (window, channel, time) stands among the other active ones.

    Parameters
    ----------
    x : array (window, channel, time)
        The middle seconds.
    active : bools (window, channel)
        Where the detector of motion fires.
    related : bools (channel, channel), optional
        Pairs that share a source or a detector, without the diagonal.
    """
    channels = x.shape[1]
    together = alike(x[:, :, None], x[:, None])
    pair = active[:, :, None] & active[:, None] & ~np.eye(channels, dtype=bool)
    count = pair.sum(-1)
    size = np.ptp(x, -1)
    largest = np.max(np.where(active, size, 0), 1, keepdims=True)
    results = {
        "share_of_channels_active": np.repeat(active.mean(1)[:, None], channels, 1),
        "mean_likeness_to_active": _mean(np.abs(together), pair),
        "mean_correlation_to_active": _mean(together, pair),
        "log_size_to_largest": np.log10(size / np.maximum(largest, SMALL) + SMALL),
    }
    results["mean_likeness_to_active"][count == 0] = np.nan
    if related is not None:
        kin = pair & related
        results["likeness_to_shared_optode"] = _mean(np.abs(together), kin)
        results["share_of_related_active"] = (active[:, None] & related).sum(-1) / np.maximum(
            related.sum(-1), 1
        )
    return results


def _mean(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    count = mask.sum(-1)
    total = np.where(mask, values, 0).sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def nirs_features(
    windows: np.ndarray, rate: float, active: np.ndarray, related: np.ndarray
) -> dict[str, np.ndarray]:
    """Features (window, channel) of optical density (window, channel, wavelength, time).

    Shapes are those of the shortest wavelength; the longest is compared with it.
    """
    short, long = windows[:, :, 0], windows[:, :, -1]
    second = round(rate)
    x, y = short[..., second : 2 * second], long[..., second : 2 * second]
    a = x - x.mean(-1, keepdims=True)
    b = y - y.mean(-1, keepdims=True)
    gain = (a * b).sum(-1) / np.maximum((a**2).sum(-1), SMALL**2)
    rest = (b - gain[..., None] * a).std(-1)
    return {
        **shape_features(short, rate),
        **band_features(short, rate, NIRS_BANDS),
        "log_wavelength_ratio": np.log10((b.std(-1) + SMALL) / (a.std(-1) + SMALL)),
        "wavelength_correlation": alike(x, y),
        "log_wavelength_residual": np.log10(rest + SMALL),
        "wavelength_step_difference": (y[..., -1] - y[..., 0]) / np.maximum(np.ptp(y, -1), SMALL)
        - (x[..., -1] - x[..., 0]) / np.maximum(np.ptp(x, -1), SMALL),
        **among_channels(x, active, related),
    }


def eeg_features(
    slow: np.ndarray, broad: np.ndarray, rate: float, active: np.ndarray
) -> dict[str, np.ndarray]:
    """Features (window, channel) of EEG windows (window, channel, time) [V].

    Parameters
    ----------
    slow : array (window, channel, time)
        0.5-45 Hz: shapes are those of this band.
    broad : array (window, channel, time)
        From 0.5 Hz up: powers of all bands are taken from here.
    rate : float
        Sampling rate [Hz].
    active : bools (window, channel)
        Where the detector of motion fires.
    """
    second = round(rate)
    x = slow[..., second : 2 * second]
    tenth = round(0.1 * rate)
    fast = np.diff(x, 2, axis=-1)
    pieces = fast[..., : fast.shape[-1] // tenth * tenth]
    pieces = pieces.reshape(*pieces.shape[:-1], -1, tenth).std(-1)
    loud = np.sort(pieces, -1)
    absolute = np.log10(fast.std(-1) + SMALL)
    return {
        **shape_features(slow, rate),
        **band_features(broad, rate, EEG_BANDS),
        "log_fast_rms": absolute,
        "fast_burstiness": np.log10((loud[..., -1] + SMALL) / (np.median(loud, -1) + SMALL)),
        "fast_correlation": _others(fast),
        **among_channels(x, active),
        "correlation_of_channels": _others(x),
    }


def _others(x: np.ndarray) -> np.ndarray:
    """Correlation (window, channel) of each channel with the mean of the others."""
    count = x.shape[1]
    if count < 2:
        return np.full(x.shape[:2], np.nan)
    rest = (x.sum(1, keepdims=True) - x) / (count - 1)
    return alike(x, rest)
