"""Split a signal into bands that sum to it, sample by sample, and follow its slow drift."""

from itertools import pairwise

import numpy as np
from scipy import signal

FLOOR = 1e-10  # of a channel's quiet energy, added to that of each band before logarithms
HIGHEST = 0.9  # of half the sampling rate: edges above it have no band of their own
SHORT = 200  # samples up to which bands are made by one product
DRIFT_SPAN = 20.0  # s of which the drift is the median: movements are shorter
DRIFT_STEP = 4  # frames; of the median every fourth counts


class BandSplitter:
    """Bands of rows of samples, as `models.joint.bands.split` makes them of whole windows.

    From above, each band is what a high-pass filter (Butterworth, second order) lets through of
    what is left below the bands before. So they sum to the signal whatever the filters do.

    Parameters
    ----------
    rows : int
        Number of signals.
    rate : float
        [Hz].
    edges : tuple of float
        Frequencies between the bands [Hz], ascending.
    """

    def __init__(self, rows: int, rate: float, edges: tuple[float, ...]):
        self.bands: int = len(edges) + 1
        self.filters: dict[int, np.ndarray] = {
            band: np.asarray(signal.butter(2, edge, "highpass", output="sos", fs=rate))
            for band, edge in enumerate(edges, 1)
            if edge < HIGHEST * rate / 2
        }
        self.state: np.ndarray = np.zeros((rows, 2 * len(self.filters)))
        self.begun: bool = False
        self.maps: dict[int, np.ndarray] = {}  # by number of samples

    def push(self, x: np.ndarray) -> np.ndarray:
        """Bands (row, band, time) of the next samples (row, time).

        Of a few samples they are one product with a matrix, which is much faster than the filters.
        """
        length = x.shape[-1]
        if not length:
            return np.zeros((len(x), self.bands, 0))
        if not self.begun and self.filters:  # as if the first sample had always been there
            self.begun = True
            steady = [signal.sosfilt_zi(self.filters[band])[0] for band in sorted(self.filters)]
            self.state = x[:, :1] * np.concatenate(steady)
        if length > SHORT:
            bands, self.state = self._filtered(x, self.state)
            return bands
        if length not in self.maps:
            self.maps[length] = self._map(length)
        out = np.concatenate([x, self.state], 1) @ self.maps[length]
        split = self.bands * length
        self.state = out[:, split:]
        return out[:, :split].reshape(len(x), self.bands, length)

    def _filtered(self, x: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        out, after = np.zeros((len(x), self.bands, x.shape[-1])), np.zeros_like(state)
        rest = x
        for place, band in reversed(list(enumerate(sorted(self.filters)))):
            own = slice(2 * place, 2 * place + 2)
            out[:, band], left = signal.sosfilt(
                self.filters[band], rest, axis=-1, zi=state[None, :, own]
            )
            after[:, own] = left[0]
            rest = rest - out[:, band]
        out[:, 0] = rest
        return out, after

    def _map(self, length: int) -> np.ndarray:
        """What makes bands and the next state of so many samples and the state."""
        unit = np.eye(length + self.state.shape[1])
        bands, state = self._filtered(unit[:, :length], unit[:, length:])
        return np.concatenate([bands.reshape(len(unit), -1), state], 1)


class Drift:
    """Slow drift of electrodes as far as it is known yet: the median of the last 20 s.

    Parameters
    ----------
    rows : int
        Number of channels.
    frame_rate : float
        [Hz].
    """

    def __init__(self, rows: int, frame_rate: float):
        self.span: int = round(DRIFT_SPAN * frame_rate)
        self.means: list[np.ndarray] = []
        self.before: np.ndarray = np.zeros(rows)
        self.count: int = 0

    def push(self, x: np.ndarray) -> np.ndarray:
        """Drift (row, time) of the samples (row, time) of the next frame."""
        mean = x.mean(-1)
        if self.count == 0:
            self.before = mean
        if self.count < self.span // DRIFT_STEP or self.count % DRIFT_STEP == 0:
            self.means.append(mean)
            del self.means[: -(self.span // DRIFT_STEP)]
            now = np.median(np.stack(self.means), 0)
        else:
            now = self.before
        self.count += 1
        step = (np.arange(x.shape[-1]) + 1) / x.shape[-1]
        course = self.before[:, None] + (now - self.before)[:, None] * step
        self.before = now
        return course


def drift_so_far(x: np.ndarray, rate: float, frame_rate: float) -> np.ndarray:
    """`Drift` (row, time) of a whole series (row, time) at `rate` [Hz]."""
    running, out = Drift(len(x), frame_rate), np.zeros(x.shape)
    frames = int(np.ceil(x.shape[-1] / rate * frame_rate))
    for begin, end in pairwise(frame_edges(0, frames, rate, frame_rate)):
        if begin < x.shape[-1]:
            out[:, begin:end] = running.push(x[:, begin:end])
    return out


def frame_edges(first: int, count: int, rate: float, frame_rate: float) -> np.ndarray:
    """Numbers of the samples with which frames begin, from frame `first` on: (count + 1,)."""
    return np.ceil(np.arange(first, first + count + 1) * (rate / frame_rate) - 1e-9).astype(int)


def held(first: int, length: int, rate: float, frame_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Of which frame (time,) each sample is, and its weight (time,) against the frame before.

    What holds of a frame is faded in over its first quarter.
    """
    at = (np.arange(first, first + length) + 1) * (frame_rate / rate)
    frame = np.floor((np.arange(first, first + length)) * (frame_rate / rate) + 1e-9).astype(int)
    return frame, (4 * (at - frame)).clip(0, 1)
