"""EEG of a simulated participant: cortical dipoles, recorded by any electrodes.

Background and rhythms are independent dipoles; the size of each part is set at the 10-20 positions,
so that an electrode records the same in any montage. The reference is both ears: activity beneath
the ears appears everywhere, which is why distant electrodes correlate.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurofuse.synth import brain
from neurofuse.synth.brain import REGIONS, Activity, bump, power_law, shaped
from neurofuse.synth.montage import eeg_montage, ten_five
from neurofuse.synth.sphere import EARS, against_ears, directions

BACKGROUND, ALPHA, BETA = 9.2e-6, 3.8e-6, 1.2e-6  # V, RMS over the 10-20 positions
WHITE_NOISE = 0.4e-6  # V, of each electrode alone
LOCAL_NOISE = 2.6e-6  # V, of each electrode alone: 1/f
KNEE = 25.0  # Hz above which the background falls faster
DIPOLES = 56  # of the background
ECCENTRICITY, LOWEST = (0.5, 0.78), -0.7  # of these, in radii of the head; lowest height
PER_REGION = 3  # dipoles of a region's rhythm
EAR_POWER = {"background": 0.36, "alpha": 0.3, "beta": 0.15}  # fraction from beneath the ears
EVOKED = 6e-6  # V at Pz, 0.35 s after the task begins
GROUP = 8  # dipoles sampled at a time: bounds the memory


Spectrum = Callable[[np.ndarray], np.ndarray]  # amplitude at frequencies [Hz]


@dataclass(frozen=True)
class Participant:
    """EEG properties that differ between participants."""

    size: float  # times the usual one
    slope: float  # of the 1/f background
    alpha: float  # times the usual size
    peak: float  # of alpha [Hz]
    beta: float  # times the usual size
    beta_peak: float  # Hz


def sample_participant(rng: np.random.Generator) -> Participant:
    """Sample the EEG properties of a participant.

    Examples
    --------
    >>> bool(8 <= sample_participant(np.random.default_rng(0)).peak <= 12.5)
    True
    """
    return Participant(
        size=rng.lognormal(0, 0.17),
        slope=rng.normal(1.05, 0.12),
        alpha=rng.lognormal(0, 0.35),
        peak=float(np.clip(rng.normal(10.6, 0.9), 8.2, 12.4)),
        beta=rng.lognormal(0, 0.3),
        beta_peak=rng.uniform(16, 23),
    )


def eeg_of_brain(
    samples: int,
    rate: float,
    names: list[str],
    position: np.ndarray,
    activity: Activity,
    rng: np.random.Generator,
) -> np.ndarray:
    """EEG (channel, time) [V] of background, rhythms and evoked responses.

    Parameters
    ----------
    samples : int
        Number of samples.
    rate : float
        Sampling rate [Hz].
    names : names (channel,)
        Channel names, which seed each electrode's own noise.
    position : array (channel, 3)
        Positions [m, head frame]. A channel without one records the mean over the 10-20 positions,
        and activity of its own so that its size is usual.
    activity : Activity
        Amplitudes of the regions' rhythms, onsets of the task.
    rng : Generator
        Source of randomness; the montage does not change what is sampled.

    Returns
    -------
    array (channel, time)
        EEG [V] against the mean of both ears.

    Examples
    --------
    >>> from neurofuse.synth.brain import sample_activity
    >>> rng = np.random.default_rng(0)
    >>> activity = sample_activity(20.0, np.zeros(0), rng)
    >>> volts = eeg_of_brain(5000, 250.0, ["Cz"], np.array([[0, 0.02, 0.14]]), activity, rng)
    >>> bool(3e-6 < volts.std() < 30e-6)
    True
    """
    participant = sample_participant(rng)
    own_seed = int(rng.integers(2**62))
    direction = directions(position)
    volts = np.zeros((len(names), samples), np.float32)
    time = np.arange(samples) / rate

    def add(gain: np.ndarray, spectrum: Spectrum, course: np.ndarray | None = None) -> None:
        for first in range(0, gain.shape[1], GROUP):
            part = np.asarray(gain[:, first : first + GROUP], np.float32)
            waves = shaped((part.shape[1],), samples, rate, spectrum, rng)
            if course is not None:
                waves *= course
            np.add(volts, part @ waves, out=volts)

    def background(frequency: np.ndarray) -> np.ndarray:
        fall = power_law(frequency, participant.slope, 0.4) / np.sqrt(1 + (frequency / KNEE) ** 2.6)
        return fall * (frequency > 0.1)

    at, moment = _spread(rng)
    size = BACKGROUND * participant.size
    add(_scaled(direction, at, moment, size, "background", rng), background)
    for kind, usual, column, centre, width in (
        ("alpha", ALPHA * participant.alpha, 0, participant.peak, 0.75),
        ("beta", BETA * participant.beta, 1, participant.beta_peak, 2.5),
    ):
        at, moment, strength = _regional(column, rng)
        gain = _scaled(direction, at, moment * strength, usual * participant.size, kind, rng)

        def rhythm(frequency: np.ndarray, centre=centre, width=width) -> np.ndarray:
            return bump(frequency, centre, width)

        courses = [activity.amplitude(r, time).astype(np.float32) for r in range(len(REGIONS))]
        for region, course in enumerate(courses):
            add(gain[:, region * PER_REGION : (region + 1) * PER_REGION], rhythm, course)
        add(gain[:, len(REGIONS) * PER_REGION :], rhythm, np.mean(courses, axis=0))
    volts += _evoked(direction, time, activity.onsets, rng)
    _add_own(volts, names, direction, rate, background, participant.size, own_seed)
    return volts


def _spread(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions and moments (dipole, 3) all over the cortex, each unlike its neighbours'."""
    turn = np.arange(DIPOLES) + 0.5
    height = 1 - (1 - LOWEST) * turn / DIPOLES
    angle = np.pi * (1 + 5**0.5) * turn + rng.uniform(0, 2 * np.pi)
    across = np.sqrt(1 - height**2)
    unit = np.stack([across * np.cos(angle), across * np.sin(angle), height], axis=1)
    moment = unit + rng.normal(size=unit.shape)
    moment *= rng.lognormal(0, 0.3, (DIPOLES, 1)) / np.linalg.norm(moment, axis=1, keepdims=True)
    return unit * rng.uniform(*ECCENTRICITY, (DIPOLES, 1)), moment


