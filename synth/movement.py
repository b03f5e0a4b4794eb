"""Movements: their kind, their time course, and the part of it that both modalities share.

Head rotations (nod, shake, tilt, jerk, gait), speech and jaw, the face, and a touched cap or cable
differ in speed, length and in their effect on electrodes, muscles and optodes (`TYPES`). Their
onsets are sampled in `bouts`; `eeg_artifact` and `nirs_artifact` turn them into artifacts.
"""

from dataclasses import dataclass

import numpy as np

from neurofuse.io.modality import EEG, NIRS

# Fraction of the energy of a movement's time course that both modalities share. The artifact of one
# explains less of the other's (R² in 0.5-2 Hz, above that of mismatched movements), as every sensor
# distorts the movement: about 0.2 for "partial", 0.7 for "full" (`tests/synth/test_share.py`). With
# "none" not even the onsets are shared.
SHARE = {"none": 0.0, "timing": 0.0, "partial": 0.7, "full": 1.0}
SINUSOIDS = 8  # that make up one time course
DISPLACEMENT = 0.8  # during the movement, relative to its oscillation
HIGH_FREQUENCY_GAIN = 0.27  # of a sensor that follows movement up to a cut-off frequency only
SPECTRAL_SLOPE = 0.85  # amplitude of a time course falls as 1 / frequency to this power
WHOLE_CAP = 0.8  # fraction of touches that pull the whole cap or its cables
UPWARDS = np.array([0, 0, 0.5])
SEED_OF = {EEG.name: 1, NIRS.name: 2, "head": 3}


@dataclass(frozen=True)
class Kind:
    """One kind of movement; strengths are relative to a nod's."""

    weight: float  # how often, relative to the others
    band: tuple[float, float]  # Hz, of the movement itself
    length: tuple[float, float]  # s: median, spread of its logarithm
    head: float  # slow artifact at the electrodes
    cable: float  # pops and broadband noise
    muscle: float
    optode: float
    chance: tuple[float, float]  # that EEG, that fNIRS show it
    place: str = ""  # where it acts: "" on the whole head, "jaw", "face", "touch" somewhere


TYPES = {
    "nod": Kind(0.22, (0.3, 8.0), (1.0, 1.05), 1.0, 0.0, 0.1, 1.0, (0.9, 0.85)),
    "shake": Kind(0.16, (0.5, 8.0), (1.1, 1.05), 1.1, 0.0, 0.2, 1.0, (0.9, 0.85)),
    "tilt": Kind(0.16, (0.2, 4.0), (1.4, 1.05), 0.8, 0.0, 0.1, 0.9, (0.8, 0.85)),
    "jerk": Kind(0.14, (1.0, 9.0), (0.5, 0.8), 1.3, 0.4, 0.4, 1.3, (0.95, 0.9)),
    "gait": Kind(0.02, (1.5, 2.3), (10.0, 0.5), 0.8, 0.0, 0.2, 0.4, (0.95, 0.8)),
    "jaw": Kind(0.12, (0.7, 9.0), (1.8, 0.9), 0.72, 0.0, 1.1, 0.5, (0.95, 0.4), "jaw"),
    "touch": Kind(0.12, (0.4, 9.0), (1.0, 1.0), 0.8, 1.0, 0.0, 1.4, (0.75, 0.7), "touch"),
    "face": Kind(0.06, (0.4, 8.0), (0.9, 0.8), 0.5, 0.0, 1.1, 0.6, (0.95, 0.6), "face"),
}


