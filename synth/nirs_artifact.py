"""What movement does to fNIRS: optodes lose and regain contact, or settle at another place.

Every source and every detector reacts for itself; a channel sees the sum of its two. Shapes run
from a pure spike (same place again) to a pure shift (another place, which persists). Measured
peaks, rise times, shift shares and wavelength ratios: `docs/synth.md`.
"""

import numpy as np

from neurofuse.synth.movement import Movement, draw_waves

PEAK = 0.12  # optical density that a typical nod leaves at an optode it reaches
REACHED = 0.35  # chance that a typical movement reaches an optode
WAVELENGTH_RATIO = 0.82  # change at a wavelength relative to the shortest one


def nirs_artifact(
    movements: list[Movement],
    time: np.ndarray,
    source: np.ndarray,
    detector: np.ndarray,
    wavelengths: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Artifact (channel, wavelength, time) [OD] and the mask (channel, time) of its changes.

    Parameters
    ----------
    movements : list of Movement
        What the fNIRS sees of the movements.
    time : array (time,)
        Sample times [s].
    source, detector : arrays (channel,) of names
        Optodes of each channel.
    wavelengths : int
        Number of wavelengths.
    rng : Generator
        Source of randomness.

    Returns
    -------
    artifact, mask
        Where the mask is False the artifact does not change: it keeps its level.
    """
    sources, source_index = np.unique(source, return_inverse=True)
    detectors, detector_index = np.unique(detector, return_inverse=True)
    detector_index = detector_index + len(sources)
    optodes = len(sources) + len(detectors)
    artifact = np.zeros((len(source), wavelengths, len(time)))
    mask = np.zeros((len(source), len(time)), bool)
    contact = rng.lognormal(0, 0.4, optodes)
    for movement in movements:
        end = movement.onset + movement.duration
        first, last = np.searchsorted(time, [movement.onset, end])
        if first == len(time):
            continue
        chance = np.clip(REACHED * np.sqrt(movement.intensity) * contact, 0.05, 0.95)
        reached = rng.random(optodes) < chance
        if not reached.any():
            continue
        ratio = _wavelength_ratio(optodes, wavelengths, rng)
        peak = PEAK * movement.intensity * contact * rng.lognormal(0, 0.5, optodes) * reached
        shape = _shapes(movement, np.append(time[first:last], end), optodes, wavelengths, rng)
        moved = peak[:, None, None] * ratio[:, :, None] * shape
        channel = moved[source_index] + moved[detector_index]
        artifact[:, :, first:last] += channel[:, :, :-1]
        artifact[:, :, last:] += channel[:, :, -1:]
        # the change into the first quiet sample belongs to the movement
        until = min(last + 1, len(time))
        mask[:, first:until] |= (reached[source_index] | reached[detector_index])[:, None]
    return artifact, mask


def _wavelength_ratio(optodes: int, wavelengths: int, rng: np.random.Generator) -> np.ndarray:
    ratio = WAVELENGTH_RATIO * rng.lognormal(0, 0.3, (optodes, wavelengths))
    ratio[rng.random((optodes, wavelengths)) < 0.06] *= -0.5
    ratio[:, 0] = 1.0
    return ratio


def _shapes(
    movement: Movement,
    time: np.ndarray,
    optodes: int,
    wavelengths: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Unit-size shapes (optode, wavelength, time): spike, oscillation and shift in one."""
    phase = ((time - movement.onset) / movement.duration).clip(0, 1)
    rise = rng.uniform(0.15, 0.9, (optodes, 1))
    ramp = np.clip(phase / rise, 0, 1)
    step = ramp**2 * (3 - 2 * ramp)
    own = movement.waveform(time, draw_waves(rng, movement.type, (optodes,)))
    bump = movement.envelope(time) * (0.6 + 0.5 * own)
    shift = rng.beta(0.7, 0.9, (optodes, 1))  # 0 a pure spike, 1 a pure shift
    sign = rng.choice([-1.0, 1.0], (optodes, 1))
    common = sign * ((1 - shift) * bump + shift * step)
    # what one wavelength sees and the other does not
    waves = movement.waveform(time, draw_waves(rng, movement.type, (optodes, wavelengths)))
    return common[:, None, :] + 0.12 * movement.envelope(time) * waves
