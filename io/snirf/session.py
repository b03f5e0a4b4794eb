"""When a SNIRF file was measured, on whom, and what happened."""

import contextlib
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io.clock.grid import Grid
from neurofuse.io.snirf.hdf5 import numbered, numbers, text
from neurofuse.io.snirf.table import tag

if TYPE_CHECKING:
    import mne


def annotations(nirs: Any, grid: Grid, raw: "mne.io.BaseRaw") -> "mne.Annotations":
    import mne

    rows = [
        (max(onset - grid.start, 0.0), length, name, [c for c in owners.split(",") if c])
        for onset, length, name, owners in stimuli(nirs)
        if -1 / grid.rate < onset - grid.start <= raw.times[-1]
    ]
    rows += [(onset, length, "BAD_gap", []) for onset, length in grid.holes]
    onset, length, name, owners = zip(*rows, strict=True) if rows else ((), (), (), ())
    return mne.Annotations(onset, length, name, raw.info["meas_date"], owners)


def stimuli(nirs: Any) -> list[tuple[float, float, str, str]]:
    """Events (onset [s], duration [s], name, channels), each once, by onset.

    The specification has them in seconds whatever the TimeUnit.
    """
    rows = []
    for key in numbered(nirs, "stim"):
        group = nirs[key]
        data = numbers(group.get("data"))
        if data.ndim == 1:  # a single event
            data = data[None, :]
        if data.ndim != 2 or data.shape[1] < 2:  # none, or the 0 that Homer writes for none
            continue
        name = text(group["name"]) if "name" in group else key
        named = str(group["data"].attrs.get("channels", "")).split("\n")
        named = named if len(named) == len(data) else [""] * len(data)
        rows += [
            (float(onset), float(duration) if np.isfinite(duration) else 0.0, name, owners)
            for (onset, duration), owners in zip(data[:, :2], named, strict=True)
            if np.isfinite(onset)
        ]
    return sorted(dict.fromkeys(rows))


def measured_at(nirs: Any) -> datetime | None:
    """Date of the file's time 0; without a time zone it is taken for UTC."""
    day = tag(nirs, "MeasurementDate").strip().rstrip("Z")
    clock = tag(nirs, "MeasurementTime").strip()
    try:
        found = datetime.fromisoformat(f"{day}T{clock}")
    except ValueError:
        return None
    found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return None if found == datetime(2000, 1, 1, tzinfo=UTC) else found  # MNE's "unknown"


def subject(nirs: Any) -> dict[str, Any]:
    """What the file tells of the person, as MNE keeps it."""
    found: dict[str, Any] = {"his_id": tag(nirs, "SubjectID") or "unknown"}
    for key in ("first", "middle", "last"):
        if name := tag(nirs, f"{key}Name"):
            found[f"{key}_name"] = name
    sex = tag(nirs, "sex").lower()[:1]
    if sex in ("m", "f", "0", "1", "2", "u"):
        found["sex"] = {"m": 1, "1": 1, "f": 2, "2": 2}.get(sex, 0)
    with contextlib.suppress(ValueError):
        found["birthday"] = date.fromisoformat(tag(nirs, "DateOfBirth"))
    return found
