"""What cleaning did to each modality, in numbers."""

from dataclasses import dataclass

import numpy as np

from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.changes import amplitude, stretches, unchanged_fraction


@dataclass(frozen=True)
class CleaningSummary:
    """Figures of one modality.

    Attributes
    ----------
    motion_seconds : float or None
        For how long some channel was in motion [s]; None where that is not known.
    motion_intervals : int
        In how many intervals.
    unchanged : float
        Fraction of the samples (fNIRS: of the steps between samples) that is as it was.
    identical : float
        Fraction of the stored samples that is the same, bit for bit.
    rms_in_motion, rms_elsewhere : (float, float)
        Root mean square before and after [µV; OD from sample to sample], NaN if unknown.
    rms_error : (float, float) or None
        Of the distance from the truth, in motion; None without a truth.
    """

    motion_seconds: float | None
    motion_intervals: int
    unchanged: float
    identical: float
    rms_in_motion: tuple[float, float]
    rms_elsewhere: tuple[float, float]
    rms_error: tuple[float, float] | None


def summarize(view: View) -> CleaningSummary:
    """Measure one modality.

    Examples
    --------
    >>> from neurofuse.fusion.views.before_after import views_of
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.ones((2, 500)), 250.0, ["C3", "C4"]))
    >>> summarize(views_of(recording, recording)[0]).unchanged
    1.0
    """
    mask = view.in_motion
    scale = view.modality.plot_scale

    def pair(where: np.ndarray | None, suffix: str = "") -> tuple[float, float]:
        return (
            scale * amplitude(view, "before" + suffix, where),
            scale * amplitude(view, "after" + suffix, where),
        )

    anywhere = view.any_in_motion
    return CleaningSummary(
        motion_seconds=None if anywhere is None else float(anywhere.sum() / view.rate),
        motion_intervals=0 if anywhere is None else len(stretches(anywhere, view.time, view.rate)),
        unchanged=unchanged_fraction(view),
        identical=float(view.identical.mean()),
        rms_in_motion=(np.nan, np.nan) if mask is None else pair(mask),
        rms_elsewhere=pair(None if mask is None else ~mask),
        rms_error=None if view.truth is None else pair(mask, "-truth"),
    )
