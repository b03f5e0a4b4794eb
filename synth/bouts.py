"""When people move: bouts of movements, and what of each movement every stream gets to see.

Bouts come at random, movements follow one another inside a bout, and people differ in how often
and how strongly they move (measured rates, gaps and bouts: `docs/synth.md`).
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from neurofuse.io.errors import ParameterError
from neurofuse.synth.movement import SHARE, TYPES, Movement

BOUTS_PER_MINUTE = 3.1
MOVEMENTS_PER_BOUT = 14.0
PAUSE = (1.1, 0.9)  # s between movements of a bout: median, spread of its logarithm
INTENSITY_SPREAD = 0.65  # of its logarithm, from movement to movement
STRONGEST = 4.0  # intensity
LONGER_IS_STRONGER = 0.5  # power of its length with which its intensity grows
PERSON_SPREAD = 0.25  # of the logarithm of a person's rate and strength
MOVING = (0.35, 0.9)  # share of a movement in which electrodes move; optodes stay displaced
LAG = 0.3  # s by which one stream may see movements before the other
KEEP_TYPE = 0.7  # that the next movement of a bout is of the same kind
SHORTEST, LONGEST = 0.15, 30.0  # s


def draw_movements(
    duration: float,
    rng: np.random.Generator,
    share: str = "timing",
    *,
    types: Iterable[str] | None = None,
    bouts_per_minute: float | None = None,
    lag: float | None = None,
) -> dict[str, list[Movement]]:
    """Draw what moves in `duration` seconds, as the head does it and as each stream sees it.

    Parameters
    ----------
    duration : float
        Length [s] to fill.
    rng : Generator
        Source of randomness.
    share : {"none", "timing", "partial", "full"}
        "none": each stream has movements of its own. "timing": moments and intensity are shared,
        courses are not. "partial" and "full": the course is shared too.
    types : names out of `TYPES`, optional
        Kinds of movement; all by default, as often as seated people make them.
    bouts_per_minute : float, optional
        How often somebody begins to move; drawn for a person by default.
    lag : float, optional
        Seconds by which fNIRS sees a movement later; drawn from -0.3 to 0.3 s by default.

    Returns
    -------
    dict
        "eeg" and "nirs": movements in order of onset as these streams see them; "head": all that
        happened. Some movements leave no trace in one of the streams, or in either.

    Raises
    ------
    ParameterError
        For an unknown share or type, a negative rate, or a lag that is no number.

    Examples
    --------
    >>> seen = draw_movements(600.0, np.random.default_rng(0), types=["nod", "jaw"])
    >>> len(seen["head"]) >= len(seen["eeg"]) > 0
    True
    """
    chosen = check_motion(share, types, bouts_per_minute, lag)
    pace, vigour = np.exp(rng.normal(0, PERSON_SPREAD, 2))
    rate = BOUTS_PER_MINUTE * pace if bouts_per_minute is None else bouts_per_minute
    late = rng.uniform(-LAG, LAG) if lag is None else lag

    def sequence():
        return _sequence(duration, rng, SHARE[share], chosen, rate, vigour)

    if share == "none":
        mine, other = sequence(), sequence()
        head = sorted([*mine, *other], key=lambda m: m.onset)
        return {
            "eeg": _seen(mine, late, rng)["eeg"],
            "nirs": _seen(other, late, rng)["nirs"],
            "head": head,
        }
    head = sequence()
    return {**_seen(head, late, rng), "head": head}


def _seen(head: list[Movement], late: float, rng: np.random.Generator) -> dict[str, list[Movement]]:
    """What EEG and fNIRS see of movements, the latter `late` seconds later."""
    seen: dict[str, list[Movement]] = {"eeg": [], "nirs": []}
    for movement in head:
        strength = np.exp(rng.normal(0, 0.4, 2))
        stretch = np.exp(rng.normal(0, 0.15))
        shown = rng.random(2) < movement.kind.chance
        if shown[0]:
            part = 1 - (1 - movement.share) * (1 - rng.uniform(*MOVING))
            seen["eeg"].append(
                replace(
                    movement,
                    duration=movement.duration * part,
                    intensity=movement.intensity * strength[0],
                )
            )
        if shown[1]:
            seen["nirs"].append(
                replace(
                    movement,
                    onset=max(movement.onset + late, 0.0),
                    duration=movement.duration * stretch,
                    intensity=movement.intensity * strength[1],
                )
            )
    return seen


def check_motion(
    share: str, types: Iterable[str] | None, bouts_per_minute: float | None, lag: float | None
) -> list[str]:
    """The kinds of movement to draw from, after all four were found possible.

    Raises
    ------
    ParameterError
        See `draw_movements`.
    """
    if share not in SHARE:
        raise ParameterError(
            f"share={share!r}", f"one of {', '.join(SHARE)}", "choose one of these"
        )
    chosen = list(TYPES) if types is None else [types] if isinstance(types, str) else list(types)
    unknown = [t for t in chosen if t not in TYPES]
    if unknown or not chosen:
        raise ParameterError(
            f"types={chosen}", f"names out of {', '.join(TYPES)}", "leave types out to draw all"
        )
    if bouts_per_minute is not None and not 0 <= bouts_per_minute <= 60:
        raise ParameterError(
            f"bouts_per_minute={bouts_per_minute}", "0 to 60", "people at rest: about 2"
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
    vigour: float,
) -> list[Movement]:
    """Movements in order of onset, none over another."""
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
            intensity = vigour * rng.lognormal(0, INTENSITY_SPREAD)
            intensity *= (min(length, 3 * median) / median) ** LONGER_IS_STRONGER
            intensity = min(intensity, STRONGEST)
            seed = int(rng.integers(2**62))
            movements.append(Movement(float(onset), length, kind, float(intensity), share, seed))
            onset += length + rng.lognormal(np.log(PAUSE[0]), PAUSE[1])
            if rng.random() > KEEP_TYPE:
                kind = str(rng.choice(types, p=weight))
        onset += rng.exponential(pause)
    return movements
