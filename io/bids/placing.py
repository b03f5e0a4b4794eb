"""Positions of electrodes.tsv and optodes.tsv → a Raw, in metres."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io.bids.matching import optode_labels
from neurofuse.io.bids.tables import Rows, number_of
from neurofuse.io.logs import LOG
from neurofuse.io.mne_objects.landmarks import HEAD, drop_landmarks, set_landmarks
from neurofuse.io.mne_objects.optodes import name_parts
from neurofuse.io.modality import EEG, NIRS

if TYPE_CHECKING:
    import mne

UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
HEAD_RADIUS = 0.09  # m, from the middle of a head's frame to its electrodes
HEAD_SYSTEMS = ("captrak",)  # MNE's head frame
LANDMARKS = {"nas": "nasion", "lpa": "lpa", "rpa": "rpa"}  # BIDS's names -> MNE's


def place_electrodes(raw: "mne.io.BaseRaw", rows: Rows, facts: dict[str, Any], path: Path) -> None:
    """Give a Raw, in place, the positions of electrodes.tsv by the names of channels.

    With them come nasion and ear points of coordsystem.json, if they are in the same coordinate
    system. If that is none of MNE's, all three move electrodes to the frame of the head.
    """
    import mne

    scale = UNITS.get(str(facts.get("EEGCoordinateUnits", "")), 1.0)
    known = {name.lower(): name for name in raw.ch_names}
    places = {known[n]: scale * p for n, p in _places(rows).items() if n in known}
    if not places:
        return
    head = str(facts.get("EEGCoordinateSystem", "")).lower() in HEAD_SYSTEMS
    frame = "head" if head else "unknown"
    montage = mne.channels.make_dig_montage(places, coord_frame=frame)
    raw.set_montage(montage, on_missing="ignore")
    drop_landmarks(raw.info)
    correct_unit(raw, facts, path)
    marks = landmarks_in(facts, EEG.name)
    if marks and (head or _is_triangle(marks)):
        loc = dict(zip(raw.ch_names, (c["loc"][:3] for c in raw.info["chs"]), strict=True))
        places = {name: loc[name] for name in places}
        montage = mne.channels.make_dig_montage(places, coord_frame=frame, **marks)
        raw.set_montage(montage, on_missing="ignore")
        if len(marks) < len(LANDMARKS):  # MNE makes up those that are missing
            drop_landmarks(raw.info)


def correct_unit(raw: "mne.io.BaseRaw", facts: dict[str, Any], path: Path) -> None:
    """Scale electrodes, in place, where the coordinate system does not say its unit.

    The power of ten is taken that puts them nearest to 90 mm from the middle of the head.
    """
    if str(facts.get("EEGCoordinateUnits", "m")) in UNITS:
        return
    loc = np.array([channel["loc"][:3] for channel in raw.info["chs"]])
    radius = np.linalg.norm(loc, axis=1)
    radius = radius[np.isfinite(radius) & (radius > 0)]
    if not len(radius):
        return
    factor = 10.0 ** np.round(np.log10(HEAD_RADIUS / np.median(radius)))
    LOG.warning(
        "%s: its coordinate system has no unit; electrodes taken to be %.3g mm from the middle",
        path,
        1e3 * factor * float(np.median(radius)),
    )
    for channel in raw.info["chs"]:
        channel["loc"][:3] *= factor
    for point in raw.info["dig"] or []:
        point["r"] *= factor


def landmarks_in(facts: dict[str, Any], stream: str) -> dict[str, np.ndarray]:
    """Nasion and ear points [m] by MNE's names, if they are in the system of the positions.

    Examples
    --------
    >>> facts = {"AnatomicalLandmarkCoordinates": {"NAS": [0, 9.5, 0]}, "EEGCoordinateUnits": "cm"}
    >>> landmarks_in(facts, "eeg")["nasion"].round(3).tolist()
    [0.0, 0.095, 0.0]
    """
    stream = stream.upper()
    own = facts.get(f"{stream}CoordinateSystem")
    for kind in ("AnatomicalLandmark", "Fiducials"):
        stated = facts.get(f"{kind}Coordinates")
        if not isinstance(stated, dict) or facts.get(f"{kind}CoordinateSystem", own) != own:
            continue
        marks = {LANDMARKS.get(str(name).lower(), ""): place for name, place in stated.items()}
        marks = {name: _place(place) for name, place in marks.items() if name}
        marks = {name: place for name, place in marks.items() if np.isfinite(place).all()}
        if marks:
            unit = facts.get(f"{kind}CoordinateUnits", facts.get(f"{stream}CoordinateUnits"))
            radius = float(np.median([np.linalg.norm(place) for place in marks.values()]))
            near = 10.0 ** np.round(np.log10(HEAD_RADIUS / radius)) if radius > 0 else 1.0
            return {name: UNITS.get(str(unit), near) * place for name, place in marks.items()}
    return {}


def _place(stated: Any) -> np.ndarray:
    """Three numbers, NaN for whatever is none."""
    cells = stated if isinstance(stated, list) and len(stated) == 3 else [None] * 3
    return np.array([number_of(None if cell is None else str(cell)) for cell in cells])


def _is_triangle(marks: dict[str, np.ndarray]) -> bool:
    """Whether all three landmarks are known and do not lie on one line."""
    if set(marks) != set(LANDMARKS.values()):
        return False
    sides = marks["lpa"] - marks["nasion"], marks["rpa"] - marks["nasion"]
    area = np.linalg.norm(np.cross(*sides))
    return bool(area > 0.1 * np.linalg.norm(sides[0]) * np.linalg.norm(sides[1]))


def place_optodes(raw: "mne.io.BaseRaw", rows: Rows, facts: dict[str, Any], path: Path) -> None:
    """Give a Raw without positions, in place, those of optodes.tsv; others keep theirs.

    With them come nasion and ear points, if the coordinate system has them.
    """
    from neurofuse.io.snirf.probe import correct_length

    held = np.array([channel["loc"][3:9] for channel in raw.info["chs"]])
    if not rows or (np.isfinite(held).all(axis=1) & held.any(axis=1)).any():
        return
    scale = UNITS.get(str(facts.get("NIRSCoordinateUnits", "")), 1e-3)
    places = [
        {
            optode_labels(raw, kind).get(name, name): scale * place
            for name, place in _places(r for r in rows if r.get("type", kind) == kind).items()
        }
        for kind in ("source", "detector")
    ]
    unknown = np.full(3, np.nan)
    for name, channel in zip(raw.ch_names, raw.info["chs"], strict=True):
        source, detector, _ = name_parts(name, "a Raw")
        pair = [places[0].get(source, unknown), places[1].get(detector, unknown)]
        channel["loc"][:9] = np.concatenate([(pair[0] + pair[1]) / 2, *pair])
    correct_length(raw, path)
    marks = landmarks_in(facts, NIRS.name)
    if marks and not raw.info["dig"]:
        three = [marks.get(name, unknown) for name in LANDMARKS.values()]
        head = int(raw.info["chs"][0]["coord_frame"]) == HEAD
        set_landmarks(raw.info, np.array(three), head)


def _places(rows: Any) -> dict[str, np.ndarray]:
    """Places by name in lower case; a flat one lies at z = 0."""
    places = {}
    for row in rows:
        x, y, z = (number_of(row.get(axis)) for axis in "xyz")
        z = 0.0 if row.get("z") in (None, "") else z
        if np.isfinite([x, y, z]).all():
            places[row.get("name", "").lower()] = np.array([x, y, z])
    return places
