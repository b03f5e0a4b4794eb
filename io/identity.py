"""Facts in a Recording that identify participant, operator or place, and how to remove them.

Identity is the subject's code and name, birthday and body, the operator, serial numbers, the
institute, the project, the names of XDF streams, and all free text, because its content is
unknown. Make and model of the device, coordinate system, gains, wavelengths, dates and the names of
files, channels and events are none. Files hold no identity by default: `neurofuse.io.write` and
`neurofuse clean` keep it only on request, a BIDS derivative never.
"""

import json
import re
from typing import Any

import xarray as xr

from neurofuse.io.recording import (
    KIND,
    header,
    provenance,
    stream_dataset,
    streams,
    with_provenance,
    with_stream,
)

PUBLIC_OF_SUBJECT = ("sex", "hand")
PUBLIC_OF_DEVICE = ("type", "model")
PRIVATE = ("experimenter", "description", "proj_name", "proj_id")
BIDS_NAME = re.compile(r"sub-[A-Za-z0-9]+(_[a-z]+-[A-Za-z0-9]+)*_(eeg|nirs)(\.[a-z0-9]+)+")
UNKNOWN = "unknown"  # as MNE and SNIRF call a subject without a code


def without_identity(recording: xr.DataTree, code: str = "") -> xr.DataTree:
    """A Recording without the facts that identify participant, operator or place.

    Parameters
    ----------
    recording : Recording
        It is not changed.
    code : str
        What the subject is called instead, "" for nothing. With a code, names of files that are
        not BIDS's are removed as well: others may contain the subject's.

    Returns
    -------
    Recording
        It shares its samples with the one given.

    Examples
    --------
    >>> import numpy as np
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]).assign_attrs(subject="Eva"))
    >>> without_identity(recording, "sub-01")["eeg"].attrs["subject"]
    'sub-01'
    """
    private = set()
    for stream in streams(recording):
        node = stream_dataset(recording, stream)
        changes: dict[str, Any] = {}
        if code and not BIDS_NAME.fullmatch(node.attrs.get("file", "")):
            private.add(node.attrs.get("file", ""))
            changes["file"] = ""
        if "subject" in node.attrs:
            changes["subject"] = code
        if "header" in node.attrs:
            changes["header"] = json.dumps(_public(header(node), code))
        recording = with_stream(recording, stream, node.assign_attrs(changes))
    if private - {""}:
        steps = [_without(step, private) for step in provenance(recording)]
        recording = with_provenance(recording, steps)
    return _with_sensors_by_kind(recording)


def _without(facts: Any, private: set[str]) -> Any:
    """Facts of a step in which some texts are empty."""
    if isinstance(facts, dict):
        return {name: _without(value, private) for name, value in facts.items()}
    if isinstance(facts, list):
        return [_without(value, private) for value in facts]
    return "" if isinstance(facts, str) and facts in private else facts


def _with_sensors_by_kind(recording: xr.DataTree) -> xr.DataTree:
    """A Recording whose sensors are called by what they are, where a file named their device."""
    sensors = recording["aux"].children if "aux" in recording.children else {}
    new: dict[str, str] = {}
    for name, node in sensors.items():
        kind = str(node.attrs.get(KIND, name))
        again = sum(taken == kind or taken.startswith(f"{kind} ") for taken in new.values())
        new[name] = f"{kind} {again + 1}" if again else kind
    if all(name == kind for name, kind in new.items()):
        return recording
    parts = recording.to_dict()
    for name in new:
        del parts[f"/aux/{name}"]
    for name, kind in new.items():
        node = sensors[name].to_dataset().rename({str(next(iter(sensors[name].data_vars))): kind})
        parts[f"/aux/{kind}"] = node
    clock = parts["/clock"]
    known = {f"aux/{name}": f"aux/{kind}" for name, kind in new.items()}
    streams_now = [known.get(str(name), str(name)) for name in clock.stream.values]
    parts["/clock"] = clock.assign_coords(stream=streams_now)
    return xr.DataTree.from_dict(parts)


def _public(facts: dict[str, Any], code: str) -> dict[str, Any]:
    """A stream's header without identity."""
    public = {name: value for name, value in facts.items() if name not in PRIVATE}
    person = _only(facts.get("subject_info"), PUBLIC_OF_SUBJECT)
    public["subject_info"] = {"his_id": code or UNKNOWN, **person}
    if "device_info" in facts:
        public["device_info"] = _only(facts["device_info"], PUBLIC_OF_DEVICE)
    if "snirf" in facts:
        public["snirf"] = {k: v for k, v in facts["snirf"].items() if k != "private"}
    if "extras" in facts:
        extras = [[at, name, _numbers(extra)] for at, name, extra in facts["extras"]]
        public["extras"] = [extra for extra in extras if extra[2]]
    return {name: value for name, value in public.items() if value not in ({}, [])}


def _only(facts: dict[str, Any] | None, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: facts[name] for name in names if facts and name in facts}


def _numbers(extra: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in extra.items() if not isinstance(value, str)}
