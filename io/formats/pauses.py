"""Pauses of the recorder and cut-out data, as EDF+, BrainVision and EEGLAB files store them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neurofuse.io.clock.seams import is_seam
from neurofuse.io.errors import ReadError
from neurofuse.io.formats.edf import Records, read_records
from neurofuse.io.formats.marks import brainvision_markers, edf_marks, warn_of_lost
from neurofuse.io.logs import LOG
from neurofuse.io.mne_objects.pauses import Mark, Pause, with_pauses

if TYPE_CHECKING:
    import mne

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
    marks = edf_marks(records.annotations, raw)
    stored = _between(records, rate, path)
    length = raw.n_times / rate + sum(pause.length for pause in stored)
    onsets = [round(mark[0], 6) for mark in marks]
    warn_of_lost(path, onsets, [mark[2] for mark in marks], round(length, 6))
    return StoredPauses(stored, marks if stored else None)


def _between(records: Records, rate: float, path: Path) -> list[Pause]:
    if len(records.onset) < 2 or not np.isfinite(records.onset[0]):
        if records.interrupted and len(records.onset) > 1:
            LOG.warning("%s: its records may have pauses between them, but no times", path)
        return []
    late = records.lateness()
    least = max(LEAST_PAUSE / rate, CLOCK_ERROR * records.seconds)
    back = _steps_back(late)
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
        return []
    length = round(records.seconds * rate)
    after = np.flatnonzero(_steps_on(late) > least) + 1
    return [Pause(int(n) * length, float(late[n] - late[n - 1])) for n in after]


def count_times(raw: "mne.io.BaseRaw", times: np.ndarray | None, path: Path) -> "mne.io.BaseRaw":
    """The Raw of a table that states the time of each sample, with its pauses filled in.

    Parameters
    ----------
    raw : mne.io.Raw
        Samples without time between them, by the rate of its header. It must not be changed any
        more.
    times : array (sample,), optional
        Times that the table states [s]. They are not used, with a warning, where they are not as
        many as the samples or go back.
    path : Path
        For messages.
    """
    if times is None or len(times) != raw.n_times or len(times) < 2:
        if times is not None:
            LOG.warning("%s: %d times for %d samples: not used", path, len(times), raw.n_times)
        return raw
    rate = float(raw.info["sfreq"])
    late = times - times[0] - np.arange(len(times)) / rate
    least = LEAST_PAUSE / rate
    back = _steps_back(late)
    if back.max() > least:
        LOG.warning(
            "%s: its times go back by %.3g s after sample %d; they are not used, and samples are "
            "taken for contiguous",
            path,
            back.max(),
            int(back.argmax()) + 1,
        )
        return raw
    after = np.flatnonzero(_steps_on(late) > least) + 1
    pauses = [Pause(int(n), float(late[n] - late[n - 1])) for n in after]
    drift = float(late[-1] - late[0]) - sum(pause.length for pause in pauses)
    step = float(np.median(np.diff(np.unique(times))))  # longer than a sample if times are rounded
    if abs(drift) > max(10 * CLOCK_ERROR * len(times) / rate, 2 * least, 2 * step):
        LOG.warning(
            "%s: by its times the samples last %.6g s, by its rate of %.6g Hz %.6g s; the rate "
            "counts",
            path,
            len(times) / rate + drift,
            rate,
            len(times) / rate,
        )
    return with_pauses(raw, pauses, path) if pauses else raw


def _steps_on(late: np.ndarray) -> np.ndarray:
    """By how much delays grow for good from one to the next: rounding is made up for later."""
    return np.minimum.accumulate(late[::-1])[-2::-1] - np.maximum.accumulate(late)[:-1]


def _steps_back(late: np.ndarray) -> np.ndarray:
    """By how much delays shrink for good from one to the next."""
    return _steps_on(-late)


def _between_segments(raw: "mne.io.BaseRaw", path: Path) -> StoredPauses:
    """Pauses by the dates of "New Segment" markers; one without a date stays a seam."""
    markers = brainvision_markers(path)
    texts = [f"{marker.kind}/{marker.text}" for marker in markers]
    rate, pauses = float(raw.info["sfreq"]), []
    warn_of_lost(path, [one.sample / rate for one in markers], texts, raw.n_times / rate)
    known: tuple[int, datetime] | None = None
    for kind, _, sample, text in markers:
        date = _date(text) if kind == "New Segment" else None
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