def _regional(column: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, moments (dipole, 3) and strengths (dipole, 1) of the regions' rhythms."""
    unit = np.repeat(brain.region_directions(), PER_REGION, axis=0)
    at = unit + 0.25 * rng.normal(size=unit.shape)
    at *= rng.uniform(0.5, 0.72, (len(unit), 1)) / np.linalg.norm(at, axis=1, keepdims=True)
    moment = unit + 0.5 * rng.normal(size=unit.shape)
    moment /= np.linalg.norm(moment, axis=1, keepdims=True)
    strength = np.repeat([strong[column] for strong in REGIONS.values()], PER_REGION)
    return at, moment, (strength * rng.lognormal(0, 0.25, len(unit)))[:, None]


def _scaled(
    direction: np.ndarray,
    at: np.ndarray,
    moment: np.ndarray,
    size: float,
    kind: str,
    rng: np.random.Generator,
) -> np.ndarray:
    """Gain (channel, dipole) [V] of dipoles and, last, of two beneath the ears, of RMS `size`."""
    from_ears = float(np.clip(EAR_POWER[kind] * rng.lognormal(0, 0.35), 0.05, 0.75))
    usual = directions(eeg_montage("10-20")[1])
    lost = np.isnan(direction[:, 0])
    every = np.where(lost[:, None], usual[0], direction)
    parts = []
    for place, force, power in ((at, moment, 1 - from_ears), (0.85 * EARS, EARS, from_ears)):
        typical, gain = (against_ears(d, place, force) for d in (usual, every))
        scale = size * np.sqrt(power / np.mean((typical**2).sum(axis=1)))
        gain[lost] = typical.mean(axis=0)
        parts.append(scale * gain)
    return np.hstack(parts)


def _evoked(
    direction: np.ndarray, time: np.ndarray, onsets: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A P300-like wave (channel, time) after each onset, largest at Pz (Polich 2007)."""
    pz = directions(np.array([ten_five()["Pz"]]))
    lost = np.isnan(direction[:, 0])
    gain = against_ears(np.where(lost[:, None], pz, direction), 0.45 * pz, pz)
    gain *= EVOKED / against_ears(pz, 0.45 * pz, pz)
    gain[lost] *= 0.5
    course = np.zeros(len(time), np.float32)
    size = rng.lognormal(-0.03, 0.25, len(onsets))
    late = rng.normal(0.35, 0.02, len(onsets))
    for onset, strong, delay in zip(onsets, size, late, strict=True):
        first, last = np.searchsorted(time, (onset, onset + 1.0))
        t = time[first:last] - onset
        course[first:last] += strong * (bump(t, delay, 0.07) - 0.4 * bump(t, 0.11, 0.025))
    return gain.astype(np.float32) * course


def _add_own(
    volts: np.ndarray,
    names: list[str],
    direction: np.ndarray,
    rate: float,
    spectrum: Spectrum,
    size: float,
    seed: int,
) -> None:
    """Add each electrode's own noise, seeded by its name."""
    for row, name in enumerate(names):
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        lost = not np.isfinite(direction[row]).all()
        local = (0.7 * BACKGROUND if lost else LOCAL_NOISE * rng.lognormal(0, 0.25)) * size
        volts[row] += np.float32(local) * shaped((), volts.shape[1], rate, spectrum, rng)
        white = rng.standard_normal(volts.shape[1], dtype=np.float32)
        volts[row] += np.float32(WHITE_NOISE * rng.lognormal(0, 0.3)) * white
