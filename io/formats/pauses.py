"""Pauses of the recorder and cut-out data, as EDF+, BrainVision and EEGLAB files store them."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neurofuse.io.clock.seams import is_seam
from neurofuse.io.errors import ReadError
from neurofuse.io.formats.edf import read_records
from neurofuse.io.logs import LOG
from neurofuse.io.mne_objects.pauses import Mark, Pause, with_pauses

if TYPE_CHECKING:
    import mne

SEGMENT = re.compile(r"(?m)^Mk\d+=New Segment,[^,\r\n]*,(\d+),[^,\r\n]*,[^,\r\n]*(?:,(\d{20}))?")
CLOCK_ERROR = 1e-3  # of the time between two dates: a recorder's clocks differ by less
LEAST_PAUSE = 1.5  # samples


class StoredPauses(NamedTuple):
    """Pauses stored in a file; `marks` where the times of its marks include them already."""

    pauses: list[Pause]
    marks: list[Mark] | None = None


def count_pauses(raw: "mne.io.BaseRaw", path: Path, kind: str) -> "mne.io.BaseRaw":
    """The Raw of an EEG file with its pauses filled in.

    Parameters
    ----------
    raw : mne.io.Raw
        As MNE read it: samples without time between them.
    path : Path
    kind : str
        Format of the file.

    Raises
    ------
    ReadError
        If the records of an EDF+D or BDF+D file go back in time.
    """
    finders: dict[str, Callable[[mne.io.BaseRaw, Path], StoredPauses]] = {
        "EDF": _between_records,
        "BDF": _between_records,
        "BrainVision": _between_segments,
        "EEGLAB": _at_boundaries,
    }
    if kind in finders:
        stored = finders[kind](raw, path)
        if stored.pauses:
            return with_pauses(raw, stored.pauses, path, stored.marks)
    return raw


def _between_records(raw: "mne.io.BaseRaw", path: Path) -> StoredPauses:
    """Pauses by the starts of data records, which headers that say EDF+C may have as well."""
    records, rate = read_records(path), float(raw.info["sfreq"])
    if len(records.onset) < 2 or not np.isfinite(records.onset[0]):
        if records.interrupted and len(records.onset) > 1:
            LOG.warning("%s: its records may have pauses between them, but no times", path)
        return StoredPauses([])
    late = records.lateness()
    least = max(LEAST_PAUSE / rate, CLOCK_ERROR * records.seconds)
    highest, lowest = np.maximum.accumulate(late)[:-1], np.minimum.accumulate(late[::-1])[-2::-1]
    back = np.minimum.accumulate(late)[:-1] - np.maximum.accumulate(late[::-1])[-2::-1]
    if back.max() > least:
        number = int(back.argmax()) + 1
        words = f"data record {number + 1} begins at {records.onset[number]:.6g} s, before its turn"
        if records.interrupted:
            raise ReadError(
                f"{path}, whose {words}",
                "data records in the order of time",
                "export the recording again",
            )
        LOG.warning("%s: %s; its records are taken for contiguous, as its header says", path, words)
        return StoredPauses([])
    after = np.flatnonzero(lowest - highest > least) + 1  # late for good: rounding is made up for
    length = round(records.seconds * rate)
    pauses = [Pause(int(n) * length, float(late[n] - late[n - 1])) for n in after]
    return StoredPauses(pauses, _marks_of_records(records.annotations, raw) if pauses else None)


def _marks_of_records(annotations: bytes, raw: "mne.io.BaseRaw") -> list[Mark]:
    """All marks of a file: MNE drops those that lie behind its samples."""
    from mne.io.edf.edf import _read_annotations_edf

    words = np.frombuffer(annotations + b"\0" * (len(annotations) % 2), "<i2")
    marks = _read_annotations_edf(words[None], ch_names=raw.ch_names)
    return [
        (float(onset), float(duration), str(text), tuple(names or ()), {})
        for onset, duration, text, names in zip(
            marks.onset, marks.duration, marks.description, marks.ch_names, strict=True
        )
    ]


def _between_segments(raw: "mne.io.BaseRaw", path: Path) -> StoredPauses:
    """Pauses by the dates of "New Segment" markers; one without a date stays a seam."""
    fields = dict(re.findall(r"(?m)^(\w+)=(.*?)\r?$", path.read_text("utf-8", errors="replace")))
    file = path.parent / fields.get("MarkerFile", "").replace("$b", path.stem)
    if not file.is_file():
        return StoredPauses([])
    rate, pauses = float(raw.info["sfreq"]), []
    known: tuple[int, datetime] | None = None
    for position, text in SEGMENT.findall(file.read_text("latin-1")):
        sample, date = int(position) - 1, _date(text)
        if date is None:
            continue
        if known is not None and known[0] < sample < raw.n_times:
            apart, held = (date - known[1]).total_seconds(), (sample - known[0]) / rate
            error = max(LEAST_PAUSE / rate, CLOCK_ERROR * held)
            if apart - held < -error:
                LOG.warning(
                    "%s: the segment at sample %d begins %.3g s before the one before it ends, by "
                    "its date: the pause before it is not known",
                    path,
                    sample,
                    held - apart,
                )
            else:
                pauses.append(Pause(sample, apart - held if apart - held > error else 0.0))
        known = sample, date
    return StoredPauses(pauses)


def _date(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S%f")
    except ValueError:
        return None


def _at_boundaries(raw: "mne.io.BaseRaw", path: Path) -> StoredPauses:
    """Pauses by the lengths of "boundary" events; one without a length stays a seam."""
    import mne

    if not any(is_seam(str(text)) for text in raw.annotations.description):
        return StoredPauses([])
    marks, rate = mne.read_annotations(path), float(raw.info["sfreq"])  # a Raw cuts lengths off
    rows = zip(marks.onset, marks.duration, marks.description, strict=True)
    pauses = [
        Pause(int(np.ceil(onset * rate - 1e-3)), float(length))
        for onset, length, text in rows
        if is_seam(str(text)) and np.isfinite(length) and length > 0
    ]
    return StoredPauses([pause for pause in pauses if 0 < pause.sample < raw.n_times])
