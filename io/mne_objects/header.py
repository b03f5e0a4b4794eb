"""Metadata of an MNE Raw beyond samples, names and annotations ⇄ JSON in `attrs["header"]`."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofuse.io.recording import EVENT_COLUMNS, LOCAL_TIME, header

if TYPE_CHECKING:
    import mne

FIELDS = (
    "highpass",
    "lowpass",
    "line_freq",
    "description",
    "experimenter",
    "proj_name",
    "utc_offset",
    "device_info",
    "subject_info",
    "custom_ref_applied",
)
ZONELESS = {".edf", ".bdf", ".vhdr", ".eeg", ".hdr", ".wl1", ".csv"}  # formats; MNE says UTC
SNIRF_FACTS = "_neurofuse_snirf"  # an attribute of Raws; their copies keep it
SAME_TIME = 1e-6  # s, to find an annotation again


def header_of(raw: "mne.io.BaseRaw") -> str:
    """First sample number, filters, device, subject, projections, points and annotation extras.

    And whether the date is in local time: some formats store none of its zone.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> info = mne.create_info(["Cz"], 100.0, "eeg")
    >>> raw = mne.io.RawArray(np.zeros((1, 50)), info, first_samp=20, verbose="error")
    >>> json.loads(header_of(raw))["first_samp"]
    20
    """
    marks = raw.annotations
    facts: dict[str, Any] = {name: _plain(raw.info.get(name)) for name in FIELDS}
    facts["first_samp"] = int(raw.first_samp)
    facts["dig"] = [
        [int(p["kind"]), int(p["ident"]), int(p["coord_frame"]), *map(float, p["r"])]
        for p in raw.info["dig"] or []
    ]
    facts["extras"] = [
        [float(onset - raw.first_time), str(description), dict(extra)]
        for onset, description, extra in zip(
            marks.onset, marks.description, getattr(marks, "extras", ()), strict=False
        )
        if extra
    ]
    known = set(raw.ch_names)
    facts["projs"] = [
        _projection(one) for one in raw.info["projs"] if known & set(one["data"]["col_names"])
    ]
    facts["snirf"] = snirf_facts(raw) or None
    dated = raw.info["meas_date"] is not None
    suffixes = {Path(name).suffix.lower() for name in raw.filenames if name is not None}
    facts[LOCAL_TIME] = (dated and bool(suffixes & ZONELESS)) or None
    return json.dumps({name: value for name, value in facts.items() if value not in (None, [])})


def restore_info(raw: "mne.io.BaseRaw", node: xr.Dataset) -> None:
    """Put the stored metadata into the info of a new Raw that was made of `node`.

    Positions from a template are removed again: the original Raw had none.
    """
    from mne._fiff._digitization import _format_dig_points

    facts = header(node)
    if node.attrs.get("positions", "").startswith("template"):
        raw.set_montage(None)
    if not facts:
        return
    setattr(raw, SNIRF_FACTS, facts.get("snirf", {}))
    info = raw.info
    subject = facts.get("subject_info")
    if subject and "birthday" in subject:
        subject["birthday"] = date.fromisoformat(subject["birthday"])
    with info._unlock():
        for name in FIELDS:
            if name in facts:
                info[name] = facts[name]
        info["subject_info"] = subject
        info["lowpass"] = min(float(info["lowpass"]), info["sfreq"] / 2)
        info["projs"] = [_made_projection(one) for one in facts.get("projs", ())]
        if "dig" in facts:
            info["dig"] = _format_dig_points(
                [
                    {"kind": kind, "ident": ident, "coord_frame": frame, "r": place}
                    for kind, ident, frame, *place in facts["dig"]
                ]
            )


def snirf_facts(raw: "mne.io.BaseRaw") -> dict[str, Any]:
    """What the SNIRF file of a Raw said that an Info has no room for; empty for other Raws."""
    return getattr(raw, SNIRF_FACTS, {})


def extras_at(
    facts: dict[str, Any], onset: float, description: str, within: float = SAME_TIME
) -> dict[str, Any]:
    """The extras of the annotation `description` at `onset` [s] of the file, or none."""
    for at, name, extra in facts.get("extras", ()):
        if name == description and abs(at - onset) <= within:
            return extra
    return {}


def numbers_in(extra: Mapping[str, Any] | None) -> dict[str, float]:
    """The numbers in an annotation's extras that can be columns of `/events`."""
    return {
        key: float(value)
        for key, value in dict(extra or {}).items()
        if isinstance(value, (int, float))
        and not isinstance(value, bool)
        and key not in EVENT_COLUMNS
        and key == key.strip() != ""
        and "/" not in key
    }


def number_from(raw: "mne.io.BaseRaw", first: int) -> None:
    """Number the first sample of a new Raw `first`, as if earlier ones had been cropped."""
    raw._cropped_samp = first
    if raw.preload:  # else they are positions in the file
        raw._first_samps, raw._last_samps = raw._first_samps + first, raw._last_samps + first


def _projection(projection: Any) -> dict[str, Any]:
    """A projection as JSON types."""
    data = projection["data"]
    return {
        "kind": int(projection["kind"]),
        "desc": str(projection["desc"]),
        "active": bool(projection["active"]),
        "columns": list(data["col_names"]),
        "rows": None if data["row_names"] is None else list(data["row_names"]),
        "matrix": data["data"].tolist(),
        "explained": _plain(projection["explained_var"]),
    }


def _made_projection(facts: dict[str, Any]) -> Any:
    import mne

    matrix = np.array(facts["matrix"], float)
    data = {
        "nrow": matrix.shape[0],
        "ncol": matrix.shape[1],
        "row_names": facts["rows"],
        "col_names": facts["columns"],
        "data": matrix,
    }
    return mne.Projection(
        data=data,
        kind=facts["kind"],
        desc=facts["desc"],
        active=facts["active"],
        explained_var=facts["explained"],
    )


def _plain(value: Any) -> Any:
    """A value of an Info as a JSON type; None where there is none."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "items"):
        return {str(k): _plain(v) for k, v in value.items() if v is not None} or None
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else None
