"""Positions of electrodes.tsv and optodes.tsv → a Raw, in metres."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io.bids.matching import optode_labels
from neurofuse.io.bids.tables import Rows, number_of
from neurofuse.io.logs import LOG
from neurofuse.io.mne_objects.optodes import name_parts

if TYPE_CHECKING:
    import mne

UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
HEAD_RADIUS = 0.09  # m, from the middle of a head's frame to its electrodes
HEAD_SYSTEMS = ("captrak",)  # MNE's head frame


def place_electrodes(raw: "mne.io.BaseRaw", rows: Rows, facts: dict[str, Any], path: Path) -> None:
    """Give a Raw, in place, the positions of electrodes.tsv by the names of channels."""
    import mne

    scale = UNITS.get(str(facts.get("EEGCoordinateUnits", "")), 1.0)
    known = {name.lower(): name for name in raw.ch_names}
    places = {known[n]: scale * p for n, p in _places(rows).items() if n in known}
    if not places:
        return
    head = str(facts.get("EEGCoordinateSystem", "")).lower() in HEAD_SYSTEMS
    montage = mne.channels.make_dig_montage(places, coord_frame="head" if head else "unknown")
    raw.set_montage(montage, on_missing="ignore")
    correct_unit(raw, facts, path)


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


def place_optodes(raw: "mne.io.BaseRaw", rows: Rows, facts: dict[str, Any], path: Path) -> None:
    """Give a Raw without positions, in place, those of optodes.tsv; others keep theirs."""
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


def _places(rows: Any) -> dict[str, np.ndarray]:
    """Places by name in lower case; a flat one lies at z = 0."""
    places = {}
    for row in rows:
        x, y, z = (number_of(row.get(axis)) for axis in "xyz")
        z = 0.0 if row.get("z") in (None, "") else z
        if np.isfinite([x, y, z]).all():
            places[row.get("name", "").lower()] = np.array([x, y, z])
    return places
