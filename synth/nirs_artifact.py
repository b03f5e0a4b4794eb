"""Motion artifacts of fNIRS: optodes lose and regain contact, or settle at another place.

Every source and every detector reacts on its own; a channel shows the sum of its two. Time courses
range from a pure spike (the optode returns) to a pure shift (it stays elsewhere until the next
movement). Measured peaks, rise times, shift shares and wavelength ratios: `docs/synth.md`.
"""

from collections.abc import Sequence

import numpy as np

from neurofuse.synth.movement import Movement
from neurofuse.synth.optode import MODES, peaks, ratios, returns, shapes
from neurofuse.synth.posture import redistribution
from neurofuse.synth.sphere import directions

CONTACT_LOG_SD = 0.45  # of how loosely optodes sit
MODE_WEIGHT, MODE_WEIGHT_SD = 0.95, 0.28  # of the modes of its optodes in a channel


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

    What is sampled depends on the seed, the movements and the optodes' names only, not on the order
    of channels or wavelengths.

    Parameters
    ----------
    movements : list of Movement
        The movements as fNIRS shows them.
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
        Where the mask is False the artifact does not change: it keeps its value.

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
    contact = rng.lognormal(0, CONTACT_LOG_SD, len(names))
    light = _light_paths(index, rng)
    unit = directions(place)
    artifact = np.zeros((len(source), len(wavelength), len(time)))
    mask = np.zeros((len(source), len(time)), bool)
    resting = np.zeros((len(names), MODES, len(wavelength)))  # OD at which optodes have settled
    for movement in movements:
        end = movement.onset + movement.duration
        first, last = np.searchsorted(time, [movement.onset, end])
        own = movement.rng("nirs")
        peak = peaks(movement, contact, unit, own)
        ratio = ratios(len(names), wavelength, own)
        at = np.append(time[first:last], end)
        shape = shapes(movement, at, len(names), wavelength, own)
        change = (peak[:, None] * ratio)[:, None, :, None] * shape
        change -= returns(movement, at, peak, own) * resting[..., None]
        resting += change[..., -1]
        if first == len(time) or not peak.any():
            continue
        channel = np.zeros((len(source), len(wavelength), len(at)))
        for weight, i in zip(light, index, strict=True):
            channel += np.einsum("cf,cfwt->cwt", weight, change[i])
        artifact[:, :, first:last] += channel[:, :, :-1]
        artifact[:, :, last:] += channel[:, :, -1:]
        # the change into the first quiet sample belongs to the movement
        until = min(last + 1, len(time))
        mask[:, first:until] |= ((peak[index[0]] > 0) | (peak[index[1]] > 0))[:, None]
    distance = np.linalg.norm(ends[0][2] - ends[1][2], axis=1)
    blood, flowing = redistribution(movements, time, wavelength, distance)
    return artifact + blood, mask | flowing


def _optodes(
    ends: list[tuple[str, Sequence[str], np.ndarray]],
) -> tuple[list[str], np.ndarray, list[np.ndarray]]:
    """Names in a fixed order, places (optode, 3), and each channel's optode, for both ends."""
    names: list[str] = []
    places, index = [], []
    for letter, labels, position in ends:
        unique, first, inverse = np.unique(
            np.asarray(labels, str), return_index=True, return_inverse=True
        )
        index.append(inverse + len(names))
        names += [letter + str(label) for label in unique]
        places.append(np.asarray(position, float)[first])
    return names, np.concatenate(places), index


def _light_paths(index: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Weight (channel, mode) of each mode of its source and of its detector in a channel.

    An optode that tilts towards one channel turns away from another: channels of one optode share
    a movement in part only.
    """
    order = np.lexsort(index)  # by names, so that the order of channels does not matter
    back = np.argsort(order)
    main = MODE_WEIGHT * (np.arange(MODES) == 0)
    return [(main + MODE_WEIGHT_SD * rng.normal(size=(len(order), MODES)))[back] for _ in index]
