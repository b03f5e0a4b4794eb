"""Bridged EEG channels: electrodes connected by gel or sweat measure the same voltage."""

from typing import Any

import numpy as np

from neurofuse.io.logs import quiet

BAND = (0.5, 30.0)  # Hz, as in MNE
RATE = 120.0  # Hz to which pieces are downsampled
MOST_PIECES = 12  # of 10 s, up to …
FEW_CHANNELS = 64  # … this many channels; with more, fewer pieces: each pair costs time …
FEWEST_PIECES = 3  # … but no fewer
SHORTEST = 4.0  # s: two of MNE's epochs


def pieces_for(channels: int) -> int:
    """How many pieces of 10 s are used to find bridges among this many channels.

    Examples
    --------
    >>> pieces_for(32), pieces_for(100), pieces_for(300)
    (12, 5, 3)
    """
    return max(FEWEST_PIECES, round(MOST_PIECES * min(1.0, (FEW_CHANNELS / max(channels, 1)) ** 2)))


def downsampled(piece: np.ndarray, rate: float) -> np.ndarray:
    """A piece (channel, time) downsampled by a whole number to 120 Hz or more.

    Examples
    --------
    >>> downsampled(np.ones((1, 5000)), 500.0).shape
    (1, 1250)
    """
    from scipy.signal import decimate

    factor = _factor(rate)
    return piece if factor == 1 else decimate(piece, factor, ftype="fir", axis=-1)


def bridges(
    slow: list[np.ndarray], rate: float, used: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance to the nearest channel, whether bridged, and to which (-1: to none).

    By `mne.preprocessing.compute_bridged_electrodes` (intrinsic Hjorth: Tenke & Kayser 2001, Clin
    Neurophysiol 112:545). Channels with missing samples in half of the pieces or more are not
    compared, nor are pieces with missing samples in the other channels.

    Parameters
    ----------
    slow : list of array (used channel, time)
        Pieces [V] of one length, from `downsampled`.
    rate : float
        Sampling rate of the recording [Hz].
    used : bool array (channel,)
        Channels of the pieces.

    Returns
    -------
    distance : array (channel,)
        Standard deviation of the difference [V] in 0.5-30 Hz, median over pieces, to the channel
        where it is least; NaN where there is none. Its square is the electrical distance.
    bridged : bool array (channel,)
    partner : int array (channel,)
        Index of the nearest channel of a bridged one.
    """
    distance, bridged = np.full(len(used), np.nan), np.zeros(len(used), bool)
    partner = np.full(len(used), -1)
    if not slow:
        return distance, bridged, partner
    whole = np.array([np.isfinite(piece).all(1) for piece in slow])
    chosen = whole.mean(0) > 0.5
    good = [piece[chosen] for piece, rows in zip(slow, whole, strict=True) if rows[chosen].all()]
    index = np.flatnonzero(used)[chosen]
    if len(index) < 2 or not good:
        return distance, bridged, partner
    samples = np.stack(good)
    # MNE's density estimate fails for identical channels, which need no estimate
    first = [next(k for k in range(c + 1) if _same(samples, k, c)) for c in range(len(index))]
    single = np.unique(first)
    between = np.full((len(index),) * 2, np.nan)
    pairs = [(k, c) for c, k in enumerate(first) if k != c]
    for k, c in pairs:
        between[k, c] = 0
    by_mne = _mne_bridges(samples[:, single], rate / _factor(rate))
    if by_mne is not None:
        between[np.ix_(single, single)] = by_mne[1]
        pairs += [(int(single[i]), int(single[j])) for i, j in by_mne[0]]
    between = np.fmin(between, between.T)
    for channel, row in zip(index, between, strict=True):
        if np.isfinite(row).any():
            distance[channel] = np.nanmin(row)
    for i, j in pairs:
        bridged[index[[i, j]]] = True
    for channel, row in zip(index, between, strict=True):
        if bridged[channel]:
            partner[channel] = index[np.nanargmin(row)]
    return distance, bridged, partner


def _mne_bridges(
    samples: np.ndarray, rate: float
) -> tuple[list[tuple[int, int]], np.ndarray] | None:
    """Bridged pairs and median distances [V] of samples (piece, channel, time); None if too few.

    One piece is cut into epochs of 2 s, as MNE does with a Raw.
    """
    import mne

    count, channels, length = samples.shape
    if channels < 2 or count * length / rate < SHORTEST:
        return None
    info = mne.create_info([str(c) for c in range(channels)], rate, "eeg")
    low, high = BAND[0], min(BAND[1], 0.45 * rate)
    find: Any = mne.preprocessing.compute_bridged_electrodes  # annotated for whole Hz only
    with quiet():
        inst = mne.EpochsArray(samples, info) if count > 1 else mne.io.RawArray(samples[0], info)
        try:
            pairs, distance = find(inst, l_freq=low, h_freq=high)
        except (ValueError, np.linalg.LinAlgError):  # too few distances for its density estimate
            return None
    return pairs, np.sqrt(np.median(distance, axis=0)) * 1e-6


def _same(samples: np.ndarray, one: int, other: int) -> bool:
    if one == other or samples[0, one, 0] != samples[0, other, 0]:
        return one == other
    return np.array_equal(samples[:, one], samples[:, other])


def _factor(rate: float) -> int:
    return max(int(rate // RATE), 1)
