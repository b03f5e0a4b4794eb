"""Marker streams of an XDF file → rows of `/events`, if their clock is that of the signals."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurofuse.io.logs import LOG
from neurofuse.io.xdf.stream import Stream

SAME_TIME = 0.05  # s; marker streams whose marks are equal and this close are copies
MARGIN = 1.0  # s by which a marker may lie outside all signals without a word
FAR = 600.0  # s; markers further outside are of another clock, and are left out
Row = tuple[float, float, str, str, str]
Mark = tuple[float, str]
Span = tuple[float, float]


def marker_rows(streams: Sequence[Stream], zero: float, span: Span, path: Path) -> list[Row]:
    """Rows of `/events` of all marker streams, without those that repeat another one.

    Parameters
    ----------
    streams : sequence of Stream
        All of the file.
    zero : float
        Stamp of time 0 of the Recording [s].
    span : (first, last)
        Times of the first and the last EEG or fNIRS sample [s]. Markers outside get a warning;
        those more than ten minutes outside (stamped 0, or by another clock) are left out.
    path : Path
        For messages.
    """
    different: list[list[Mark]] = []
    for stream in streams:
        if stream.kind != "markers":
            continue
        marks = _marks(stream, zero)
        if any(_same(marks, other) for other in different):
            LOG.info("a stream of %s repeats another one: left out", stream.title)
        else:
            _report_outside(marks, span, stream, path)
            different.append(marks)
    return [
        (at, 0.0, text, "", "")
        for marks in different
        for at, text in marks
        if _inside(at, span, FAR)
    ]


def _marks(stream: Stream, zero: float) -> list[Mark]:
    marks = []
    for stamp, sample in zip(stream.stamps.tolist(), stream.values, strict=True):
        values = [v if isinstance(v, str) else f"{float(v):g}" for v in sample]
        text = ",".join(v.strip() for v in values if v.strip())
        if text and np.isfinite(stamp):
            marks.append((stamp - zero, text))
    return marks


def _report_outside(marks: list[Mark], span: Span, stream: Stream, path: Path) -> None:
    outside = [mark for mark in marks if not _inside(mark[0], span, MARGIN)]
    if not outside:
        return
    left_out = sum(not _inside(at, span, FAR) for at, _ in outside)
    LOG.warning(
        "%s: %d of %d markers of stream %s lie outside EEG and fNIRS, which last from %.1f to "
        "%.1f s (the first, %r, at %.10g s)%s. They were stamped by another clock (clock offsets "
        "of the stream: %d) or while nothing was recorded",
        path,
        len(outside),
        len(marks),
        stream.title,
        *span,
        outside[0][1],
        outside[0][0],
        f"; {left_out} of them, further away than {FAR:g} s, left out" if left_out else "",
        stream.offsets,
    )


def _inside(at: float, span: Span, margin: float) -> bool:
    return span[0] - margin <= at <= span[1] + margin


def _same(one: list[Mark], other: list[Mark]) -> bool:
    return [text for _, text in one] == [text for _, text in other] and all(
        abs(a - b) < SAME_TIME for (a, _), (b, _) in zip(one, other, strict=True)
    )
