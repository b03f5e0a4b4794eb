"""What cleaning changed: how much, where, and how much of it is within detected motion."""

from collections.abc import Callable, Sequence

import numpy as np

from neurofuse.fusion.views.before_after import View
from neurofuse.io.modality import EEG, NIRS, Modality
from neurofuse.io.runs import runs

# OD a sample: above the rounding of intensities kept as float32, far below optical noise
UNCHANGED_OD = 1e-6


def compared(view: View, values: np.ndarray) -> np.ndarray:
    """What of `values` (…, time) is compared before and after: EEG as it is, of fNIRS the steps
    from sample to sample, since its baseline level is arbitrary.

    A corrected level shift therefore counts where the level shifts, not in all that follows.
    """
    if view.modality is NIRS:
        return np.diff(values, axis=-1, prepend=values[..., :1])
    return values


def compared_unit(modality: Modality) -> str:
    """The unit in which changes are shown: µV; OD/sample for steps from sample to sample.

    Examples
    --------
    >>> compared_unit(NIRS)
    'OD/sample'
    """
    return f"{modality.plot_unit}/sample" if modality is NIRS else modality.plot_unit


def change(view: View, index: int) -> np.ndarray:
    """How much a channel was changed (time): EEG |after - before| [V], fNIRS the change of the
    step from sample to sample [OD], the largest over wavelengths. fNIRS steps changed by up to
    `UNCHANGED_OD` have 0: that is rounding."""
    difference = compared(view, view.after[index] - view.before[index])
    size = np.nan_to_num(np.abs(difference)).max(axis=0)
    return np.where(size > UNCHANGED_OD, size, 0.0) if view.modality is NIRS else size


def unchanged_fraction(view: View) -> float:
    """Fraction of the samples (EEG, bit for bit) or of the steps between samples (fNIRS, to
    1e-6 OD) that cleaning left as they were."""
    if view.modality is EEG:
        return float(view.identical.mean())
    fractions = [np.mean(change(view, i) == 0) for i in range(len(view.channel))]
    return float(np.mean(fractions))


def is_identical(view: View) -> bool:
    """Whether all stored samples of a modality are the same, bit for bit."""
    return bool((view.identical == 1).all())


def amplitude(view: View, which: str, where: np.ndarray | None) -> float:
    """Root mean square of a modality over its used channels [V or OD a sample].

    EEG about the channel's median, fNIRS from sample to sample, so that an offset or a corrected
    level does not count. `which` is "before", "after", "truth", or "before-truth", "after-truth"
    for the distance from the truth; `where` (channel, time) restricts it. What is lost never
    counts. NaN where nothing is.
    """
    total, count = 0.0, 0
    name, _, subtract = which.partition("-")
    for index in np.flatnonzero(view.used).tolist():
        values = getattr(view, name)[index]
        if subtract:
            values = values - getattr(view, subtract)[index]
        elif view.modality is EEG:
            values = values - _median(view.before[index])
        values = compared(view, values)
        measured = None if view.lost is None else ~view.lost[index]
        if where is not None:
            measured = where[index] if measured is None else where[index] & measured
        if measured is not None:
            values = values[:, measured]
        values = values[np.isfinite(values)]
        total, count = total + float(np.sum(values**2)), count + values.size
    return float(np.sqrt(total / count)) if count else float("nan")


def _median(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else 0.0


def stretches(mask: np.ndarray, time: np.ndarray, rate: float) -> list[tuple[float, float]]:
    """Intervals (start, stop) [s] in which `mask` (time) is true.

    Examples
    --------
    >>> stretches(np.array([False, True, True, False]), np.arange(4) / 2, 2.0)
    [(0.5, 1.5)]
    """
    return [(float(time[a]), float(time[b - 1] + 1 / rate)) for a, b in runs(mask)]


def carpet(view: View, row: Callable[[int], np.ndarray], columns: int = 1000) -> np.ndarray:
    """(channel, bin): the largest value of `row(channel index)` (time) in up to `columns` bins."""
    samples = len(view.time)
    starts = np.unique(np.linspace(0, samples, min(columns, samples), endpoint=False).astype(int))
    return np.array(
        [np.maximum.reduceat(row(i).astype(np.float32), starts) for i in range(len(view.channel))]
    )


def strongest(views: Sequence[View], width: float = 20.0) -> tuple[float, float, str]:
    """Where to look closely: (start, stop [s], what is there).

    The `width` seconds around the largest change, in both modalities together; without any change
    around the motion of most channels; without either the middle of the recording.
    """
    start = min(float(view.time[0]) for view in views)
    stop = max(float(view.time[-1] + 1 / view.rate) for view in views)
    seconds = max(1, int(np.ceil(stop - start)))

    def around(centre: float, reason: str) -> tuple[float, float, str]:
        low = max(start, min(centre - width / 2, stop - width))
        return low, min(stop, low + width), reason

    changes = [(view, lambda i, view=view: change(view, i)) for view in views]
    masked = [(view, view.in_motion) for view in views]
    masks = [(view, lambda i, m=mask: m[i]) for view, mask in masked if mask is not None]
    for reason, rows in (("the largest change", changes), ("the motion of most channels", masks)):
        courses = [_by_second(view, row, start, seconds) for view, row in rows]
        score = np.sum([np.zeros(seconds), *courses], axis=0)
        if score.any():
            smooth = np.convolve(score, np.ones(min(5, seconds)), "same")
            return around(start + float(np.argmax(smooth)) + 0.5, reason)
    return around((start + stop) / 2, "the middle")


def _by_second(
    view: View, row: Callable[[int], np.ndarray], start: float, seconds: int
) -> np.ndarray:
    """The mean course of `row` over used channels, at most 1, in each second from `start` on."""
    sizes = carpet(view, row, columns=seconds)[view.used]
    if not sizes.size or not sizes.max():
        return np.zeros(seconds)
    profile = np.sqrt(sizes / sizes.max()).mean(axis=0)
    at = np.linspace(view.time[0], view.time[-1], len(profile)) - start
    return np.interp(np.arange(seconds) + 0.5, at, profile, left=0, right=0) / profile.max()
