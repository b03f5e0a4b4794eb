"""Activity of a simulated brain: regions whose rhythms vary in amplitude, and a task.

The power of a region's rhythms shows in the EEG, and drives the blood of that region where
neurovascular coupling is simulated; both read it from here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import fft

from neurofuse.synth.montage import ten_five
from neurofuse.synth.sphere import directions

GRID_RATE = 4.0  # Hz at which slow time courses are stored
HISTORY = 60.0  # s of them before the recording starts, to which blood still responds
# region of the 10-20 system: relative strength of its alpha and of its beta
REGIONS = {
    "F3": (0.4, 0.6), "F4": (0.4, 0.6), "C3": (0.75, 1.3), "C4": (0.75, 1.3),
    "P3": (0.8, 0.5), "P4": (0.8, 0.5), "O1": (1.0, 0.4), "O2": (1.0, 0.4),
}  # fmt: skip
AMPLITUDE_LOG_SD = 0.35  # of a rhythm, over time
COMMON_VARIANCE = 0.5  # fraction of that which all regions have in common
SLOWEST, FASTEST = 0.008, 0.12  # Hz at which amplitudes vary
TASK = 5.0  # s of tapping
DESYNCHRONISATION = {"C3": 0.6, "C4": 0.25, "P3": 0.2}  # fraction of amplitude lost while tapping
REBOUND = 0.25  # fraction gained afterwards


def coloured(
    shape: tuple[int, ...], rate: float, slope: float, lowest: float, rng: np.random.Generator
) -> np.ndarray:
    """Gaussian noise (…, time), unit variance, power ~ 1 / frequency^slope above `lowest` [Hz].

    Examples
    --------
    >>> coloured((2, 500), 10.0, 1.0, 0.1, np.random.default_rng(0)).std(axis=-1).round(6).tolist()
    [1.0, 1.0]
    """
    noise = shaped(shape[:-1], shape[-1], rate, lambda f: power_law(f, slope, lowest), rng)
    noise = noise.astype(float)
    return noise / np.maximum(noise.std(axis=-1, keepdims=True), 1e-30)


def power_law(frequency: np.ndarray, slope: float, lowest: float) -> np.ndarray:
    """Amplitude ~ frequency^(-slope/2) above `lowest` [Hz], constant below, none at 0.

    Examples
    --------
    >>> power_law(np.array([0.0, 0.5, 4.0]), 1.0, 1.0).tolist()
    [0.0, 1.0, 0.5]
    """
    return np.maximum(frequency, lowest) ** (-slope / 2) * (frequency > 0)


def shaped(
    shape: tuple[int, ...],
    samples: int,
    rate: float,
    gain: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """Stationary Gaussian noise (…, samples; float32) of expected variance 1 and given spectrum.

    Parameters
    ----------
    shape : tuple
        Shape before time.
    samples : int
        Number of samples.
    rate : float
        Sampling rate [Hz].
    gain : function
        Amplitude at frequencies [Hz], of any scale.

    Examples
    --------
    >>> noise = shaped((3,), 4000, 100.0, np.ones_like, np.random.default_rng(0))
    >>> bool(abs(noise.std() - 1) < 0.05)
    True
    """
    # longer than needed: circular noise would connect its end with its beginning
    length = fft.next_fast_len(samples + int(20 * rate) + 2, real=True)
    weight = gain(fft.rfftfreq(length, 1 / rate))
    weight = weight * (length / np.sqrt(max(4 * (weight**2).sum(), 1e-30)))
    real = rng.standard_normal((*shape, len(weight), 2), dtype=np.float32)
    spectrum = real.view(np.complex64)[..., 0] * weight.astype(np.float32)
    noise = np.asarray(fft.irfft(spectrum, length, axis=-1))
    return noise[..., :samples]


def bump(frequency: np.ndarray, centre: float, width: float) -> np.ndarray:
    """Amplitude of a rhythm: a Gaussian over frequency [Hz].

    Examples
    --------
    >>> bump(np.array([10.0]), 10.0, 1.0).tolist()
    [1.0]
    """
    return np.exp(-(((frequency - centre) / width) ** 2) / 2)


@dataclass(frozen=True)
class Activity:
    """Amplitudes of the regions' rhythms over time, and onsets of the task."""

    logarithm: np.ndarray  # (region, grid): spontaneous, of the amplitude; starts at -HISTORY
    onsets: np.ndarray  # s

    @property
    def grid(self) -> np.ndarray:
        """Times [s] at which amplitudes are stored."""
        return np.arange(self.logarithm.shape[1]) / GRID_RATE - HISTORY

    def amplitude(self, region: int, time: np.ndarray) -> np.ndarray:
        """Amplitude (time,) of a region's rhythms, 1 on average."""
        grid = self.grid
        lost = DESYNCHRONISATION.get(list(REGIONS)[region], 0.0)
        course = np.exp(self.logarithm[region]) * (1 - lost * task_course(grid, self.onsets))
        return np.interp(time, grid, course)


def sample_activity(duration: float, onsets: np.ndarray, rng: np.random.Generator) -> Activity:
    """Sample the spontaneous amplitude changes of the rhythms of all regions.

    Examples
    --------
    >>> sample_activity(60.0, np.array([10.0]), np.random.default_rng(0)).logarithm.shape
    (8, 485)
    """
    samples = int((duration + HISTORY + 1) * GRID_RATE) + 1
    own = shaped((1 + len(REGIONS),), samples, GRID_RATE, wandering, rng)
    mixed = np.sqrt(COMMON_VARIANCE) * own[:1] + np.sqrt(1 - COMMON_VARIANCE) * own[1:]
    return Activity(AMPLITUDE_LOG_SD * mixed.astype(float), onsets)


def wandering(frequency: np.ndarray) -> np.ndarray:
    """Spectrum (amplitude of any scale) of spontaneous amplitude changes.

    Examples
    --------
    >>> slow, fast = wandering(np.array([0.02, 0.5]))
    >>> bool(slow > 100 * fast)
    True
    """
    return power_law(frequency, 1.0, SLOWEST) / (1 + (frequency / FASTEST) ** 4)


def sample_onsets(duration: float, rng: np.random.Generator) -> np.ndarray:
    """Onsets [s] of a task every 20 to 30 s.

    Examples
    --------
    >>> len(sample_onsets(100.0, np.random.default_rng(0)))
    4
    """
    count = int(duration / 20) + 2
    onsets = np.cumsum(np.append(rng.uniform(5, 8), rng.uniform(20, 30, count)))
    return onsets[onsets < duration - TASK]


def task_course(time: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Desynchronisation (time,): 1 while tapping, below 0 in the rebound after it.

    Examples
    --------
    >>> task_course(np.array([0.0, 12.0, 15.0]), np.array([10.0])).round(1).tolist()
    [0.0, 1.0, 0.9]
    """
    course = np.zeros(len(time))
    for onset in onsets:
        first, last = np.searchsorted(time, (onset - 1.5, onset + TASK + 6))
        t = time[first:last] - onset
        busy = 1 / (1 + np.exp(-np.clip((t - 0.2) / 0.15, -40, 40)))
        busy *= 1 / (1 + np.exp(np.clip((t - TASK - 0.4) / 0.2, -40, 40)))
        course[first:last] += busy - REBOUND * bump(t, TASK + 2.0, 0.8)
    return course


def region_directions() -> np.ndarray:
    """Directions (region, 3) of the regions from the middle of the head.

    Examples
    --------
    >>> region_directions().shape
    (8, 3)
    """
    places = ten_five()
    return directions(np.array([places[name] for name in REGIONS]))
