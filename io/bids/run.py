"""A run of a BIDS data set and the tables beside it → an MNE Raw."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io.logs import LOG, quiet
from neurofuse.io.modality import EEG

if TYPE_CHECKING:
    import mne

PLACEHOLDER = datetime(2000, 1, 1, tzinfo=UTC)  # MNE's stand-in for a date that a SNIRF file lacks
SAME_DATE = 1.0  # s; dates this near to each other are the same one, to the second or finer


def read_with_sidecars(path: Path, stream: str) -> "mne.io.BaseRaw":
    """The Raw of an EEG or fNIRS file with what mne-bids takes from its sidecars.

    Those are types, bad channels, electrodes (EEG), events, date and subject. If mne-bids fails
    on them, a warning says why and the file alone is used.

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
            from mne_bids import get_bids_path_from_fname, read_raw_bids

            where = get_bids_path_from_fname(path, check=False)
            described = read_raw_bids(where, verbose="error")
            events = where.find_matching_sidecar("events", ".tsv", on_error="ignore")
            changed = _with_channels(raw, described, stream)
            listed = events is not None
            if listed and raw.n_times != described.n_times:
                LOG.warning(
                    "%s has pauses, and events.tsv does not say whether its times count them: "
                    "events are those of the file itself",
                    path,
                )
                listed = False
            changed = _with_marks(changed, described, _date(raw, described), listed)
            subject = dict(changed.info["subject_info"] or {})
            changed.info["subject_info"] = {**subject, "his_id": f"sub-{where.subject}"}
            return changed
    except Exception as error:  # mne-bids raises anything for sidecars that are off
        LOG.warning(
            "%s: sidecars not applied (%s: %s); the file alone is used",
            path,
            type(error).__name__,
            " ".join(str(error).split())[:200],
        )
        return raw


def _with_channels(
    raw: "mne.io.BaseRaw", described: "mne.io.BaseRaw", stream: str
) -> "mne.io.BaseRaw":
    """A copy of a Raw with types, bads and electrodes of the Raw by mne-bids."""
    if set(raw.ch_names) != set(described.ch_names):
        raise ValueError(f"its channels are {described.ch_names[:3]}…, not {raw.ch_names[:3]}…")
    changed = raw.copy()
    if stream == EEG.name:
        types = dict(zip(described.ch_names, described.get_channel_types(), strict=True))
        now = dict(zip(changed.ch_names, changed.get_channel_types(), strict=True))
        changed.set_channel_types({n: t for n, t in types.items() if t != now[n]})
        if described.info["dig"]:
            changed.set_montage(described.get_montage(), on_missing="ignore")
    changed.info["bads"] = [name for name in changed.ch_names if name in described.info["bads"]]
    return changed


def _with_marks(
    raw: "mne.io.BaseRaw", described: "mne.io.BaseRaw", date: datetime | None, listed: bool
) -> "mne.io.BaseRaw":
    """A Raw at another date; its marks are those of events.tsv if there is one, gaps its own."""
    import mne

    marks = raw.annotations
    first = 0.0 if raw.info["meas_date"] is None else raw.first_time
    own = [i for i, text in enumerate(marks.description) if not listed or text == "BAD_gap"]
    rows: list[tuple[float, float, str, Any]] = [
        (marks.onset[i] - first, marks.duration[i], marks.description[i], marks.ch_names[i])
        for i in own
    ]
    if listed:
        other = described.annotations
        start = 0.0 if described.info["meas_date"] is None else described.first_time
        rows += zip(
            np.asarray(other.onset) - start,
            other.duration,
            other.description,
            other.ch_names,
            strict=True,
        )
    raw.set_annotations(None)
    raw.set_meas_date(date)
    onset, duration, text, names = zip(*rows, strict=True) if rows else [()] * 4
    first = 0.0 if date is None else raw.first_time
    raw.set_annotations(
        mne.Annotations(np.add(onset, first), list(duration), list(text), date, list(names)),
        emit_warning=False,
    )
    return raw


def _date(raw: "mne.io.BaseRaw", described: "mne.io.BaseRaw") -> datetime | None:
    """The date of scans.tsv where it differs from the file's."""
    own, other = raw.info["meas_date"], described.info["meas_date"]
    if other is None or other == PLACEHOLDER:
        return own
    if own is not None and own.microsecond and abs((other - own).total_seconds()) < SAME_DATE:
        return own  # the finer of two that agree
    return other
