"""What movement does to fNIRS: optodes lose and regain contact, or settle at another place.

Every source and every detector reacts for itself; a channel sees the sum of its two. Shapes run
from a pure spike (same place again) to a pure shift (another place, which persists until the next
movement). Measured peaks, rise times, shift shares and wavelength ratios: `docs/synth.md`.
"""

from collections.abc import Sequence

import numpy as np

from neurofuse.synth.movement import Movement, bump, draw_waves
from neurofuse.synth.places import directions, reach
from neurofuse.synth.posture import redistribution

PEAK = 0.10  # OD that a typical nod leaves at an optode it reaches
LIGHTLESS = 3.0  # OD at which an optode that has come off sees nothing any more
PEAK_SPREAD = 0.8  # of its logarithm, between the optodes that a movement reaches
REACHED = (0.7, 1.2)  # beta: share of the optodes that a movement reaches
WAYS = 2  # in which an optode can move
AWRY = 0.6  # spread of what a channel sees of each
LENGTH = (0.6, 0.6)  # share of a movement in which an optode moves: median, spread of logarithm
SLUGGISH = 4.0  # Hz up to which an optode with its holder follows the head
SHIFT = (0.7, 0.7)  # beta: a movement's shift relative to its spike
RETURN = (1.2, 5.0)  # beta: share of an earlier shift that a movement undoes
RATIO = (0.80, 0.35)  # 830 nm relative to 690 nm: median, spread of the logarithm
APART = 140.0  # nm between the two wavelengths at which this was measured
PRIVATE = (0.05, 1.3)  # what one wavelength alone sees: median relative size, spread of logarithm


