"""Where electrodes and optodes are, in BIDS: tables of positions, and the coordinate system."""

from typing import TYPE_CHECKING

import numpy as np

from neurofuse.io.bids.sidecars import NONE, Facts, Table
from neurofuse.io.modality import EEG

if TYPE_CHECKING:
    import mne

HEAD = {
    "CoordinateSystem": "CapTrak",  # MNE's head frame: nasion in front, ears on the x axis
    "CoordinateUnits": "m",
}
UNKNOWN = {
    "CoordinateSystem": "Other",
    "CoordinateUnits": "m",
    "CoordinateSystemDescription": "as in the device's file; not registered to the head",
}


def electrode_table(raw: "mne.io.BaseRaw") -> Table | None:
    """`electrodes.tsv`, or None where the Raw has no positions."""
    positions = {
        name: np.array(channel["loc"][:3])
        for name, channel, kind in zip(
            raw.ch_names, raw.info["chs"], raw.get_channel_types(), strict=True
        )
        if kind == "eeg"
    }
    known = [np.isfinite(p).all() and p.any() for p in positions.values()]
    if not any(known):
        return None
    cells = [
        p.round(7).tolist() if ok else [NONE] * 3
        for p, ok in zip(positions.values(), known, strict=True)
    ]
    return {"name": list(positions), **_columns(cells)}


def optode_table(raw: "mne.io.BaseRaw") -> Table:
    """`optodes.tsv`: sources and detectors, each once; "n/a" where their position is unknown."""
    positions: dict[tuple[str, str], np.ndarray] = {}
    for name, channel in zip(raw.ch_names, raw.info["chs"], strict=True):
        source, detector = name.rsplit(" ", 1)[0].split("_", 1)
        positions.setdefault((source, "source"), channel["loc"][3:6])
        positions.setdefault((detector, "detector"), channel["loc"][6:9])
    order = sorted(positions, key=lambda key: key[1] != "source")
    cells = [
        p.round(7).tolist() if np.isfinite(p := positions[key]).all() else [NONE] * 3
        for key in order
    ]
    return {
        "name": [name for name, _ in order],
        "type": [kind for _, kind in order],
        **_columns(cells),
    }


def coordinate_system(raw: "mne.io.BaseRaw", stream: str) -> Facts:
    """`coordsystem.json` of the positions of a Raw, with its landmarks."""
    from mne._fiff.constants import FIFF

    head = int(raw.info["chs"][0]["coord_frame"]) == FIFF.FIFFV_COORD_HEAD
    prefix = stream.upper()
    facts: Facts = {f"{prefix}{key}": v for key, v in (HEAD if head else UNKNOWN).items()}
    names = {
        int(FIFF.FIFFV_POINT_NASION): "NAS",
        int(FIFF.FIFFV_POINT_LPA): "LPA",
        int(FIFF.FIFFV_POINT_RPA): "RPA",
    }
    marks = {
        names[int(p["ident"])]: [float(x) for x in p["r"]]
        for p in raw.info["dig"] or []
        if p["kind"] == FIFF.FIFFV_POINT_CARDINAL and int(p["ident"]) in names
    }
    if head and stream == EEG.name and marks:
        facts["AnatomicalLandmarkCoordinates"] = marks
        facts["AnatomicalLandmarkCoordinateSystem"] = HEAD["CoordinateSystem"]
        facts["AnatomicalLandmarkCoordinateUnits"] = HEAD["CoordinateUnits"]
    return facts


def _columns(cells: list[list[float] | list[str]]) -> Table:
    return {axis: [cell[i] for cell in cells] for i, axis in enumerate("xyz")}
