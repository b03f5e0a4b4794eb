"""One recording on the page of many: a few figures and two small time courses."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.draw_carpets import deviation
from neurofuse.fusion.views.before_after import View, views_of
from neurofuse.fusion.views.changes import carpet
from neurofuse.fusion.views.cleaning_summary import CleaningSummary, summarize
from neurofuse.fusion.views.electrodes import electrodes_only
from neurofuse.fusion.views.excerpt import excerpt
from neurofuse.io.errors import NeurofuseError

BINS = 120  # of a small picture
QUALITY = {"eeg": "deviation", "nirs": "sci"}  # the measure of `channel_quality` that is shown


@dataclass(frozen=True)
class ModalityRow:
    """One modality of a recording.

    Attributes
    ----------
    channels, usable : int
        How many channels there are, and how many of them are usable.
    summary : CleaningSummary
        Its figures.
    motion : float or None
        The fraction of the time with motion on some channel; None if not known.
    before, after : array (bin)
        Size over time, median over used channels [V; OD from sample to sample].
    quality : float or None
        Median over channels before cleaning: of EEG the standard deviation in 1-50 Hz [V], of fNIRS
        the scalp coupling index [1]; None if not known.
    """

    channels: int
    usable: int
    summary: CleaningSummary
    motion: float | None
    before: np.ndarray
    after: np.ndarray
    quality: float | None = None

    @property
    def attenuation(self) -> float | None:
        """RMS before / after within detected motion (of all, where no motion mask came with the
        result) [dB]; None if not known."""
        summary = self.summary
        before, after = summary.rms_elsewhere if self.motion is None else summary.rms_in_motion
        if not (np.isfinite([before, after]).all() and before > 0 and after > 0):
            return None
        return float(20 * np.log10(before / after))

    def figures(self) -> dict[str, float | int | None]:
        """The row's figures as numbers; fractions are 0..1."""
        return {
            "channels": self.channels,
            "usable": self.usable,
            "moving": self.motion,
            "unchanged": self.summary.unchanged,
            "taken_out_db": self.attenuation,
        }


@dataclass(frozen=True)
class CohortRow:
    """One recording on the page of `neurofuse.cohort_report`.

    Parameters
    ----------
    name : str
        What the page calls it.
    measured_at : str
        Date and time in ISO 8601, as far as known.
    seconds : float
        Duration [s].
    page : Path or None
        Its own report, to link to.
    streams : dict of ModalityRow
        Figures of "eeg" and "nirs", as far as the recording contains them.
    failure : str
        Why it could not be measured, "" if it could.

    Examples
    --------
    >>> CohortRow("sub-02", failure="the cleaned file is damaged").streams
    {}
    """

    name: str
    measured_at: str = ""
    seconds: float = 0.0
    page: Path | None = None
    streams: dict[str, ModalityRow] = field(default_factory=dict)
    failure: str = ""


def cohort_row(
    name: str, before: xr.DataTree, after: xr.DataTree, page: str | os.PathLike[str] | None = None
) -> CohortRow:
    """Measure a recording for `neurofuse.cohort_report`, which needs only these figures of it.

    Parameters
    ----------
    name : str
        What the page calls it.
    before, after : Recording
        The recording and its cleaned version: same channels, same clock. Of EEG too large for
        memory the stretch with most motion is measured, as in `neurofuse.report`.
    page : str or Path, optional
        Its own report (HTML), to link to.

    Returns
    -------
    CohortRow
        Channels, motion, amplitudes before and after [V; OD] and two time courses.

    Raises
    ------
    ParameterError
        If `after` has other channels or times than `before`.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> noise = np.random.default_rng(0).normal(scale=1e-5, size=(2, 2500))
    >>> recording = build(eeg_dataset(noise, 250.0, ["C3", "C4"]))
    >>> cohort_row("sub-01", recording, recording).streams["eeg"].figures()["unchanged"]
    1.0
    """
    measured_at = str(before.attrs.get("measured_at", ""))
    before, after, _, _ = excerpt(before, after)
    before, after = electrodes_only(before)[0], electrodes_only(after)[0]
    views = views_of(before, after)
    return CohortRow(
        name=name,
        measured_at=measured_at,
        seconds=max(view.seconds for view in views),
        page=None if page is None else Path(page),
        streams={view.stream: _modality_row(before, view) for view in views},
    )


def _modality_row(before: xr.DataTree, view: View) -> ModalityRow:
    from neurofuse.io.quality.channels import channel_quality

    usable, quality = ~view.bad, np.nan
    with suppress(NeurofuseError):  # else only what is marked counts
        table = channel_quality(before, view.stream)
        usable = usable & table.usable.values
        quality = float(table[QUALITY[view.stream]].median())
    summary = summarize(view)
    course = {
        which: carpet(view, lambda i, w=which: deviation(view, w, i), BINS)[view.used]
        for which in ("before", "after")
    }
    known = view.used.any()
    return ModalityRow(
        channels=len(view.channel),
        usable=int(usable.sum()),
        summary=summary,
        motion=None if summary.motion_seconds is None else summary.motion_seconds / view.seconds,
        before=np.median(course["before"], axis=0) if known else np.zeros(1),
        after=np.median(course["after"], axis=0) if known else np.zeros(1),
        quality=quality if np.isfinite(quality) else None,
    )
