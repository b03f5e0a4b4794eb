"""How one optode moves: whether a movement reaches it, how far, and in which shape.

A shape is a spike (the optode comes back), a shift (it settles elsewhere), or anything between,
with the movement's swinging in it, as far as a holder follows. An optode can move in more than one
way, and each of its channels sees a mixture. Numbers were fitted to measured events: see
`docs/synth_realism.md`.
"""

from collections.abc import Sequence

import numpy as np

from neurofuse.synth.movement import Movement, blend, bump, draw_waves
from neurofuse.synth.places import reach

PEAK = 0.062  # OD that a typical nod leaves at an optode it reaches
LIGHTLESS = 1.5  # OD at which an optode that has come off sees nothing any more
PEAK_SPREAD = 0.3  # of its logarithm, between the optodes that a movement reaches
REACHED = (0.5, 0.72)  # beta: share of the optodes that a movement reaches
KIN = 0.65  # of the energy of an optode's course that all optodes have in common
WAYS = 2  # in which an optode can move
LENGTH = (0.5, 0.6)  # share of a movement in which an optode moves: median, spread of logarithm
SLUGGISH = 0.7  # Hz up to which an optode with its holder follows the head
SHIFT = (0.3, 0.95)  # beta: a movement's shift relative to its spike
LOSS = 0.75  # share of shifts that lose light
RETURN = (1.5, 3.0)  # beta: share of an earlier shift that a movement undoes
RATIO = (0.80, 0.35)  # 830 nm relative to 690 nm: median, spread of the logarithm
APART = 140.0  # nm between the two wavelengths at which this was measured
PRIVATE = (0.03, 2.0)  # what one wavelength alone sees: median relative size, spread of logarithm


def peaks(
    movement: Movement, contact: np.ndarray, unit: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Size (optode,) [OD] at the shortest wavelength; 0 where the movement does not arrive."""
    share = rng.beta(*REACHED) ** (1 / np.sqrt(movement.intensity))  # strong ones reach further
    local = reach(movement, unit, rng)
    reached = rng.random(len(contact)) < share * np.minimum(contact, 1.5) * np.minimum(1, 2 * local)
    if movement.kind.place == "touch":  # the touched optode itself never stays out of it
        reached[np.argmax(local)] = True
    size = PEAK * movement.intensity * movement.kind.optode * contact
    size = size * local * rng.lognormal(0, PEAK_SPREAD, len(contact)) * reached
    return LIGHTLESS * np.tanh(size / LIGHTLESS)


def ratios(optodes: int, wavelength: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Size (optode, wavelength) relative to the shortest wavelength, smooth in wavelength."""
    slope = np.log(RATIO[0]) + RATIO[1] * rng.normal(size=(optodes, 1))
    away = (np.asarray(wavelength, float) - np.min(wavelength)) / APART
    turned = rng.random((optodes, 1)) < 0.05  # now and then the other way round
    return np.exp(slope * away) * np.where(turned & (away > 0), -0.5, 1.0)


def shapes(
    movement: Movement,
    time: np.ndarray,
    optodes: int,
    wavelength: Sequence[float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Shapes (optode, way, wavelength, time) of largest value 1: spike, swing and shift in one."""
    private = 1 - movement.share
    each = (optodes, WAYS)
    # each optode moves during a part of the movement
    length = np.minimum(1.0, rng.lognormal(np.log(LENGTH[0]), LENGTH[1], (*each, 1))) ** private
    start = private * _alike(rng, each) * (1 - length)
    rise = 0.1 + 0.85 * _alike(rng, each)
    kin = rng.choice([-1.0, 1.0], (*each, 1, 1)) ** [0, 0, 1] * draw_waves(rng, movement.type)
    swing = blend(kin, draw_waves(rng, movement.type, each), KIN)
    shift = rng.beta(*SHIFT, (*each, 1))  # 0 a pure spike, 1 a pure shift
    sign = np.where(rng.random((*each, 1)) < LOSS, 1.0, -1.0)

    def phase(at: np.ndarray) -> np.ndarray:
        return (((at - movement.onset) / movement.duration - start) / length).clip(0, 1)

    def common(at: np.ndarray) -> np.ndarray:
        step = np.clip(phase(at) / rise, 0, 1)
        spike = private * np.minimum(step, (1 - phase(at)) / (1 - rise))
        spike = spike + movement.share * movement.envelope(at)
        return (1 - shift) * spike * movement.course(at, swing, SLUGGISH) + shift * sign * step

    # the size is that of the movement, however few samples of it there are
    fine = movement.onset + movement.duration * np.linspace(0, 1, 100)
    shape = common(time) / np.abs(common(fine)).max(axis=-1, keepdims=True)
    size = rng.lognormal(np.log(PRIVATE[0]), PRIVATE[1], (*each, len(wavelength), 1))
    order = np.argsort(np.argsort(wavelength))  # the draw follows wavelength, not its place
    alone = draw_waves(rng, movement.type, (*each, len(wavelength)))[:, :, order]
    other = movement.course(time, alone, SLUGGISH) * bump(phase(time))[:, :, None, :]
    return shape[:, :, None, :] + np.minimum(size[:, :, order], 1.0) * other


def _alike(rng: np.random.Generator, each: tuple[int, int]) -> np.ndarray:
    """Numbers (optode, way, 1) in 0..1 that are near one another, around one drawn for all."""
    return np.clip(rng.uniform() + 0.12 * rng.normal(size=(*each, 1)), 0, 1)


def returns(
    movement: Movement, time: np.ndarray, peak: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Share (optode, way, 1, time) of earlier shifts undone: what slips often slips back."""
    each = (len(peak), WAYS, 1, 1)
    back = rng.beta(*RETURN, each) * (peak > 0)[:, None, None, None]
    start, length = rng.uniform(0, 0.6, each), rng.uniform(0.1, 0.4, each)
    phase = (((time - movement.onset) / movement.duration - start) / length).clip(0, 1)
    return back * phase