def nirs_artifact(
    movements: list[Movement],
    time: np.ndarray,
    source: Sequence[str],
    detector: Sequence[str],
    wavelength: Sequence[float],
    seed: int,
    *,
    source_position: np.ndarray | None = None,
    detector_position: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Artifact (channel, wavelength, time) [OD] and the mask (channel, time) of its changes.

    What is drawn depends on the seed, the movements and the optodes' names only, not on the order
    of channels or wavelengths.

    Parameters
    ----------
    movements : list of Movement
        What the fNIRS sees of the movements.
    time : array (time,)
        Sample times [s] on the movements' clock.
    source, detector : sequences (channel,) of names
        Optodes of each channel.
    wavelength : sequence of float
        Wavelengths [nm].
    seed : int
        Of the optodes' contact in this recording.
    source_position, detector_position : arrays (channel, 3), optional
        Places [m]; NaN where unknown.

    Returns
    -------
    artifact, mask
        Where the mask is False the artifact does not change: it keeps its level.

    Examples
    --------
    >>> nod = Movement(onset=2.0, duration=1.0, type="nod", intensity=3.0, share=0.0, seed=4)
    >>> time = np.arange(100) / 10
    >>> density, moving = nirs_artifact([nod], time, ["S1"], ["D1"], [760.0, 850.0], seed=1)
    >>> density.shape, bool((np.diff(density)[:, :, ~moving[0, 1:]] == 0).all())
    ((1, 2, 100), True)
    """
    unknown = np.full((len(source), 3), np.nan)
    ends = [
        ("S", source, unknown if source_position is None else source_position),
        ("D", detector, unknown if detector_position is None else detector_position),
    ]
    names, place, index = _optodes(ends)
    rng = np.random.default_rng(seed)
    contact = rng.lognormal(0, 0.4, len(names))
    light = _light_paths(index, rng)
    unit = directions(place)
    artifact = np.zeros((len(source), len(wavelength), len(time)))
    mask = np.zeros((len(source), len(time)), bool)
    resting = np.zeros((len(names), WAYS, len(wavelength)))  # OD at which optodes have settled
    for movement in movements:
        end = movement.onset + movement.duration
        first, last = np.searchsorted(time, [movement.onset, end])
        own = movement.rng("nirs")
        peak = _peaks(movement, contact, unit, own)
        ratio = _ratios(len(names), wavelength, own)
        shape = _shapes(movement, np.append(time[first:last], end), len(names), wavelength, own)
        moved = (peak[:, None] * ratio)[:, None, :, None] * shape
        # an optode that slips often slips back: what had shifted returns in part
        back = own.beta(*RETURN, (len(names), WAYS)) * (peak > 0)[:, None]
        back = back[:, :, None] * resting
        moved -= back[..., None] * _settling(movement, time, first, last, end)
        resting += moved[..., -1]
        if first == len(time) or not peak.any():
            continue
        channel = sum(
            np.einsum("cf,cfwt->cwt", way, moved[at]) for way, at in zip(light, index, strict=True)
        )
        artifact[:, :, first:last] += channel[:, :, :-1]
        artifact[:, :, last:] += channel[:, :, -1:]
        # the change into the first quiet sample belongs to the movement
        until = min(last + 1, len(time))
        mask[:, first:until] |= ((peak[index[0]] > 0) | (peak[index[1]] > 0))[:, None]
    apart = np.linalg.norm(ends[0][2] - ends[1][2], axis=1)
    blood, flowing = redistribution(movements, time, wavelength, apart)
    return artifact + blood, mask | flowing


def _optodes(ends) -> tuple[list[str], np.ndarray, list[np.ndarray]]:
    """Names in a fixed order, places (optode, 3), and each channel's optode, for both ends."""
    names: list[str] = []
    places, index = [], []
    for letter, labels, position in ends:
        found, first, inverse = np.unique(
            np.asarray(labels, str), return_index=True, return_inverse=True
        )
        index.append(inverse + len(names))
        names += [letter + str(label) for label in found]
        places.append(np.asarray(position, float)[first])
    return names, np.concatenate(places), index


def _light_paths(index: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """How much (channel, way) of each way in which its source, its detector move a channel sees.

    An optode that tilts towards one partner turns away from another: channels of one optode share
    a movement in part only.
    """
    order = np.lexsort(index)  # by names, so that the order of channels does not matter
    back = np.argsort(order)
    main = np.array([0.8] + [0.0] * (WAYS - 1))
    return [(main + AWRY * rng.normal(size=(len(order), WAYS)))[back] for _ in index]


def _peaks(
    movement: Movement, contact: np.ndarray, unit: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Size (optode,) [OD] at the shortest wavelength; 0 where the movement does not arrive."""
    share = rng.beta(*REACHED)
    local = reach(movement, unit, rng)
    reached = rng.random(len(contact)) < share * np.minimum(contact, 1.2) * np.minimum(1, 2 * local)
    if movement.kind.place == "touch":  # the touched optode itself never stays out of it
        reached[np.argmax(local)] = True
    size = PEAK * movement.intensity * movement.kind.optode * contact
    size = size * local * rng.lognormal(0, PEAK_SPREAD, len(contact)) * reached
    return LIGHTLESS * np.tanh(size / LIGHTLESS)


def _ratios(optodes: int, wavelength: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Size (optode, wavelength) relative to the shortest wavelength, smooth in wavelength."""
    slope = np.log(RATIO[0]) + RATIO[1] * rng.normal(size=(optodes, 1))
    away = (np.asarray(wavelength, float) - np.min(wavelength)) / APART
    turned = rng.random((optodes, 1)) < 0.05  # now and then the other way round
    return np.exp(slope * away) * np.where(turned & (away > 0), -0.5, 1.0)


def _shapes(
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
    start = private * rng.uniform(0, 1, (*each, 1)) * (1 - length)
    rise = rng.uniform(0.2, 1.0, (*each, 1))
    swing = draw_waves(rng, movement.type, each)
    shift = rng.beta(*SHIFT, (*each, 1))  # 0 a pure spike, 1 a pure shift
    sign = rng.choice([-1.0, 1.0], (*each, 1))

    def phase(at: np.ndarray) -> np.ndarray:
        return (((at - movement.onset) / movement.duration - start) / length).clip(0, 1)

    def common(at: np.ndarray) -> np.ndarray:
        ramp = np.clip(phase(at) / rise, 0, 1)
        spike = bump(phase(at), 0.5) * movement.course(at, swing, SLUGGISH)
        return (1 - shift) * spike + shift * sign * ramp**2 * (3 - 2 * ramp)

    # the size is that of the movement, however few samples of it there are
    fine = movement.onset + movement.duration * np.linspace(0, 1, 100)
    shape = common(time) / np.abs(common(fine)).max(axis=-1, keepdims=True)
    size = rng.lognormal(np.log(PRIVATE[0]), PRIVATE[1], (*each, len(wavelength), 1))
    order = np.argsort(np.argsort(wavelength))  # the draw follows wavelength, not its place
    alone = draw_waves(rng, movement.type, (*each, len(wavelength)))[:, :, order]
    other = movement.course(time, alone, SLUGGISH) * bump(phase(time))[:, :, None, :]
    return shape[:, :, None, :] + np.minimum(size[:, :, order], 1.0) * other


def _settling(
    movement: Movement, time: np.ndarray, first: int, last: int, end: float
) -> np.ndarray:
    """Smooth 0..1 course over the movement, one value longer than its samples."""
    phase = (np.append(time[first:last], end) - movement.onset) / movement.duration
    phase = phase.clip(0, 1)
    return phase**2 * (3 - 2 * phase)
