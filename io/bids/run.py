"""A run of a BIDS data set and the tables beside it → an MNE Raw."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io.bids.matching import channels_of
from neurofuse.io.bids.placing import correct_unit, landmarks_in, place_electrodes, place_optodes
from neurofuse.io.bids.sidecars import NONE, as_tsv
from neurofuse.io.bids.tables import acquired_at, facts_of, rows_of, usable_events
from neurofuse.io.logs import LOG, quiet, source_of
from neurofuse.io.mne_objects.header import extras_at
from neurofuse.io.mne_objects.landmarks import drop_landmarks
from neurofuse.io.mne_objects.nirs import declare_short
from neurofuse.io.mne_objects.pauses import is_paused
from neurofuse.io.modality import EEG

if TYPE_CHECKING:
    import mne

PLACEHOLDER = datetime(2000, 1, 1, tzinfo=UTC)  # MNE's stand-in for a date that a SNIRF file lacks
MNE_TYPES = {
    "EEG": "eeg", "EOG": "eog", "VEOG": "eog", "HEOG": "eog", "ECG": "ecg", "EMG": "emg",
    "TRIG": "stim", "MISC": "misc", "REF": "misc", "RESP": "resp", "GSR": "gsr",
    "TEMP": "temperature", "ECOG": "ecog", "SEEG": "seeg", "DBS": "dbs",
}  # fmt: skip
Mark = tuple[float, float, str, Any]  # onset, duration [s], description, names of channels
SAME_EVENT = 1e-3  # s; events of one name this near to each other are the same one
SAME_DATE = 1.0  # s; dates this near to each other are the same one, to the second or finer


def read_with_sidecars(path: Path, stream: str) -> "mne.io.BaseRaw":
    """The Raw of an EEG or fNIRS file with what its sidecars say.

    Those are types (EEG), bad and short channels, positions, landmarks, events, date and subject.
    EEG goes through
    mne-bids; what that cannot take, and fNIRS, is matched by names, or by source, detector and
    nominal wavelength. If that fails too, a warning says why and the file alone is used.

    Parameters
    ----------
    path : Path
        A file in a BIDS data set.
    stream : {"eeg", "nirs"}

    Raises
    ------
    ReadError
        If the file itself cannot be read.
    """
    from neurofuse.io.formats.eeg import read_eeg_raw
    from neurofuse.io.formats.nirs import read_nirs_raw

    raw = read_eeg_raw(path) if stream == EEG.name else read_nirs_raw(path)
    try:
        with quiet():
            from mne_bids import get_bids_path_from_fname

            where = get_bids_path_from_fname(path, check=False)
            changed = _by_mne_bids(raw, where) if stream == EEG.name else None
            changed = changed or _by_tables(raw, where, path, stream)
            subject = dict(changed.info["subject_info"] or {})
            changed.info["subject_info"] = {**subject, "his_id": f"sub-{where.subject}"}
            return changed
    except Exception as error:  # sidecars may be off in any way
        LOG.warning(
            "%s: sidecars not applied (%s: %s); the file alone is used",
            path,
            type(error).__name__,
            " ".join(str(error).split())[:200],
        )
        return raw


def _by_mne_bids(raw: "mne.io.BaseRaw", where: Any) -> "mne.io.BaseRaw | None":
    """A copy of an EEG Raw with what mne-bids reads beside it; None where mne-bids fails."""
    from mne_bids import read_raw_bids

    try:
        described = read_raw_bids(where, verbose="error")
    except Exception:  # raised for anything that is off: names, byte order marks …
        return None
    if set(raw.ch_names) != set(described.ch_names):
        return None
    changed = raw.copy()
    types = dict(zip(described.ch_names, described.get_channel_types(), strict=True))
    now = dict(zip(changed.ch_names, changed.get_channel_types(), strict=True))
    changed.set_channel_types({n: t for n, t in types.items() if t != now[n]})
    if described.info["dig"]:
        changed.set_montage(described.get_montage(), on_missing="ignore")
        facts = facts_of(_beside(where, "coordsystem", ".json"))
        correct_unit(changed, facts, where.fpath)
        table = _beside(where, "electrodes", ".tsv")
        if table is not None:
            drop_landmarks(changed.info)
        if table is not None and landmarks_in(facts, EEG.name):  # mne-bids does not read them
            place_electrodes(changed, rows_of(table), facts, where.fpath)
    changed.info["bads"] = [name for name in changed.ch_names if name in described.info["bads"]]
    marks = None
    if _beside(where, "events", ".tsv") is not None:
        other = described.annotations
        start = 0.0 if described.info["meas_date"] is None else described.first_time
        marks = list(
            zip(
                np.asarray(other.onset) - start,
                other.duration,
                other.description,
                other.ch_names,
                strict=True,
            )
        )
    return _with_marks(changed, marks, _date(raw, described.info["meas_date"]))


def _by_tables(raw: "mne.io.BaseRaw", where: Any, path: Path, stream: str) -> "mne.io.BaseRaw":
    """A copy of a Raw with what the tables beside it say, each read as it is."""
    changed = raw.copy()
    rows = rows_of(_beside(where, "channels", ".tsv"))
    names = channels_of(rows, raw, stream)
    if stream == EEG.name and rows and set(names) != set(raw.ch_names):
        listed = [row.get("name", "") for row in rows]
        raise ValueError(f"its channels are {listed[:3]}…, not {raw.ch_names[:3]}…")
    held = [(row, name) for row, name in zip(rows, names, strict=True) if name is not None]
    if stream == EEG.name:
        types = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
        said = {name: MNE_TYPES.get(row.get("type", "").upper()) for row, name in held}
        changed.set_channel_types({n: t for n, t in said.items() if t and t != types[n]})
        table, place = "electrodes", place_electrodes
    else:
        lost = [
            row.get("name", "")
            for row, name in zip(rows, names, strict=True)
            if name is None and row.get("type", "NIRS").upper().startswith("NIRS")
        ]
        if lost:
            LOG.warning("%s: channels.tsv lists %s, which it lacks", path, ", ".join(lost[:6]))
        table, place = "optodes", place_optodes
    bad = {name for row, name in held if row.get("status", "").lower() == "bad"}
    if any("status" in row for row in rows):
        changed.info["bads"] = [name for name in changed.ch_names if name in bad]
    facts = facts_of(_beside(where, "coordsystem", ".json"))
    place(changed, rows_of(_beside(where, table, ".tsv")), facts, path)
    if stream != EEG.name:
        said = {name: row.get("short_channel", "").lower() for row, name in held}
        known = {"true": True, "false": False}
        declare_short(changed, {name: known[word] for name, word in said.items() if word in known})
    return _with_marks(changed, _marks(where), _date(raw, acquired_at(path)))


def _marks(where: Any) -> list[Mark] | None:
    """The rows of events.tsv, named as mne-bids does; None where there is no such table."""
    from mne_bids import events_file_to_annotation_kwargs

    table = _beside(where, "events", ".tsv")
    if table is None:
        return None
    rows = usable_events(rows_of(table), table)
    if not rows:
        return []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, table.name)
        columns = dict.fromkeys(["duration", *(name for row in rows for name in row)])
        texts = as_tsv({name: [row.get(name, NONE) for row in rows] for name in columns})
        copy.write_text(texts, "utf-8")
        facts = events_file_to_annotation_kwargs(copy, verbose="error")
    columns = (facts[name] for name in ("onset", "duration", "description"))
    return [(*row, ()) for row in zip(*columns, strict=True)]


def _beside(where: Any, suffix: str, extension: str) -> Path | None:
    """The sidecar of a run, where BIDS's inheritance puts it."""
    return where.find_matching_sidecar(suffix, extension, on_error="ignore")


