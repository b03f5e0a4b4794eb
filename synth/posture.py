"""Redistribution of blood after a change of posture: slow, lasting, and haemodynamic.

Unlike a slipping optode, it follows the absorption of haemoglobin: all channels show much the same,
and the longer wavelength more of the oxygenated part. Its size could not be measured in the
available recordings (`docs/synth.md`): the sizes here are an assumption, similar to slow waves at
rest.
"""

from collections.abc import Sequence

import numpy as np

from neurofuse.io.optics.absorption import absorbs, haemoglobin_to_density
from neurofuse.synth.movement import Movement

CHANCE = {"tilt": 0.12, "nod": 0.04}  # that the new posture is kept
HBO, HBR = 0.7e-6, -0.14e-6  # mol/L
SETTLING = (8.0, 30.0)  # s until blood has settled


def redistribution(
    movements: list[Movement],
    time: np.ndarray,
    wavelength: Sequence[float],
    distance: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Change of optical density (channel, wavelength, time) [OD] and the times (time,) it takes.

    Parameters
    ----------
    movements : list of Movement
        The movements as fNIRS shows them; some of the tilts and nods change the posture.
    time : array (time,)
        Sample times [s] on the movements' clock.
    wavelength : sequence of float
        Wavelengths [nm].
    distance : array (channel,)
        Between source and detector [m]; NaN counts as 3 cm.

    Examples
    --------
    >>> tilts = [Movement(5.0, 1.5, "tilt", 1.0, 0.0, seed) for seed in range(30)]
    >>> density, moving = redistribution(tilts, np.arange(600) / 10, [760, 850], np.array([0.03]))
    >>> density.shape, bool(moving.any())
    ((1, 2, 600), True)
    """
    known = np.array([absorbs(w) for w in wavelength])  # a file may hold 0 nm for "unknown"
    distance = np.where(np.isfinite(distance) & (distance > 0), distance, 0.03)
    density = np.zeros((len(distance), len(wavelength), len(time)))
    changing = np.zeros(len(time), bool)
    one = np.ones((len(distance), 1))
    unit = np.zeros((len(distance), len(wavelength), 1))
    if known.any():
        absorbed = np.asarray(wavelength, float)[known]
        unit[:, known] = haemoglobin_to_density(HBO * one, HBR * one, absorbed, distance)
    posture = 0.0  # lying, sitting, bent: participants return to postures
    for movement in movements:
        rng = np.random.default_rng([movement.seed, 9])
        if rng.random() >= CHANCE.get(movement.type, 0.0):
            continue
        target = rng.normal(0, 1) * min(movement.intensity, 2.0)
        onset = movement.onset + 0.5 * movement.duration
        length = rng.uniform(*SETTLING)
        first, last = np.searchsorted(time, [onset, onset + length])
        phase = np.clip((time[first:] - onset) / length, 0, 1)
        density[:, :, first:] += unit * (target - posture) * phase**2 * (3 - 2 * phase)
        changing[first : last + 1] = True
        posture = target
    return density, changing
