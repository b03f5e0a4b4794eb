"""What a movement looks like in EEG: its bands, its places and its course, in numbers."""

import numpy as np

from neurofuse.fusion.kinds.course import rhythm, thirds
from neurofuse.fusion.kinds.regions import CONTRASTS, Regions

BANDS = ((0.5, 2.0), (2.0, 5.0), (5.0, 10.0), (10.0, 18.0), (18.0, 30.0), (30.0, 65.0))  # Hz
SLOW, FAST = (0.5, 8.0), (20.0, 65.0)  # Hz, of the maps: what moves, and what muscles do
FLOOR = 0.1  # of the quiet energy: the least excess over it
TAPER = 0.1  # s at both ends
EDGE = 0.05  # s at both ends, from which a displacement counts
LEAST = 1e-16  # V², of an energy on a logarithmic scale
NAMES = (
    *(f"EEG {low:g}-{high:g} Hz" for low, high in BANDS),
    *(f"EEG {low:g}-{high:g} Hz over quiet" for low, high in BANDS[-2:]),
    *(f"EEG slow, {name}" for name in CONTRASTS),
    *(f"EEG fast, {name}" for name in CONTRASTS),
    "EEG duration",
    "EEG channels in motion",
    "EEG frequency",
    "EEG rhythm",
    "EEG pops",
    "EEG rise",
    "EEG fall",
    "EEG one source",
    "EEG displacement",
)


def band_energy(samples: np.ndarray, rate: float) -> np.ndarray:
    """Mean energy (channel, band) of samples (channel, time) in `BANDS`, `SLOW` and `FAST`.

    NaN in bands that the rate does not hold.
    """
    return _bands(*_power(samples, rate), rate)


def _bands(power: np.ndarray, frequency: np.ndarray, rate: float) -> np.ndarray:
    found = np.full((len(power), len(BANDS) + 2), np.nan)
    for k, (low, high) in enumerate((*BANDS, SLOW, FAST)):
        inside = (frequency >= low) & (frequency < high)
        if low >= 0.8 * rate / 2:
            continue
        if not inside.any():  # shorter than a period: the next line
            inside = np.arange(len(frequency)) == min(1, len(frequency) - 1)
        found[:, k] = power[:, inside].sum(1)
    return found


def _power(samples: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Spectrum (channel, frequency) whose sum is the mean energy over time, without the mean."""
    length = samples.shape[-1]
    edge = max(min(round(TAPER * rate), length // 2), 1)
    taper = np.ones(length)
    ramp = np.sin(np.pi / 2 * (np.arange(edge) + 0.5) / edge) ** 2
    taper[:edge], taper[length - edge :] = ramp, ramp[::-1]
    centred = samples - samples.mean(-1, keepdims=True)
    size = max(length, round(2 * rate))
    spectrum = np.fft.rfft(centred * taper, size)
    power = 2 * np.abs(spectrum) ** 2 / size / (taper @ taper)
    return power, np.fft.rfftfreq(size, 1 / rate)


def describe(
    samples: np.ndarray, rate: float, moving: np.ndarray, quiet: np.ndarray, regions: Regions
) -> np.ndarray:
    """The numbers under `NAMES` of one movement; NaN for those that cannot be told.

    Parameters
    ----------
    samples : array (channel, time)
        Of the movement [V].
    rate : float
        Sampling rate [Hz].
    moving : bool array (channel,)
        Channels in motion.
    quiet : array (channel, band)
        `band_energy` without movement.
    regions : Regions
    """
    power, frequency = _power(samples, rate)
    energy = _bands(power, frequency, rate)
    excess = np.maximum(energy - quiet, FLOOR * quiet)
    size = 0.5 * np.log10(excess + LEAST)  # of the root mean square
    bands = 0.5 * np.log10(excess[:, :-2].mean(0) + LEAST)
    over = bands - 0.5 * np.log10(quiet[:, :-2].mean(0) + LEAST)
    steps = np.abs(np.diff(samples, axis=-1))
    typical = np.sqrt((steps**2).mean(-1))
    total = power / (power.sum(-1, keepdims=True) + 1e-30)
    slow = (frequency > 0.3) & (frequency < 12)
    pooled = total[:, slow].mean(0)
    centred = samples - samples.mean(-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(-1)) + 1e-12
    one = centred / spread[:, None]
    course = np.abs(one).mean(0)
    edge = max(round(EDGE * rate), 1)
    ends = np.concatenate([samples[:, :edge], samples[:, -edge:]], axis=-1).mean(-1)
    return np.concatenate(
        [
            bands,
            over[-2:],
            regions.contrasts(size[:, -2]),
            regions.contrasts(size[:, -1]),
            [
                np.log10(samples.shape[-1] / rate),
                np.log10(moving.mean() + 0.03),
                np.log10((pooled @ frequency[slow]) / (pooled.sum() + 1e-30) + 0.1),
                rhythm(one, rate),
                np.log10((steps.max(-1) / (typical + 1e-12)).mean() + 1e-3),
                *thirds(course),
                _one_source(one),
                (np.abs(samples.mean(-1) - ends) / spread).mean(),
            ],
        ]
    )


def _one_source(one: np.ndarray) -> float:
    """Share of the first component in the covariance of channels of unit size."""
    if len(one) < 3:
        return np.nan
    square = np.linalg.eigvalsh(one @ one.T / one.shape[-1])
    return float(square[-1] / max(square.sum(), 1e-30))
