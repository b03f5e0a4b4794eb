"""Noise of EEG channels, estimated from short pieces spread over the recording.

Noisy channels are found as in PREP (Bigdely-Shamlo et al. 2015, Front Neuroinform 9:16), from
spectra in place of filters: by their deviation and their power above 50 Hz, compared with other
channels.
"""

import warnings

import numpy as np
import xarray as xr

from neurofuse.io.quality import bridges

PIECE = 10.0  # s
MOST_PIECES = 36
BRAIN_BAND = (1.0, 50.0)  # Hz
Z_NOISY = 5.0  # robust SD above the median of channels (PREP)
RATIO_NOISY = 2.0  # … and this many times it: among similar channels a small excess is no fault
FEWEST_CHANNELS = 4  # for a comparison among them
# Absolute limits. In 42 recordings of Porr, participants at rest reach 31 uV, grimaces and loose
# electrodes 93 uV (docs/quality.md).
DEVIATION_NOISY = 75e-6  # V
HIGH_RATIO_NOISY = 1.0  # as much above 50 Hz as below
HIGH_RATIO_LEAST = 0.1  # less is no noise, whatever the other channels show
TOP = 0.9  # of Nyquist: anti-aliasing filters cut off before
LEAST_WIDTH = 5.0  # Hz needed above 50 Hz to estimate noise there
MAINS = (50.0, 60.0)  # Hz
LINE_WIDTH = 0.5  # Hz on either side of a mains frequency
NEIGHBOURS = (2.0, 6.0)  # Hz from a mains frequency
LINE_NOISY = 10.0  # dB


def noise_measures(node: xr.Dataset, used: np.ndarray) -> xr.Dataset:
    """Deviation, high-frequency ratio, line noise and bridges of an `/eeg` node's channels.

    Parameters
    ----------
    node : Dataset
        An `/eeg` node; `eeg` may be a dask array.
    used : bool array (channel,)
        Channels with a signal: channels are compared with these, and only these can be bridged.

    Returns
    -------
    Dataset
        Over `channel`: `deviation` [V], `high_ratio` [1], `noisy`, `line_noise` [dB], `line_noisy`,
        `bridge_distance` [V], `bridged`, `bridged_to`, as in `channel_quality`; attrs
        `line_frequency` [Hz], NaN where no channel has line noise.

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> noise = np.random.default_rng(0).normal(scale=1e-5, size=(2, 5000))
    >>> noise[1] += 2e-5 * np.sin(2 * np.pi * 60 * np.arange(5000) / 250)
    >>> found = noise_measures(eeg_dataset(noise, 250.0, ["C3", "C4"]), np.array([True, True]))
    >>> found.line_noisy.values.tolist(), found.attrs["line_frequency"]
    ([False, True], 60.0)
    """
    data, rate = node.eeg.transpose("channel", "time"), float(node.attrs["rate"])
    used = used & (node.ch_type.values == "eeg")
    parts = pieces(data.sizes["time"], rate)
    shared = (
        np.unique(np.linspace(0, len(parts) - 1, bridges.pieces_for(int(used.sum()))).astype(int))
        if parts
        else []
    )
    rows, slow = [], []
    for number, part in enumerate(parts):
        piece = np.asarray(data[:, part].values, float)
        rows.append(piece_measures(piece, rate))
        if number in shared and used.sum() > 1:
            slow.append(bridges.downsampled(piece[used], rate))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a channel with a gap in every piece
        middle = np.nanmedian(rows, axis=0) if rows else np.full((4, len(used)), np.nan)
        deviation, high = np.sqrt(middle[0]), np.sqrt(middle[1] / middle[0])
    noisy = (deviation > DEVIATION_NOISY) | (high > HIGH_RATIO_NOISY)
    noisy |= outlying(deviation, used) | (outlying(high, used) & (high > HIGH_RATIO_LEAST))
    noisy &= node.ch_type.values == "eeg"
    line = np.fmax(middle[2], middle[3])
    hum = (line > LINE_NOISY) & used
    frequency = np.nan
    if hum.any():  # one mains frequency for all channels: the one that stands out more
        frequency = MAINS[int(np.nanmedian(middle[3, hum] - middle[2, hum]) > 0)]
        line = middle[2 + MAINS.index(frequency)]
    distance, bridged, partner = bridges.bridges(slow, rate, used)
    names = [str(node.channel.values[p]) if p >= 0 else "" for p in partner]
    return xr.Dataset(
        {
            "deviation": ("channel", deviation, {"units": "V"}),
            "high_ratio": ("channel", high, {"units": "1"}),
            "noisy": ("channel", noisy),
            "line_noise": ("channel", line, {"units": "dB"}),
            "line_noisy": ("channel", line > LINE_NOISY),
            "bridge_distance": ("channel", distance, {"units": "V"}),
            "bridged": ("channel", bridged),
            "bridged_to": ("channel", names),
        },
        coords={"channel": node.channel.values},
        attrs={"line_frequency": frequency},
    )


