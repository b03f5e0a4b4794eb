"""Event pulses that both streams recorded → the clock of one against the other.

Pulses may be missing or spurious in either stream, their counts may differ, offset and drift are
unknown. The best line must pass four tests: most pulses match, the match is no coincidence, it is
no echo of another line (evenly spaced pulses), and the pulses lie near the line.
"""

from collections.abc import Sequence

import numpy as np

from neurofuse.io.clock.coincidence import (
    echo_chance,
    lag_between,
    regular_chance,
    scattered_chance,
)
from neurofuse.io.clock.line import LARGEST_DRIFT
from neurofuse.io.clock.trains import FEWEST_ANCHORS, TOLERANCE, Match, Trains, matches
from neurofuse.io.clock_model import REMEDY, ClockModel
from neurofuse.io.errors import AlignmentError

LARGEST_RESIDUAL = 0.1  # s, standard deviation of the matched pulses about their line
LEAST_MATCHED = 1 / 3  # of the pulses of the shorter train, where both trains run
LARGEST_CHANCE = 1e-3  # expected number of lines that match as well by coincidence
RIVAL_CHANCE = 0.1  # a rival expected more often by coincidence is ignored
LARGEST_ECHO_CHANCE = 1e-3  # that another line is true and the best one its echo
MOST_PULSES = 5000  # of each stream, from its start
IGNORED = ("bad", "edge", "boundary", "new segment", "motion/", "comment/no usb", "sync status")

Pulse = tuple[float, str]


def match_pulses(eeg: Sequence[Pulse], nirs: Sequence[Pulse]) -> ClockModel:
    """Offset and drift from pulses that both streams recorded.

    Names must agree where both streams use the same ones; if no match is found that way, times
    alone decide.

    Parameters
    ----------
    eeg, nirs : sequences of (onset [s], name)
        In each stream's own time.

    Returns
    -------
    ClockModel
        Offset and drift with 95 % confidence intervals, and the scatter of the matched pulses.

    Raises
    ------
    AlignmentError
        With fewer than 3 matched pulses or fewer than a third of them, with a match that may be a
        coincidence, with another line that may be the true one (evenly spaced pulses), with a
        residual above 0.1 s or a drift beyond 500 ppm.

    Examples
    --------
    >>> train = [(t, "go") for t in (3.0, 9.5, 20.1, 42.7)]
    >>> late = [(t - 2, name) for t, name in train]
    >>> clock = match_pulses(train, late)
    >>> round(clock.offset, 6), clock.anchors
    (2.0, 4)
    """
    a, b = usable(eeg), usable(nirs)
    if min(len(a), len(b)) < FEWEST_ANCHORS:
        raise AlignmentError(
            f"{len(a)} event pulses in the EEG and {len(b)} in the fNIRS",
            f"at least {FEWEST_ANCHORS} in both",
            REMEDY,
        )
    y, x = np.array([t for t, _ in a]), np.array([t for t, _ in b])
    names = _shared_names([n for _, n in a], [n for _, n in b])
    if names is not None:
        try:
            return _matched(Trains(y, x, *names))
        except AlignmentError:  # one device may name its pulses in another way
            pass
    return _matched(Trains(y, x, np.zeros(len(y), int), np.zeros(len(x), int)))


def usable(pulses: Sequence[Pulse]) -> list[Pulse]:
    """Pulses in order, each once, without the marks of recording software (BAD_gap, boundary …)."""
    kept = [(t, n) for t, n in pulses if not n.lower().startswith(IGNORED)]
    return sorted(dict.fromkeys(kept))[:MOST_PULSES]


def _matched(trains: Trains) -> ClockModel:
    candidates = matches(trains)
    if not candidates:
        raise AlignmentError(
            f"{len(trains.y)} pulses in the EEG and {len(trains.x)} in the fNIRS, of which fewer "
            f"than {FEWEST_ANCHORS} match at any offset",
            f"at least {FEWEST_ANCHORS} pulses with the same intervals",
            REMEDY,
        )
    best = min(candidates, key=lambda match: scattered_chance(trains, match))
    clock, count = best.clock, len(best.pairs)
    in_y, in_x = (int(v.sum()) for v in trains.inside(clock, TOLERANCE))
    chance = max(scattered_chance(trains, best), regular_chance(trains, best))
    if chance > np.log(LARGEST_CHANCE) or count < LEAST_MATCHED * min(in_y, in_x):
        raise AlignmentError(
            f"{count} pulses that match at an offset of {clock.offset:.2f} s, of {in_y} in the EEG "
            f"and {in_x} in the fNIRS where both run: by coincidence {_number(chance)} such "
            "matches are expected",
            "at least a third of the pulses, and fewer than "
            f"{LARGEST_CHANCE:g} matches expected by coincidence",
            REMEDY,
        )
    _refuse_echoes(trains, best, candidates)
    if clock.residual > LARGEST_RESIDUAL:
        raise AlignmentError(
            f"{count} matching pulses that scatter by {1e3 * clock.residual:.0f} ms about their "
            "line",
            f"at most {1e3 * LARGEST_RESIDUAL:.0f} ms",
            REMEDY,
        )
    width = clock.drift_interval[1] - clock.drift_interval[0]
    if abs(clock.drift) > LARGEST_DRIFT + width:
        raise AlignmentError(
            f"clocks that drift apart by {clock.drift:.0f} ppm, from {count} matching pulses",
            f"at most {LARGEST_DRIFT:.0f} ppm",
            f"check the sampling rates that the files state, or {REMEDY}",
        )
    return clock


def _refuse_echoes(trains: Trains, best: Match, candidates: list[Match]) -> None:
    for rival in candidates:
        lag = lag_between(trains, best, rival)
        same = abs(lag) <= max(4 * best.clock.residual, 4e-3)
        if same or len(rival.pairs) < LEAST_MATCHED * len(best.pairs):
            continue
        if scattered_chance(trains, rival) > np.log(RIVAL_CHANCE):
            continue
        if echo_chance(trains, best, rival) > LARGEST_ECHO_CHANCE:
            raise AlignmentError(
                f"{len(best.pairs)} pulses that match at an offset of {best.clock.offset:.2f} s "
                f"and {len(rival.pairs)} that match {abs(lag):.2f} s away from it: the pulse "
                "intervals repeat",
                "pulse intervals or names that fit one offset only",
                REMEDY,
            )


def _shared_names(a: list[str], b: list[str]) -> tuple[np.ndarray, np.ndarray] | None:
    """A number for each pulse's name where both trains share enough names, -1 and -2 for others."""
    short_a, short_b = [short_name(n) for n in a], [short_name(n) for n in b]
    shared = sorted(set(short_a) & set(short_b))
    if min(sum(n in shared for n in names) for names in (short_a, short_b)) < FEWEST_ANCHORS:
        return None
    number = {name: i for i, name in enumerate(shared)}
    return (
        np.array([number.get(n, -1) for n in short_a]),
        np.array([number.get(n, -2) for n in short_b]),
    )


def short_name(name: str) -> str:
    """The bare name: "Stimulus/S  1", "S1", "1.0" and "1" are one."""
    tail = name.rsplit("/", 1)[-1].replace(" ", "").lower()
    digits = tail[1:] if tail[:1] in "srt" and tail[1:].isdigit() else tail
    return digits.removesuffix(".0").lstrip("0") or "0"


def _number(log: float) -> str:
    """A number from its natural logarithm: "2e-07", "40"."""
    return f"{np.exp(log):.2g}" if log > -700 else f"1e{log / np.log(10):.0f}"
