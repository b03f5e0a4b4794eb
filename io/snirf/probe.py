"""Where the optodes and landmarks of a SNIRF file are, and whether its length unit can be true."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io.logs import LOG
from neurofuse.io.mne_objects.landmarks import HEAD
from neurofuse.io.snirf.hdf5 import numbers, texts
from neurofuse.io.snirf.orientation import rows_of_optodes
from neurofuse.io.snirf.table import Channels, tag

if TYPE_CHECKING:
    import mne

LENGTH_UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "μm": 1e-6, "µm": 1e-6}
SMALLEST, LARGEST = 0.006, 0.15  # m; in no probe are all pairs shorter, all of a source longer
HEAD_SIZE = 0.3  # m; no pair is longer
DENSE = 4  # sources and detectors; with half of all pairs or more they are a dense array
TYPICAL = 0.03  # m, the usual source-detector distance
UNKNOWN = 0  # FIFF's number of an unknown coordinate frame
FRAMES = tuple("01234567")  # FIFF's numbers of frames
FIDUCIALS = {"nz": "nasion", "al": "lpa", "ar": "rpa"}  # SNIRF's names of landmarks -> MNE's


@dataclass(frozen=True)
class Probe:
    """Positions [m] of the optodes of each channel, and of the landmarks.

    Parameters
    ----------
    source, detector : arrays (row, 3)
        In the order of the measurement list; NaN where unknown.
    landmarks : dict of name to array (3,)
    frame : int
        FIFF's number of the coordinate frame of the optodes.
    optodes : two arrays (optode, 3)
        All sources and all detectors, with or without channels.
    unit : float
        Metres in the file's unit of length, as it says.
    """

    source: np.ndarray
    detector: np.ndarray
    landmarks: dict[str, np.ndarray]
    frame: int
    optodes: tuple[np.ndarray, np.ndarray]
    unit: float

    @property
    def other_landmarks(self) -> list[str]:
        """Names of the landmarks beside the fiducials, in the order of `digitised`."""
        return [name for name in self.landmarks if name not in FIDUCIALS.values()]

    def fiducials(self) -> np.ndarray | None:
        """Nasion, left and right ear point (nine numbers, NaN where unknown), or None.

        They count only where their frame, head or unknown, is that of the optodes.
        """
        marks = np.full((3, 3), np.nan)
        if self.frame in (HEAD, UNKNOWN):
            for row, name in enumerate(FIDUCIALS.values()):
                marks[row] = self.landmarks.get(name, np.nan)
        return marks.ravel() if np.isfinite(marks).any() else None

    def digitised(self) -> list[list[float]]:
        """The landmarks as a stream's header has them: kind, number, frame, x, y, z."""
        import mne

        if not self.landmarks:
            return []
        basic = {n: self.landmarks[n] for n in FIDUCIALS.values() if n in self.landmarks}
        rest = {name: self.landmarks[name] for name in self.other_landmarks}
        frame = "head" if self.frame == HEAD else "unknown"
        points: Any = mne.channels.make_dig_montage(rest, **basic, coord_frame=frame).dig
        return [
            [int(p["kind"]), int(p["ident"]), int(p["coord_frame"]), *map(float, p["r"])]
            for p in points
        ]


def read_probe(nirs: Any, channels: Channels, path: Path) -> Probe:
    """The probe of a /nirs group; a length unit that cannot be true is corrected with a warning."""
    unit = LENGTH_UNITS.get(tag(nirs, "LengthUnit").strip(), 1e-3)
    sources, detectors = positions(nirs, channels, path)
    source = _rows(sources, channels.source) * unit
    detector = _rows(detectors, channels.detector) * unit
    marks = {name: place * unit for name, place in landmarks(nirs).items()}
    if tag(nirs, "AppName") != "neurofuse":  # ours are in m, as the tag says
        factor = length_factor(source, detector, path)
        source, detector = source * factor, detector * factor
        sources, detectors = sources * factor, detectors * factor
        marks = {name: place * factor for name, place in marks.items()}
    stored = tag(nirs, "MNE_coordFrame")
    frame = int(stored) if stored in FRAMES else UNKNOWN
    if tag(nirs, "ManufacturerName") == "Gowerlabs":
        frame = HEAD
    return Probe(source, detector, marks, frame, (sources * unit, detectors * unit), unit)


