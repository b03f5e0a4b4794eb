"""Real movements of some people in recordings at rest of others, so that the truth is known.

Generated motion is as good as its model; a real movement has no known truth. Added to the recording
at rest of somebody else it has both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

from neurofuse.synth.real_movement import RealMovement, deviation_at_rest

PAUSE = 1.5  # s at least between two movements, and to both ends
SIZE = {"eeg": (0.0, 12.0), "nirs": (8.0, 24.0)}  # dB, smallest and largest
BROUGHT = -8.0  # dB of the donor's own signal that a movement may bring
TRIES = 300  # places that are drawn before a recording counts as full


@dataclass(frozen=True)
class Transplanted:
    """A recording at rest with movements of others: what to clean, and the truth about it.

    Attributes
    ----------
    mixed : array
        The recording with the movements.
    floor : array
        The recording with nothing but the donors' own signals that the movements hold: what a
        perfect cleaner may return.
    motion : bool array (channel, time)
        Where a channel moves.
    placed : list of (int, RealMovement)
        The first sample of each movement.
    """

    mixed: np.ndarray
    floor: np.ndarray
    motion: np.ndarray
    placed: list[tuple[int, RealMovement]]


def transplant(
    signal: np.ndarray,
    rate: float,
    pool: Sequence[RealMovement],
    rng: np.random.Generator,
    modality: str = "eeg",
    *,
    share: float = 0.25,
    size: tuple[float, float] | None = None,
) -> Transplanted:
    """Add movements of others to a recording at rest.

    Each movement is drawn from the pool (donors alike), resampled, given to channels at random
    (what moved together still does, both wavelengths stay together), put at a random place, and
    scaled: large movements become smaller, and what they hold of the donor's own signal with them.

    Parameters
    ----------
    signal : array (channel, time) or (channel, wavelength, time)
        A recording at rest, in the unit and modality of the movements.
    rate : float
        Sampling rate [Hz].
    pool : list of RealMovement
        Of other people: whoever calls sees to that.
    rng : Generator
        Draws all of it.
    modality : {"eeg", "nirs"}
        What the signal is.
    share : float
        Of the time that is in motion, about.
    size : (float, float), optional
        Smallest and largest energy of a movement over the variance at rest (`deviation_at_rest`)
        [dB], in the channels that move; drawn alike in between, by default 0 to 12 (EEG) or 8 to
        24 (fNIRS, whose blood waves are slower than what that variance holds). Smaller than drawn
        where a movement would bring more of the donor's own signal than -8 dB of that variance;
        left out where it then is below the smallest.

    Returns
    -------
    Transplanted

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> still = 1e-5 * rng.standard_normal((2, 5000))
    >>> bump = np.hanning(500)[None] * 1e-4
    >>> made = transplant(still, 250.0, [RealMovement(bump, 0 * bump, 250.0)], rng)
    >>> bool((made.mixed == still)[~made.motion].all()), bool((made.floor == still).all())
    (True, True)
    """
    mixed, floor = signal.astype(float), signal.astype(float)
    motion = np.zeros((len(signal), signal.shape[-1]), bool)
    size = SIZE[modality] if size is None else size
    taken = np.zeros(signal.shape[-1], bool)
    energy = deviation_at_rest(signal, rate, modality) ** 2
    donors = sorted({one.donor for one in pool})
    placed: list[tuple[int, RealMovement]] = []
    pause, moving = round(PAUSE * rate), 0
    for _ in range(TRIES if donors else 0):
        if moving >= share * signal.shape[-1]:
            break
        donor = donors[rng.integers(len(donors))]
        own = [one for one in pool if one.donor == donor]
        one = own[rng.integers(len(own))]
        targets, sources = assigned(one, len(signal), rng)
        artifact, left = (resampled(x[sources], one.rate, rate) for x in (one.artifact, one.own))
        length = artifact.shape[-1]
        if length + 2 * pause >= signal.shape[-1]:
            continue
        start = int(rng.integers(pause, signal.shape[-1] - length - pause))
        stop = start + length
        if taken[start - pause : stop + pause].any():
            continue
        moved = one.moved[sources]
        scale = scale_of(artifact[moved], left[moved], energy[targets][moved].mean(), size, rng)
        if scale is None:
            continue
        for target, added in ((mixed, artifact), (floor, left)):
            target[targets, ..., start:stop] += scale * added
            if modality == "nirs":  # steps stay
                target[targets, ..., stop:] += scale * added[..., -1:]
        motion[targets, start:stop] |= moved[:, None]
        taken[start:stop] = True
        moving += length
        placed.append((start, one))
    return Transplanted(mixed, floor, motion, placed)


def scale_of(
    artifact: np.ndarray,
    own: np.ndarray,
    usual: float,
    size: tuple[float, float],
    rng: np.random.Generator,
) -> float | None:
    """Factor on a movement, so that it has a size drawn from a range.

    Parameters
    ----------
    artifact, own : array (channel, ..., time)
        Of the channels that move; `own` is what they hold of the donor's own signal.
    usual : float
        Variance of the receiver at rest.
    size : (float, float)
        Smallest and largest energy over `usual` [dB].
    rng : Generator
        Draws the size.

    Returns
    -------
    float or None
        None where the movement would bring too much of the donor's own signal.

    Examples
    --------
    >>> ones = np.ones((1, 10))
    >>> scale_of(2 * ones, 0 * ones, 1.0, (0.0, 0.0), np.random.default_rng(0))
    0.5
    """
    wanted, most = 10 ** (rng.uniform(*size) / 10), 10 ** (BROUGHT / 10)
    scale = float(np.sqrt(wanted * usual / (artifact**2).mean()))
    brought = scale**2 * (own**2).mean() / usual
    scale *= float(np.sqrt(min(1.0, most / max(brought, 1e-30))))
    enough = scale**2 * (artifact**2).mean() >= (1 - 1e-9) * 10 ** (size[0] / 10) * usual
    return scale if enough else None


def resampled(signal: np.ndarray, rate: float, target: float) -> np.ndarray:
    """A signal (..., time) at another rate; beyond its ends it is taken to stay at its last value.

    Examples
    --------
    >>> resampled(np.ones((1, 100)), 50.0, 10.0).shape
    (1, 20)
    """
    if rate == target:
        return signal
    ratio = Fraction(target / rate).limit_denominator(500)
    return np.asarray(
        resample_poly(signal, ratio.numerator, ratio.denominator, axis=-1, padtype="edge")
    )


def assigned(
    one: RealMovement, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Channels of the receiver, and for each the channel of the donor; at least one has moved."""
    donors = len(one.artifact)
    while True:
        sources = rng.permutation(donors)[:count]
        if one.moved[sources].any():
            return rng.permutation(count)[: len(sources)], sources