@dataclass(frozen=True)
class Movement:
    """One movement as one modality shows it."""

    onset: float  # s
    duration: float  # s
    type: str
    intensity: float  # 1 for a typical nod
    share: float  # of the time course's energy that both modalities have in common
    seed: int  # of everything sampled for this movement

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return TYPES[self.type]

    def rng(self, stream: str) -> np.random.Generator:
        """Random generator of this movement in "eeg", "nirs" or of the "head", always the same."""
        return np.random.default_rng([self.seed, SEED_OF[stream]])

    def common(self) -> np.ndarray:
        """Sinusoids (wave, 3) of the time course that all sensors share."""
        return sample_waves(np.random.default_rng([self.seed, 0]), self.type)

    def touched(self) -> np.ndarray | None:
        """Direction (3,) of the touched place, the same for all sensors; None: the whole cap."""
        rng = np.random.default_rng([self.seed, 4])
        place = rng.normal(size=3) + UPWARDS  # hands reach the top and sides of a cap
        return None if rng.random() < WHOLE_CAP else place / np.linalg.norm(place)

    def envelope(self, time: np.ndarray) -> np.ndarray:
        """Smooth 0..1 rise and fall over the movement; exactly 0 outside it."""
        return bump((time - self.onset) / self.duration)

    def course(self, time: np.ndarray, own: np.ndarray, corner: float = np.inf) -> np.ndarray:
        """Time course (…, time) at `time` [s]: the common part mixed with `own` sinusoids.

        Its energy is 1, less what a sensor misses that follows movement up to `corner` [Hz].
        """
        after = time - self.onset
        specific = np.sqrt(1 - self.share) * waves(own, after, corner)
        if not self.share:
            return specific
        return np.sqrt(self.share) * waves(self.common(), after, corner) + specific


def bump(phase: np.ndarray, ramp: float = 0.3) -> np.ndarray:
    """Rise from 0 at phase 0 to 1 within `ramp`, and fall likewise to 0 at phase 1; 0 outside."""
    height = np.minimum(phase, 1 - phase) / ramp
    return np.sin(np.pi / 2 * np.clip(height, 0, 1)) ** 2


def sample_waves(rng: np.random.Generator, kind: str, shape: tuple[int, ...] = ()) -> np.ndarray:
    """Sample sinusoids (*shape, wave, 3: frequency [Hz], phase [rad], amplitude) of a movement.

    The first has frequency 0: with the envelope it is a displacement and return of the head.
    """
    low, high = TYPES[kind].band
    frequency = np.exp(rng.uniform(np.log(low), np.log(high), (*shape, SINUSOIDS)))
    amplitude = rng.rayleigh(1.0, frequency.shape) / frequency**SPECTRAL_SLOPE
    if kind == "gait":  # steps: harmonics of one rhythm
        frequency = frequency[..., :1] * np.arange(1, SINUSOIDS + 1)
        amplitude = rng.rayleigh(1.0, frequency.shape) / np.arange(1, SINUSOIDS + 1)
    phase = rng.uniform(0, 2 * np.pi, frequency.shape)
    amplitude[..., 0] = DISPLACEMENT * np.sqrt((amplitude[..., 1:] ** 2).sum(-1) / 2)
    frequency[..., 0], phase[..., 0] = 0.0, np.pi / 2 * rng.choice([-1, 1], shape)
    energy = (amplitude[..., 1:] ** 2).sum(-1, keepdims=True) / 2
    amplitude /= np.sqrt(energy * (1 + DISPLACEMENT**2))
    return np.stack([frequency, phase, amplitude], axis=-1)


def blend(common: np.ndarray, own: np.ndarray, share: float) -> np.ndarray:
    """Sinusoids (…, 2 wave, 3): a fraction `share` of their energy is `common` (wave, 3) to all."""
    common = np.broadcast_to(common, own.shape).copy()
    common[..., 2] *= np.sqrt(share)
    own = own.copy()
    own[..., 2] *= np.sqrt(1 - share)
    return np.concatenate([common, own], axis=-2)


def waves(parts: np.ndarray, time: np.ndarray, corner: float = np.inf) -> np.ndarray:
    """Sum sinusoids (…, wave, 3) at `time` [s] to (…, time), attenuated above `corner` [Hz]."""
    frequency, phase, amplitude = np.moveaxis(parts, -1, 0)
    least = HIGH_FREQUENCY_GAIN
    amplitude = amplitude * (least + (1 - least) / (1 + (frequency / corner) ** 2))
    total = np.zeros((*parts.shape[:-2], len(time)))
    for k in range(parts.shape[-2]):
        argument = 2 * np.pi * frequency[..., k, None] * time + phase[..., k, None]
        total += amplitude[..., k, None] * np.sin(argument)
    return total