def _with_marks(
    raw: "mne.io.BaseRaw", listed: list[Mark] | None, date: datetime | None
) -> "mne.io.BaseRaw":
    """A Raw at another date; its marks are those of events.tsv if there is one, gaps its own."""
    import mne

    if listed is not None and is_paused(raw):
        LOG.warning(
            "%s has pauses, and events.tsv does not say whether its times count them: events are "
            "those of the file itself",
            source_of(raw),
        )
        listed = None
    marks = raw.annotations
    first = 0.0 if raw.info["meas_date"] is None else raw.first_time
    own = [i for i, text in enumerate(marks.description) if listed is None or text == "BAD_gap"]
    rows: list[Mark] = [
        (marks.onset[i] - first, marks.duration[i], marks.description[i], marks.ch_names[i])
        for i in own
    ]
    rows += listed or []
    more = _numbers_of(marks, first, rows)
    raw.set_annotations(None)
    raw.set_meas_date(date)
    onset, duration, text, names = zip(*rows, strict=True) if rows else [()] * 4
    first = 0.0 if date is None else raw.first_time
    raw.set_annotations(
        mne.Annotations(
            np.add(onset, first), list(duration), list(text), date, list(names), **more
        ),
        emit_warning=False,
    )
    return raw


def _numbers_of(marks: Any, first: float, rows: list[Mark]) -> dict[str, Any]:
    """What the file itself says of events of one name and time: amplitudes and further columns."""
    extras = getattr(marks, "extras", None)
    if extras is None or not any(extras):
        return {}
    facts = {
        "extras": [
            [onset - first, text, dict(extra)]
            for onset, text, extra in zip(marks.onset, marks.description, extras, strict=True)
            if extra
        ]
    }
    return {"extras": [extras_at(facts, row[0], row[2], within=SAME_EVENT) for row in rows]}


def _date(raw: "mne.io.BaseRaw", other: datetime | None) -> datetime | None:
    """The date of scans.tsv where it differs from the file's."""
    own = raw.info["meas_date"]
    if other is None or other == PLACEHOLDER:
        return own
    if own is not None and own.microsecond and abs((other - own).total_seconds()) < SAME_DATE:
        return own  # the finer of two that agree
    return other