def positions(nirs: Any, channels: Channels, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Source and detector positions (optode, 3) in the file's unit: in space, else flat, else none.

    Optodes that all lie at the origin have no position.
    A warning names tables with one column per optode.
    """
    probe = nirs.get("probe", {})
    for width in (3, 2):
        stored = [numbers(probe.get(f"{kind}Pos{width}D")) for kind in ("source", "detector")]
        made = rows_of_optodes(stored[0], stored[1], (channels.source, channels.detector), width)
        if made is None or not any(p.any() for p in stored):
            continue
        if made[2]:
            LOG.warning("%s: its positions hold one optode a column; taken as such", path)
        source, detector = (np.pad(p, ((0, 0), (0, 3 - width))) for p in made[:2])
        return source, detector
    return np.empty((0, 3)), np.empty((0, 3))


def landmarks(nirs: Any) -> dict[str, np.ndarray]:
    """Positions of the landmarks that have a name, in the file's unit; fiducials by MNE's names."""
    probe = nirs.get("probe", {})
    place, names = numbers(probe.get("landmarkPos3D")), texts(probe.get("landmarkLabels"))
    if place.ndim == 1 and place.size in (3, 4):
        place = place[None]
    if place.ndim == 2 and place.shape[0] in (3, 4) and place.shape[1] == len(names) != len(place):
        place = place.T  # one landmark a column
    if place.ndim != 2 or place.shape[1] < 3:
        return {}
    rows = place[:, 3] - 1 if place.shape[1] > 3 else np.arange(len(place))
    known = [(int(r), p[:3]) for r, p in zip(rows, place, strict=True) if 0 <= r < len(names)]
    named = {names[r]: p for r, p in known if names[r] and np.isfinite(p).all()}
    fiducials = {*FIDUCIALS, *FIDUCIALS.values()}
    return {
        FIDUCIALS.get(name.lower(), name.lower()) if name.lower() in fiducials else name: place
        for name, place in named.items()
    }


def correct_length(raw: "mne.io.BaseRaw", path: str | Path) -> None:
    """Scale a Raw's positions, in place, by `length_factor`."""
    chs = raw.info["chs"]
    loc = np.array([channel["loc"][3:9] for channel in chs])
    factor = length_factor(loc[:, :3], loc[:, 3:], path)
    for channel in chs:
        channel["loc"][:9] *= factor
    for point in raw.info["dig"] or []:
        point["r"] *= factor


def length_factor(source: np.ndarray, detector: np.ndarray, path: str | Path) -> float:
    """What to multiply positions with whose unit cannot be true (cm called mm and the like).

    Optodes sit 30 mm apart as a rule; the power of ten that comes nearest to it is returned, with
    a warning. It is 1 where the unit can be true: some pair is 6 mm or more apart, every source
    has a detector within 150 mm, and no pair is longer than a head, 300 mm. A dense array, which
    has half of all pairs or more, is judged by the nearest detector of each source.

    Parameters
    ----------
    source, detector : arrays (row, 3)
        Positions [m] in the file's unit; NaN where unknown.
    path : path
        For the message.
    """
    distance = np.linalg.norm(source - detector, axis=1)
    known = np.isfinite(distance) & (distance > 0)
    distance, source, detector = distance[known], source[known], detector[known]
    if len(distance) == 0:
        return 1.0
    nearest = _nearest(source, distance)
    typical = nearest if _dense(source, detector) else distance
    near = typical.max() >= SMALLEST and nearest.max() <= LARGEST
    if near and distance.max() <= HEAD_SIZE:
        return 1.0
    factors = 10.0 ** np.arange(-6, 7)
    unlikely = np.abs(np.log(factors * np.median(typical) / TYPICAL))
    factor = float(factors[np.argmin(unlikely)])
    LOG.warning(
        "%s: its length unit puts sources and detectors %.3g mm apart; positions taken times %g",
        path,
        1e3 * float(np.median(typical)),
        factor,
    )
    return factor


def _nearest(source: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """The distance of each source's nearest detector."""
    _, owner = np.unique(source, axis=0, return_inverse=True)
    nearest = np.full(owner.max() + 1, np.inf)
    np.minimum.at(nearest, owner.ravel(), distance)
    return nearest


def _dense(source: np.ndarray, detector: np.ndarray) -> bool:
    counts = [len(np.unique(places, axis=0)) for places in (source, detector)]
    pairs = len(np.unique(np.hstack([source, detector]), axis=0))
    return min(counts) >= DENSE and 2 * pairs >= counts[0] * counts[1]


def _rows(places: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The positions of numbered optodes, NaN for those that the probe does not list."""
    listed = (index >= 1) & (index <= len(places))
    return np.vstack([places, np.full(3, np.nan)])[np.where(listed, index - 1, -1)]
