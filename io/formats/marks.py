"""Marks as EDF+ and BrainVision files store them, and those of which no sample is there.

MNE leaves out marks before the first and behind the last sample. Behind the last one they say that
the recording was longer than the samples that are left of it.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neurofuse.io.logs import LOG
from neurofuse.io.mne_objects.pauses import Mark

if TYPE_CHECKING:
    import mne

MARKER = re.compile(
    r"(?m)^Mk\d+=([^,\r\n]*),([^,\r\n]*),[ \t]*(-?\d{1,18})(?:,[^,\r\n]*,[^,\r\n]*(?:,(\d{20}))?)?"
)


class Marker(NamedTuple):
    """A BrainVision marker: its sample, from 0, and the date that new segments have, else ""."""

    kind: str
    text: str
    sample: int
    date: str


def edf_marks(annotations: bytes, raw: "mne.io.BaseRaw") -> list[Mark]:
    """All annotations of an EDF+ or BDF+ file, in seconds after its first sample."""
    from mne.io.edf.edf import _read_annotations_edf

    words = np.frombuffer(annotations + b"\0" * (len(annotations) % 2), "<i2")
    marks = _read_annotations_edf(words[None], ch_names=raw.ch_names)
    return [
        (float(onset), float(duration), str(text), tuple(names or ()), {})
        for onset, duration, text, names in zip(
            marks.onset, marks.duration, marks.description, marks.ch_names, strict=True
        )
    ]


def brainvision_markers(path: Path) -> list[Marker]:
    """All markers of the BrainVision recording whose header is at `path`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     header = Path(folder, "a.vhdr")
    ...     _ = header.write_text("MarkerFile=a.vmrk")
    ...     _ = header.with_suffix(".vmrk").write_text("Mk1=Stimulus,S  1,101,1,0")
    ...     brainvision_markers(header)
    [Marker(kind='Stimulus', text='S  1', sample=100, date='')]
    """
    fields = dict(re.findall(r"(?m)^(\w+)=(.*?)\r?$", path.read_text("utf-8", errors="replace")))
    file = path.parent / fields.get("MarkerFile", "").replace("$b", path.stem)
    if not file.is_file():
        return []
    found = MARKER.findall(file.read_text("latin-1"))
    return [Marker(kind, text, int(position) - 1, date) for kind, text, position, date in found]


def warn_of_lost(path: Path, onsets: Sequence[float], texts: Sequence[str], length: float) -> None:
    """Warn of marks whose onset [s] lies outside 0 … `length` of the samples, and is left out."""
    sides = (
        (f"behind the samples of {length:.6g} s", [at > length for at in onsets]),
        ("before the first sample", [at < 0 for at in onsets]),
    )
    for where, lost in sides:
        if any(lost):
            first = min((i for i, gone in enumerate(lost) if gone), key=lambda i: onsets[i])
            LOG.warning(
                "%s: %d of %d marks lie %s, the first (%s) at %.6g s: left out",
                path,
                sum(lost),
                len(lost),
                where,
                texts[first],
                onsets[first],
            )
