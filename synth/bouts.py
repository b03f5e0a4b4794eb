"""When participants move: bouts of movements, and how each movement appears in each modality.

Bouts come at random, movements follow one another inside a bout, and participants differ in how
often and how strongly they move (measured rates, pauses and bouts: `docs/synth.md`).
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import EEG, NIRS
from neurofuse.synth.movement import SHARE, TYPES, Movement

BOUTS_PER_MINUTE = 3.1
MOVEMENTS_PER_BOUT = 14.0
PAUSE = (1.1, 0.9)  # s between movements of a bout: median, spread of its logarithm
INTENSITY_LOG_SD = 0.65  # of the logarithm, from movement to movement
LARGEST_INTENSITY = 4.0
INTENSITY_EXPONENT = 0.5  # of a movement's length
PARTICIPANT_LOG_SD = 0.25  # of the logarithm of a participant's rate and strength
EEG_DURATION = (0.35, 0.9)  # of a movement's; optodes stay displaced for all of it
LARGEST_LAG = 0.3  # s by which one modality may show movements before the other
SAME_KIND = 0.7  # chance that the next movement of a bout is of the same kind
SHORTEST, LONGEST = 0.15, 30.0  # s, of a movement


def sample_movements(
    duration: float,
    rng: np.random.Generator,
    share: str = "timing",
    *,
    types: Iterable[str] | None = None,
    bouts_per_minute: float | None = None,
    lag: float | None = None,
) -> dict[str, list[Movement]]:
    """Sample the movements in `duration` seconds, of the head and as each modality shows them.

    Parameters
    ----------
    duration : float
        Length [s] to fill.
    rng : Generator
        Source of randomness.
    share : {"none", "timing", "partial", "full"}
        "none": each modality has movements of its own. "timing": onset and intensity are shared,
        time courses are not. "partial" and "full": the time course is shared too.
    types : names out of `TYPES`, optional
        Kinds of movement; all by default, as often as in seated participants.
    bouts_per_minute : float, optional
        How often a bout of movement begins; sampled per participant by default.
    lag : float, optional
        Delay [s] of movements in fNIRS; sampled from -0.3 to 0.3 s by default.

    Returns
    -------
    dict
        "eeg" and "nirs": movements in order of onset as these modalities show them; "head": all
        movements. Some appear in one modality only, some in neither.

    Raises
    ------
    ParameterError
        For an unknown share or type, a negative rate, or a lag that is not a number.

    Examples
    --------
    >>> seen = sample_movements(600.0, np.random.default_rng(0), types=["nod", "jaw"])
    >>> len(seen["head"]) >= len(seen["eeg"]) > 0
    True
    """
    chosen = check_motion(share, types, bouts_per_minute, lag)
    pace, strength = np.exp(rng.normal(0, PARTICIPANT_LOG_SD, 2))
    rate = BOUTS_PER_MINUTE * pace if bouts_per_minute is None else bouts_per_minute
    late = rng.uniform(-LARGEST_LAG, LARGEST_LAG) if lag is None else lag

    def sequence() -> list[Movement]:
        return _sequence(duration, rng, SHARE[share], chosen, rate, strength)

    if share == "none":
        of_eeg, of_nirs = sequence(), sequence()
        return {
            EEG.name: _shown(of_eeg, late, rng)[EEG.name],
            NIRS.name: _shown(of_nirs, late, rng)[NIRS.name],
            "head": sorted([*of_eeg, *of_nirs], key=lambda m: m.onset),
        }
    head = sequence()
    return {**_shown(head, late, rng), "head": head}


def _shown(
    head: list[Movement], late: float, rng: np.random.Generator
) -> dict[str, list[Movement]]:
    """Movements of the head as EEG and fNIRS show them, the latter `late` seconds later."""
    shown: dict[str, list[Movement]] = {EEG.name: [], NIRS.name: []}
    for movement in head:
        strength = np.exp(rng.normal(0, 0.4, 2))
        stretch = np.exp(rng.normal(0, 0.15))
        visible = rng.random(2) < movement.kind.chance
        if visible[0]:
            part = 1 - (1 - movement.share) * (1 - rng.uniform(*EEG_DURATION))
            shown[EEG.name].append(
                replace(
                    movement,
                    duration=movement.duration * part,
                    intensity=movement.intensity * strength[0],
                )
            )
        if visible[1]:
            shown[NIRS.name].append(
                replace(
                    movement,
                    onset=max(movement.onset + late, 0.0),
                    duration=movement.duration * stretch,
                    intensity=movement.intensity * strength[1],
                )
            )
    return shown


def check_motion(
    share: str, types: Iterable[str] | None, bouts_per_minute: float | None, lag: float | None
) -> list[str]:
    """The kinds of movement to sample from, if all four options are valid.

    Raises
    ------
    ParameterError
        See `sample_movements`.
    """
    if share not in SHARE:
        raise ParameterError(
            f"share={share!r}", f"one of {', '.join(SHARE)}", "choose one of these"
        )
    chosen = list(TYPES) if types is None else [types] if isinstance(types, str) else list(types)
    unknown = [t for t in chosen if t not in TYPES]
    if unknown or not chosen:
        raise ParameterError(
            f"types={chosen}", f"names out of {', '.join(TYPES)}", "leave types out for all kinds"
        )
    if bouts_per_minute is not None and not 0 <= bouts_per_minute <= 60:
        raise ParameterError(
            f"bouts_per_minute={bouts_per_minute}", "0 to 60", "about 2 are usual at rest"
        )
    if lag is not None and not -10 <= lag <= 10:
        raise ParameterError(f"lag={lag}", "-10 to 10 s", "streams on one clock: -0.3 to 0.3 s")
    return chosen


def _sequence(
    duration: float,
    rng: np.random.Generator,
    share: float,
    types: list[str],
    bouts_per_minute: float,
    strength: float,
) -> list[Movement]:
    """Movements in order of onset, without overlap."""
    weight = np.array([TYPES[t].weight for t in types])
    weight = weight / weight.sum()
    movements: list[Movement] = []
    pause = 60.0 / bouts_per_minute if bouts_per_minute > 0 else np.inf
    onset = rng.exponential(pause) if pause < np.inf else np.inf
    while onset < duration - SHORTEST:
        kind = str(rng.choice(types, p=weight))
        for _ in range(rng.geometric(1 / MOVEMENTS_PER_BOUT)):
            median, spread = TYPES[kind].length
            length = float(np.clip(rng.lognormal(np.log(median), spread), SHORTEST, LONGEST))
            length = min(length, duration - onset)
            if length < SHORTEST:
                break
            intensity = strength * rng.lognormal(0, INTENSITY_LOG_SD)
            intensity *= (min(length, 3 * median) / median) ** INTENSITY_EXPONENT
            intensity = min(intensity, LARGEST_INTENSITY)
            seed = int(rng.integers(2**62))
            movements.append(Movement(float(onset), length, kind, float(intensity), share, seed))
            onset += length + rng.lognormal(np.log(PAUSE[0]), PAUSE[1])
            if rng.random() > SAME_KIND:
                kind = str(rng.choice(types, p=weight))
        onset += rng.exponential(pause)
    return movements