def pieces(length: int, rate: float) -> list[slice]:
    """At most 36 pieces of 10 s spread evenly over `length` samples; one of all where shorter.

    Examples
    --------
    >>> pieces(50, 10.0), len(pieces(10_000, 10.0))
    ([slice(0, 50, None)], 36)
    """
    size = min(max(round(PIECE * rate), 1), length)
    count = min(MOST_PIECES, length // max(size, 1))
    starts = np.linspace(0, length - size, count).astype(int) if count else []
    return [slice(int(s), int(s) + size) for s in starts]


def density(piece: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequency [Hz] and power spectral density (row, frequency) of a piece, trend removed.

    Hann window; a row with a sample that is not finite is NaN throughout.

    Examples
    --------
    >>> frequency, power = density(np.sin(2 * np.pi * 5 * np.arange(1000) / 100)[None], 100.0)
    >>> float(frequency[power[0].argmax()])
    5.0
    """
    length = piece.shape[-1]
    at = np.arange(length) - (length - 1) / 2
    rest = piece - piece.mean(-1, keepdims=True)
    rest -= (rest @ at / max(at @ at, 1))[:, None] * at
    taper = np.hanning(length + 2)[1:-1]
    power = np.abs(np.fft.rfft(rest * taper)) ** 2 / (rate * (taper @ taper))
    power[:, 1:] *= 2
    return np.fft.rfftfreq(length, 1 / rate), power


def piece_measures(piece: np.ndarray, rate: float) -> np.ndarray:
    """Power [V²] of a piece (channel, time) in 1-50 Hz and above, line noise [dB] at 50 and 60 Hz.

    Mains and their harmonics are left out of both powers. NaN where the rate is too low.

    Returns
    -------
    array (4, channel)
    """
    frequency, power = density(piece, rate)
    step = rate / piece.shape[1]
    measures = np.full((4, len(piece)), np.nan)
    away = [np.abs((frequency + f / 2) % f - f / 2) for f in MAINS]  # from the nearest harmonic
    off = (away[0] > NEIGHBOURS[0]) & (away[1] > NEIGHBOURS[0]) | (
        frequency < MAINS[0] - NEIGHBOURS[0]
    )
    low = off & (frequency >= BRAIN_BAND[0]) & (frequency <= BRAIN_BAND[1])
    high = off & (frequency > BRAIN_BAND[1]) & (frequency < TOP * rate / 2)
    if low.sum() > 1:
        measures[0] = power[:, low].sum(1) * step
    if high.sum() * step > LEAST_WIDTH:
        measures[1] = power[:, high].sum(1) * step
    for row, mains in enumerate(MAINS, 2):
        gap = np.abs(frequency - mains)
        line, beside = gap <= LINE_WIDTH, (gap >= NEIGHBOURS[0]) & (gap <= NEIGHBOURS[1])
        if mains + NEIGHBOURS[1] < rate / 2 and line.sum() > 1 and beside.sum() > 2:
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = power[:, line].mean(1) / np.median(power[:, beside], axis=1)
                measures[row] = 10 * np.log10(ratio)
    return measures


def outlying(values: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Channels above the used ones' median by 5 robust SD and above twice the median.

    None with fewer than four used channels.

    The robust SD is 0.7413 times the interquartile range, as in PREP.

    Examples
    --------
    >>> outlying(np.array([1.0, 1.1, 0.9, 1.0, 9.0]), np.ones(5, bool)).tolist()
    [False, False, False, False, True]
    """
    known = values[used & np.isfinite(values)]
    if len(known) < FEWEST_CHANNELS:
        return np.zeros(len(values), bool)
    low, middle, high = np.percentile(known, [25, 50, 75])
    return (values > middle + Z_NOISY * 0.7413 * (high - low)) & (values > RATIO_NOISY * middle)
