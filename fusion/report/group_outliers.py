"""Which recordings of a study stand out: beyond a limit of their own, or among their like."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurofuse.fusion.report.group_row import Figures, GroupRow

FEW_USABLE = 0.8  # fraction of channels
MUCH_LOST = 0.1  # of channel-time
LEAST = 8  # recordings of a modality and device, to say what is usual
FARTHEST = 3.5  # robust z, after Iglewicz and Hoaglin 1993
CONSISTENT = 0.6745  # MAD of a normal distribution with a standard deviation of 1


@dataclass(frozen=True)
class Measure:
    """A figure by which recordings are compared.

    Attributes
    ----------
    key, title : str
        In tables for computers, and for people.
    value : callable
        From `Figures` to a number, None if not known.
    worse : {-1, 0, 1}
        On which side a value is worse: low, either, high.
    least : float
        Smaller differences from the median never matter.
    """

    key: str
    title: str
    value: Callable[[Figures], float | None]
    worse: int
    least: float


MEASURES = (
    Measure("usable", "usable channels", lambda f: f.usable / f.channels, -1, 0.05),
    Measure("moving", "in motion", lambda f: f.moving, 1, 0.05),
    Measure("lost", "lost", lambda f: f.lost, 1, 0.02),
    Measure("attenuation_db", "attenuation", lambda f: f.attenuation_db, 0, 1.0),
)
QUALITY = {  # by modality
    "eeg": Measure("quality", "size", lambda f: _log(f.quality), 0, 0.15),
    "nirs": Measure("quality", "scalp coupling", lambda f: f.quality, -1, 0.05),
}
"""Sizes of EEG are compared by their logarithm to the base of 10: 0.15 is a factor of 1.4."""


@dataclass(frozen=True)
class Outlier:
    """A figure of one recording that is unusual for its device."""

    row: int
    modality: str
    measure: Measure
    value: float
    median: float
    z: float


def measures_of(modality: str) -> tuple[Measure, ...]:
    """All measures of a modality.

    Examples
    --------
    >>> [measure.title for measure in measures_of("nirs")][-1]
    'scalp coupling'
    """
    return (*MEASURES, QUALITY[modality])


def outliers(rows: Sequence[GroupRow]) -> list[Outlier]:
    """Figures far from the median of recordings of the same modality and device.

    Far is a robust z score, 0.6745 × (value − median) / MAD, beyond 3.5 (Iglewicz and Hoaglin
    1993, How to Detect and Handle Outliers), on the side that is worse, and a difference that
    matters. Where more than half of the values are equal the mean absolute deviation takes the
    place of the MAD. Devices with fewer than 8 recordings are not judged.

    Returns
    -------
    list of Outlier
        The farthest first.
    """
    found = []
    for (modality, _), numbers in by_device(rows).items():
        for measure in measures_of(modality):
            known = {n: measure.value(rows[n].streams[modality]) for n in numbers}
            values = {n: value for n, value in known.items() if value is not None}
            median, scores = robust_z(values)
            for n, z in scores.items():
                gap = values[n] - median
                side = abs(gap) if measure.worse == 0 else gap * measure.worse
                if abs(z) > FARTHEST and side > measure.least:
                    found.append(Outlier(n, modality, measure, values[n], median, z))
    return sorted(found, key=lambda one: (-abs(one.z), one.row))


def robust_z(values: Mapping[int, float]) -> tuple[float, dict[int, float]]:
    """The median of some values, and how far each is from it; nothing of fewer than 8.

    Examples
    --------
    >>> median, z = robust_z(dict(enumerate([1, 2, 3, 4, 5, 6, 7, 80])))
    >>> median, round(z[7], 1), round(z[0], 1)
    (4.5, 25.5, -1.2)
    """
    if len(values) < LEAST:
        return np.nan, {}
    every = np.array(list(values.values()))
    median = float(np.median(every))
    gaps = np.abs(every - median)
    # of equal values for the most part, 1.2533 × the mean of the gaps stands for 1.4826 × the MAD
    spread = np.median(gaps) / CONSISTENT or np.sqrt(np.pi / 2) * np.mean(gaps)
    if not spread:
        return median, {}
    return median, {n: float((value - median) / spread) for n, value in values.items()}


def by_device(rows: Sequence[GroupRow]) -> dict[tuple[str, str], list[int]]:
    """Numbers of the rows with figures, by modality and device."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        for modality in row.streams:
            groups[modality, row.device].append(number)
    return dict(sorted(groups.items()))


def beyond_limits(row: GroupRow) -> dict[str, list[str]]:
    """The measures of a row beyond a limit of their own, by modality.

    Examples
    --------
    >>> few = Figures(10, 5, 5, 250.0, 60.0, 0.1, 0.9, 0.0, 3, 9.0, None)
    >>> beyond_limits(GroupRow("a", "done", streams={"eeg": few}))
    {'eeg': ['usable']}
    """
    found: dict[str, list[str]] = {}
    for modality, of in row.streams.items():
        keys = ["usable"] * (of.usable / of.channels < FEW_USABLE)
        keys += ["lost"] * (of.lost is not None and of.lost > MUCH_LOST)
        if keys:
            found[modality] = keys
    return found


def _log(value: float | None) -> float | None:
    return float(np.log10(value)) if value and value > 0 else None
