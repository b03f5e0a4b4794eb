"""Real movements of other people in training windows, at the times of generated ones.

No generator makes the courses of real movements. Put where the generator has its movements, they
keep what both modalities share of timing.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from neurofuse.models.training.movers import eeg_movements, nirs_movements
from neurofuse.synth.movement import Movement
from neurofuse.synth.real_movement import RealMovement
from neurofuse.synth.transplant import SIZE, assigned, resampled, scale_of

TRIED = 4  # real movements, of which the one of most similar length takes a generated one's place

MOVEMENTS: dict[str, Callable[[str], Iterable[RealMovement]]] = {
    "eeg": eeg_movements,
    "nirs": nirs_movements,
}


def load_movements(part: str, stream: str) -> dict[str, list[RealMovement]]:
    """The real movements of a part of the split, by donor."""
    donors: dict[str, list[RealMovement]] = {}
    for one in MOVEMENTS[stream](part):
        donors.setdefault(one.donor, []).append(one)
    return donors


def transplants(
    movements: Sequence[Movement],
    donors: dict[str, list[RealMovement]],
    at_rest: np.ndarray,
    time: np.ndarray,
    stream: str,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Real movements of one donor at the onsets of generated ones.

    Parameters
    ----------
    movements : sequence of Movement
        Generated ones, which give onsets and about the lengths.
    donors : dict of list of RealMovement
        One of them is drawn.
    at_rest : array (channel[, wavelength])
        Variance of the receiver at rest, relative to which sizes are drawn (`transplant`).
    time : array (time,)
        Of the window [s].
    stream : {"eeg", "nirs"}
        The modality.
    rng : Generator
        Draws donor, movements, channels and sizes.

    Returns
    -------
    artifact : array (channel[, wavelength], time)
    mask : bool array (channel, time)
    """
    artifact = np.zeros((*at_rest.shape, len(time)))
    mask = np.zeros((len(at_rest), len(time)), bool)
    rate = float(1 / (time[1] - time[0]))
    own = donors[sorted(donors)[rng.integers(len(donors))]]
    free = 0
    for movement in movements:
        start = int(np.searchsorted(time, movement.onset))
        picked = [own[k] for k in rng.integers(len(own), size=TRIED)]
        one = min(picked, key=lambda p: abs(p.artifact.shape[-1] / p.rate - movement.duration))
        targets, sources = assigned(one, len(at_rest), rng)
        added, left = (resampled(x[sources], one.rate, rate) for x in (one.artifact, one.own))
        moved = one.moved[sources]
        if start < free or start >= len(time) or not (added[moved] ** 2).any():
            continue
        usual = float(at_rest[targets][moved].mean())
        scale = scale_of(added[moved], left[moved], usual, SIZE[stream], rng)
        if scale is None:
            continue
        added = scale * added[..., : len(time) - start]
        stop = free = start + added.shape[-1]
        artifact[targets, ..., start:stop] += added
        if stream == "nirs":  # steps stay
            artifact[targets, ..., stop:] += added[..., -1:]
        mask[targets, start:stop] |= moved[:, None]
    return artifact, mask
