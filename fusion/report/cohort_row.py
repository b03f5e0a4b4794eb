"""What the page of many recordings keeps of each: a few figures and two small courses."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.draw_carpets import deviation
from neurofuse.fusion.views.before_after import View, carpet, views
from neurofuse.fusion.views.excerpt import excerpt
from neurofuse.fusion.views.summary import Summary, summarize
from neurofuse.io.errors import NeurofuseError

BINS = 120  # of a small picture


@dataclass(frozen=True)
class StreamRow:
    """One stream of a recording: channels, how many are usable, its figures, and the course of
    its size before and after (bin), median over used channels [V; OD from sample to sample]."""

    channels: int
    usable: int
    summary: Summary
    moved: float | None
    before: np.ndarray
    after: np.ndarray

    @property
    def taken_out(self) -> float | None:
        """RMS before over after [dB], in movement where a gate tells it; None if not known."""
        was, left = self.summary.elsewhere if self.moved is None else self.summary.in_movement
        if not (np.isfinite([was, left]).all() and was > 0 and left > 0):
            return None
        return float(20 * np.log10(was / left))

    def figures(self) -> dict[str, float | int | None]:
        """The row's figures as numbers; shares are 0..1."""
        return {
            "channels": self.channels,
            "usable": self.usable,
            "moving": self.moved,
            "unchanged": self.summary.kept,
            "taken_out_db": self.taken_out,
        }


@dataclass(frozen=True)
class CohortRow:
    """One recording on the page; `page` is its own report, `streams` what each stream holds.

    One that could not be measured has no stream and says why in `failure`.
    """

    name: str
    measured_at: str = ""
    seconds: float = 0.0
    page: Path | None = None
    streams: dict[str, StreamRow] = field(default_factory=dict)
    failure: str = ""


def cohort_row(
    name: str, before: xr.DataTree, after: xr.DataTree, page: str | os.PathLike | None = None
) -> CohortRow:
    """Measure a recording for `cohort_report`; the recording may be forgotten afterwards.

    Parameters
    ----------
    name : str
        What to call it.
    before, after : Recording
        As of `neurofuse.report`; of EEG that is still in its file the same stretch is looked at.
    page : path, optional
        Its own report, to link to.

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
    found = views(before, after)
    return CohortRow(
        name=name,
        measured_at=measured_at,
        seconds=max(view.seconds for view in found),
        page=None if page is None else Path(page),
        streams={view.stream: _stream(before, view) for view in found},
    )


def _stream(before: xr.DataTree, view: View) -> StreamRow:
    from neurofuse.io.quality.channels import channel_quality

    usable = ~view.bad
    with suppress(NeurofuseError):  # else what is marked has to do
        usable = usable & channel_quality(before, view.stream).usable.values
    summary = summarize(view)
    course = {
        which: carpet(view, lambda i, w=which: deviation(view, w, i), BINS)[view.used]
        for which in ("before", "after")
    }
    known = view.used.any()
    return StreamRow(
        channels=len(view.channel),
        usable=int(usable.sum()),
        summary=summary,
        moved=None if summary.moved is None else summary.moved / view.seconds,
        before=np.median(course["before"], axis=0) if known else np.zeros(1),
        after=np.median(course["after"], axis=0) if known else np.zeros(1),
    )
