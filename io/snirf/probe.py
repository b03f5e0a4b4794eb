"""Where the optodes and landmarks of a SNIRF file are, and whether its length unit can be true."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io.logs import LOG
from neurofuse.io.snirf.hdf5 import numbers, texts
from neurofuse.io.snirf.table import tag

if TYPE_CHECKING:
    import mne

LENGTH_UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "μm": 1e-6, "µm": 1e-6}
SMALLEST, LARGEST = 0.006, 0.15  # m; no probe is entirely below or has a pair above
TYPICAL = 0.03  # m, the usual source-detector distance
HEAD = 4  # FIFF's number of the head coordinate frame
FRAMES = tuple("01234567")  # FIFF's numbers of frames, 0 for unknown


def place_channels(nirs: Any, info: "mne.Info", table: dict[str, np.ndarray]) -> None:
    """Write positions, wavelengths, frame and landmarks into `info`."""
    import mne

    unit = LENGTH_UNITS.get(tag(nirs, "LengthUnit").strip(), 1e-3)
    sources, detectors = positions(nirs)
    told = tag(nirs, "MNE_coordFrame")
    frame = int(told) if told in FRAMES else 0
    if tag(nirs, "ManufacturerName") == "Gowerlabs":
        frame = HEAD
    for row, channel in enumerate(info["chs"]):
        source = _row(sources, table["sourceIndex"][row]) * unit
        detector = _row(detectors, table["detectorIndex"][row]) * unit
        channel["loc"][:9] = np.concatenate([(source + detector) / 2, source, detector])
        channel["loc"][9] = table["wavelength"][row]
        channel["coord_frame"] = frame
    marks = {name: place * unit for name, place in landmarks(nirs).items()}
    if marks:
        usual = {"nz": "nasion", "al": "lpa", "ar": "rpa"}
        known = {usual.get(n.lower(), n.lower()): p for n, p in marks.items()}
        basic = {n: known[n] for n in ("nasion", "lpa", "rpa") if n in known}
        rest = {n: p for n, p in marks.items() if usual.get(n.lower(), n.lower()) not in basic}
        montage = mne.channels.make_dig_montage(
            rest, **basic, coord_frame="head" if frame == HEAD else "unknown"
        )
        with info._unlock():
            info["dig"] = montage.dig


def positions(nirs: Any) -> tuple[np.ndarray, np.ndarray]:
    """Source and detector positions (optode, 3) in the file's unit: in space, else flat, else none.

    Optodes that all lie at the origin have no position.
    """
    probe = nirs.get("probe", {})
    for width in (3, 2):
        pair = [numbers(probe.get(f"{kind}Pos{width}D")) for kind in ("source", "detector")]
        if all(p.ndim == 2 and p.shape[1] >= width for p in pair) and any(p.any() for p in pair):
            flat = [np.pad(p[:, :width], ((0, 0), (0, 3 - width))) for p in pair]
            return flat[0], flat[1]
    return np.empty((0, 3)), np.empty((0, 3))


def landmarks(nirs: Any) -> dict[str, np.ndarray]:
    """Positions of the landmarks that have a name, in the file's unit."""
    probe = nirs.get("probe", {})
    place, names = numbers(probe.get("landmarkPos3D")), texts(probe.get("landmarkLabels"))
    if place.ndim != 2 or place.shape[1] < 3:
        return {}
    rows = place[:, 3] - 1 if place.shape[1] > 3 else np.arange(len(place))
    known = [(int(r), p[:3]) for r, p in zip(rows, place, strict=True) if 0 <= r < len(names)]
    return {names[r]: p for r, p in known if names[r] and np.isfinite(p).all()}


def mend_length(raw: "mne.io.BaseRaw", path: str | Path) -> None:
    """Scale a Raw's positions, in place, if their unit cannot be true (cm called mm and the like).

    Optodes sit 30 mm apart as a rule; the power of ten is taken that comes nearest to it. Nothing
    is done where some pair is 6 mm or more apart and none more than 150 mm.
    """
    chs = raw.info["chs"]
    loc = np.array([c["loc"][3:9] for c in chs])
    distance = np.linalg.norm(loc[:, :3] - loc[:, 3:], axis=1)
    distance = distance[np.isfinite(distance) & (distance > 0)]
    if len(distance) == 0 or (distance.max() >= SMALLEST and distance.max() <= LARGEST):
        return
    factors = 10.0 ** np.arange(-6, 7)
    typical = np.abs(np.log(factors * np.median(distance) / TYPICAL))
    factor = float(factors[np.argmin(typical)])
    LOG.warning(
        "%s: its length unit puts sources and detectors %.3g mm apart; positions taken times %g",
        path,
        1e3 * float(np.median(distance)),
        factor,
    )
    for channel in chs:
        channel["loc"][:9] *= factor
    for point in raw.info["dig"] or []:
        point["r"] *= factor


def _row(places: np.ndarray, index: float) -> np.ndarray:
    return places[int(index) - 1] if index <= len(places) else np.full(3, np.nan)
