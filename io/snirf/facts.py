"""What a SNIRF file says beyond samples, events and positions in space: kept for writing it again.

Facts are a dict of JSON's types in the header of the stream:

| part      | holds                                                                       |
|-----------|-----------------------------------------------------------------------------|
| `tags`    | metadata tags about the device                                              |
| `private` | all other tags that neurofuse does not write itself: names, free text       |
| `probe`   | labels, flat and unused positions [m], coordinate system                    |
| `rows`    | fields of the measurement list by channel: gains, powers, true wavelengths  |
"""

from typing import Any

import numpy as np

from neurofuse.io.snirf.hdf5 import first_numbers, numbers, text, texts
from neurofuse.io.snirf.labels import labels_of
from neurofuse.io.snirf.orientation import rows_of_optodes
from neurofuse.io.snirf.probe import Probe
from neurofuse.io.snirf.table import Channels

OPTODES = ("source", "detector")
PUBLIC_TAGS = {  # of the device and the frame; other tags may identify a participant
    "ManufacturerName", "Model", "DeviceName", "DeviceModel", "SystemModel", "UnixTime",
    "coordinateSystem",
}  # fmt: skip
OWN_TAGS = {  # written from the Recording itself
    "SubjectID", "MeasurementDate", "MeasurementTime", "LengthUnit", "TimeUnit", "FrequencyUnit",
    "AppName", "AppVersion", "MNE_coordFrame", "firstName", "middleName", "lastName", "sex",
    "DateOfBirth", "badChannels",
}  # fmt: skip
FIELDS = (
    "wavelengthActual", "wavelengthEmissionActual", "sourcePower", "detectorGain", "moduleIndex",
    "sourceModuleIndex", "detectorModuleIndex", "dataTypeIndex",
)  # fmt: skip
WHOLE_FIELDS = ("moduleIndex", "sourceModuleIndex", "detectorModuleIndex", "dataTypeIndex")
VOLTS = ("mV", "uV", "μV", "µV", "nV")  # units that samples are not kept in


def read_facts(nirs: Any, block: Any, channels: Channels, probe: Probe) -> dict[str, Any]:
    """The facts of a /nirs group; empty where it has none."""
    tags = {
        name: _plain(node)
        for name, node in nirs.get("metaDataTags", {}).items()
        if name not in OWN_TAGS and hasattr(node, "shape")
    }
    facts = {
        "tags": {name: value for name, value in tags.items() if name in PUBLIC_TAGS},
        "private": {name: value for name, value in tags.items() if name not in PUBLIC_TAGS},
        "probe": _probe(nirs, channels, probe),
        "rows": _rows(block, channels),
    }
    return {name: part for name, part in facts.items() if part}


def _probe(nirs: Any, channels: Channels, probe: Probe) -> dict[str, Any]:
    group, facts = nirs.get("probe", {}), {}
    for name in ("coordinateSystem", "coordinateSystemDescription"):
        if said := text(group.get(name)):
            facts[name] = said
    for kind, places, used in zip(
        OPTODES, probe.optodes, (channels.source, channels.detector), strict=True
    ):
        if labels := labels_of(nirs, kind):
            facts[f"{kind}Labels"] = labels
        if len(np.unique(used)) < len(places) and np.isfinite(places).all():
            facts[f"{kind}Pos3D"] = places.tolist()
    flat = [numbers(group.get(f"{kind}Pos2D")) for kind in OPTODES]
    rows = rows_of_optodes(flat[0], flat[1], (channels.source, channels.detector), 2)
    if rows is not None:
        for kind, places in zip(OPTODES, rows[:2], strict=True):
            facts[f"{kind}Pos2D"] = (places * probe.unit).tolist()
    if others := probe.other_landmarks:
        facts["landmarks"] = others
    return facts


def _rows(block: Any, channels: Channels) -> dict[str, list]:
    """Columns by name, "channel" among them; None where a channel lacks a field."""
    groups = channels.groups
    lists = block.get("measurementLists")
    columns: dict[str, list] = {}
    for name in FIELDS:
        if groups and (name in groups[0] or name in groups[-1]):
            column = first_numbers(groups, name)
        elif not groups and lists is not None and name in lists:
            column = numbers(lists[name]).ravel()
        else:
            continue
        values = [float(v) if np.isfinite(v) else None for v in column]
        if len(values) > channels.column.max() and not _usual(name, values):
            columns[name] = [values[row] for row in channels.column]
    if any(channels.unit):
        columns["dataUnit"] = ["V" if unit in VOLTS else unit for unit in channels.unit]
    return {"channel": channels.name, **columns} if columns else {}


def _usual(name: str, values: list) -> bool:
    """Whether a column holds what is written anyway."""
    return name == "dataTypeIndex" and set(values) <= {0.0, 1.0, None}


def _plain(node: Any) -> Any:
    """A tag as text or a list of numbers."""
    if node.dtype.kind in "fiub":
        return numbers(node).ravel().tolist()
    return "\n".join(texts(node))
