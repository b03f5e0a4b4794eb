"""How one optode moves: whether a movement reaches it, how far, and with which time course.

A time course is a spike (the optode returns), a shift (it settles elsewhere), or a mixture of both,
with the movement's oscillation as far as the holder follows. An optode moves in more than one mode,
and each of its channels shows a mixture of them. Numbers were fitted to measured events: see
`docs/measured/synth_realism.md`.
"""

from collections.abc import Sequence

import numpy as np

from neurofuse.synth.movement import Movement, blend, bump, sample_waves
from neurofuse.synth.places import reach

PEAK_OD = 0.062  # that a typical nod causes at an optode it reaches
SATURATION_OD = 1.5  # at which a detached optode receives no light any more
PEAK_LOG_SD = 0.3  # between the optodes that a movement reaches
REACHED_BETA = (0.5, 0.72)  # fraction of the optodes that a movement reaches
COMMON_ENERGY = 0.65  # fraction of the energy of an optode's time course common to all optodes
MODES = 2  # in which an optode can move
DURATION_FRACTION = (0.5, 0.6)  # of a movement in which an optode moves: median, SD of logarithm
HOLDER_CUTOFF_HZ = 0.7  # up to which an optode with its holder follows the head
SHIFT_BETA = (0.3, 0.95)  # a movement's shift relative to its spike
LIGHT_LOSS = 0.75  # fraction of shifts that lose light
RETURN_BETA = (1.5, 3.0)  # fraction of an earlier shift that a movement undoes
WAVELENGTH_RATIO = (0.80, 0.35)  # 830 nm relative to 690 nm: median, SD of the logarithm
WAVELENGTH_STEP_NM = 140.0  # between the two wavelengths of this measurement
WAVELENGTH_SPECIFIC = (0.03, 2.0)  # artifact of one wavelength only: median relative size, log SD


def peaks(
    movement: Movement, contact: np.ndarray, unit: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Size (optode,) [OD] at the shortest wavelength; 0 where the movement does not reach."""
    # strong movements reach further
    fraction = rng.beta(*REACHED_BETA) ** (1 / np.sqrt(movement.intensity))
    local = reach(movement, unit, rng)
    draw = rng.random(len(contact))
    reached = draw < fraction * np.minimum(contact, 1.5) * np.minimum(1, 2 * local)
    if movement.kind.place == "touch":  # always reaches the touched optode
        reached[np.argmax(local)] = True
    size = PEAK_OD * movement.intensity * movement.kind.optode * contact
    size = size * local * rng.lognormal(0, PEAK_LOG_SD, len(contact)) * reached
    return SATURATION_OD * np.tanh(size / SATURATION_OD)


def ratios(optodes: int, wavelength: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Size (optode, wavelength) relative to the shortest wavelength, smooth in wavelength."""
    slope = np.log(WAVELENGTH_RATIO[0]) + WAVELENGTH_RATIO[1] * rng.normal(size=(optodes, 1))
    away = (np.asarray(wavelength, float) - np.min(wavelength)) / WAVELENGTH_STEP_NM
    turned = rng.random((optodes, 1)) < 0.05  # rarely of opposite sign
    return np.exp(slope * away) * np.where(turned & (away > 0), -0.5, 1.0)


def shapes(
    movement: Movement,
    time: np.ndarray,
    optodes: int,
    wavelength: Sequence[float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Time courses (optode, mode, wavelength, time) of maximum 1: spike, oscillation, shift."""
    specific = 1 - movement.share
    each = (optodes, MODES)
    # each optode moves during a part of the movement
    median, spread = DURATION_FRACTION
    length = np.minimum(1.0, rng.lognormal(np.log(median), spread, (*each, 1))) ** specific
    start = specific * _alike(rng, each) * (1 - length)
    rise = 0.1 + 0.85 * _alike(rng, each)
    sign = rng.choice([-1.0, 1.0], (*each, 1, 1)) ** [0, 0, 1]
    alike = sign * sample_waves(rng, movement.type)
    oscillation = blend(alike, sample_waves(rng, movement.type, each), COMMON_ENERGY)
    shift = rng.beta(*SHIFT_BETA, (*each, 1))  # 0 a pure spike, 1 a pure shift
    direction = np.where(rng.random((*each, 1)) < LIGHT_LOSS, 1.0, -1.0)

    def phase(at: np.ndarray) -> np.ndarray:
        return (((at - movement.onset) / movement.duration - start) / length).clip(0, 1)

    def common(at: np.ndarray) -> np.ndarray:
        step = np.clip(phase(at) / rise, 0, 1)
        spike = specific * np.minimum(step, (1 - phase(at)) / (1 - rise))
        spike = spike + movement.share * movement.envelope(at)
        swinging = movement.course(at, oscillation, HOLDER_CUTOFF_HZ)
        return (1 - shift) * spike * swinging + shift * direction * step

    # the size is that of the movement, at any sampling rate
    fine = movement.onset + movement.duration * np.linspace(0, 1, 100)
    shape = common(time) / np.abs(common(fine)).max(axis=-1, keepdims=True)
    median, spread = WAVELENGTH_SPECIFIC
    size = rng.lognormal(np.log(median), spread, (*each, len(wavelength), 1))
    order = np.argsort(np.argsort(wavelength))  # samples follow the wavelength, not its index
    alone = sample_waves(rng, movement.type, (*each, len(wavelength)))[:, :, order]
    other = movement.course(time, alone, HOLDER_CUTOFF_HZ) * bump(phase(time))[:, :, None, :]
    return shape[:, :, None, :] + np.minimum(size[:, :, order], 1.0) * other


def _alike(rng: np.random.Generator, each: tuple[int, int]) -> np.ndarray:
    """Numbers (optode, mode, 1) in 0 to 1, scattered a little around one sampled for all."""
    return np.clip(rng.uniform() + 0.12 * rng.normal(size=(*each, 1)), 0, 1)


def returns(
    movement: Movement, time: np.ndarray, peak: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Fraction (optode, mode, 1, time) of earlier shifts undone: optodes often slip back."""
    each = (len(peak), MODES, 1, 1)
    back = rng.beta(*RETURN_BETA, each) * (peak > 0)[:, None, None, None]
    start, length = rng.uniform(0, 0.6, each), rng.uniform(0.1, 0.4, each)
    phase = (((time - movement.onset) / movement.duration - start) / length).clip(0, 1)
    return back * phase
