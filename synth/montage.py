"""Positions of electrodes and optodes [m, head frame]: by name, by number, or of a recording."""

import difflib
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError

TEN_TWENTY = [
    "Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3", "Pz",
    "P4", "P8", "O1", "O2",
]  # fmt: skip
OMITTED = {"T3", "T4", "T5", "T6", "M1", "M2", "A1", "A2"}  # second names, and not on the scalp
LARGEST_PAIR = 0.042  # m; optodes nearer than this make a pair
SHORT_PAIR = 0.008  # m

# positions of sources and detectors in the 10-10 system
OPTODES: dict[str, tuple[list[str], list[str]]] = {
    "motor": (
        ["FC3", "C5", "C1", "CP3", "FC4", "C6", "C2", "CP4"],
        ["FC5", "FC1", "C3", "CP5", "CP1", "FC6", "FC2", "C4", "CP6", "CP2"],
    ),
    "prefrontal": (
        ["AF7", "Fpz", "AF3", "AF4", "AF8", "F5", "F1", "F2", "F6"],
        ["Fp1", "Fp2", "F7", "F3", "AFz", "F4", "F8", "Fz"],
    ),
    "whole-head": (
        ["AF3", "AF4", "FC3", "C5", "C1", "CP3", "FC4", "C6", "C2", "CP4", "P5", "P1", "P2", "P6",
         "POz"],
        ["Fp1", "Fp2", "AFz", "FC5", "FC1", "C3", "CP5", "CP1", "FC6", "FC2", "C4", "CP6", "CP2",
         "P3", "P4", "Pz", "O1", "O2"],
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Probe:
    """Source-detector pairs: names (channel,) and positions (channel, 3) [m] of both ends."""

    source: Sequence[str]
    detector: Sequence[str]
    source_position: np.ndarray
    detector_position: np.ndarray
    wavelength: tuple[float, ...] | None = None  # nm, where a recording holds them

    @property
    def distance(self) -> np.ndarray:
        """Source-detector distances (channel,) [m]."""
        return np.linalg.norm(self.source_position - self.detector_position, axis=1)


@lru_cache(maxsize=16)
def builtin(name: str) -> dict[str, np.ndarray]:
    """Positions [m, head frame] of one of MNE's montages."""
    import mne

    montage = mne.channels.make_standard_montage(name)
    info = mne.create_info(montage.ch_names, 100.0, "eeg", verbose="error")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # montages without ear points
        info.set_montage(montage, verbose="error")
    return {c["ch_name"]: np.array(c["loc"][:3], float) for c in info["chs"]}


def ten_five() -> dict[str, np.ndarray]:
    """The positions of the 10-05 system on MNE's template head."""
    import mne

    known = mne.channels.get_builtin_montages()
    return builtin("colin27_1005" if "colin27_1005" in known else "standard_1005")


def eeg_montage(
    montage: str | int | Iterable[str] | xr.Dataset | xr.DataTree,
) -> tuple[list[str], np.ndarray]:
    """Names and positions of electrodes.

    Parameters
    ----------
    montage : str, int, names, or EEG node
        "10-20" (19 electrodes), a name of `mne.channels.get_builtin_montages()`, a number of
        positions of the 10-05 system, spread evenly, names of 10-05 positions, or the `/eeg` of a
        Recording.

    Returns
    -------
    names : list of str
    position : array (channel, 3)
        Positions [m, head frame]; NaN where a node does not hold them.

    Raises
    ------
    ParameterError
        For names and numbers that do not exist.

    Examples
    --------
    >>> names, position = eeg_montage(["C3", "C4"])
    >>> names, bool(position[0, 0] < 0 < position[1, 0])
    (['C3', 'C4'], True)
    """
    if isinstance(montage, xr.Dataset | xr.DataTree):
        return _of_eeg_node(_dataset(montage))
    if isinstance(montage, int | np.integer) and not isinstance(montage, bool):
        names = _spread(int(montage))
    elif montage == "10-20":
        names = TEN_TWENTY
    elif isinstance(montage, str):
        import mne

        known = mne.channels.get_builtin_montages()
        if montage not in known:
            raise _unknown("eeg_montage", montage, ["10-20", *map(str, known)])
        places = builtin(montage)
        return list(places), np.array(list(places.values()))
    elif isinstance(montage, Iterable):
        names = list(montage)
    else:
        raise ParameterError(
            f"eeg_montage={montage!r}", "a name, a number, names or an EEG node", "try '10-20'"
        )
    places = ten_five()
    for name in names:
        if name not in places:
            raise _unknown("electrode", name, places)
    if not names or len(set(names)) < len(names):
        raise ParameterError(
            f"electrodes {names}", "one or more, each once", "remove the repeated names"
        )
    return names, np.array([places[name] for name in names])


def nirs_montage(montage: str | xr.Dataset | xr.DataTree) -> Probe:
    """Source-detector pairs of a named montage or of a recording.

    Parameters
    ----------
    montage : str or fNIRS node
        "motor", "prefrontal" or "whole-head", with "+short" for an 8 mm channel at each source, or
        the `/nirs` of a Recording.

    Returns
    -------
    Probe
        Source-detector pairs with positions [m].

    Raises
    ------
    ParameterError
        For other names, and for a node without positions.

    Examples
    --------
    >>> probe = nirs_montage("motor+short")
    >>> int((probe.distance < 0.01).sum()), len(probe.source)
    (8, 32)
    """
    if isinstance(montage, xr.Dataset | xr.DataTree):
        return _of_nirs_node(_dataset(montage))
    name, plus, extra = str(montage).partition("+")
    if name not in OPTODES or (plus and extra != "short"):
        raise _unknown(
            "nirs_montage", str(montage), [n + s for s in ("", "+short") for n in OPTODES]
        )
    places = ten_five()
    sources, detectors = OPTODES[name]
    pairs = [
        (f"S{i}", f"D{j}", places[s], places[d])
        for i, s in enumerate(sources, 1)
        for j, d in enumerate(detectors, 1)
        if np.linalg.norm(np.subtract(places[s], places[d])) < LARGEST_PAIR
    ]
    if plus:
        middle = np.mean(list(places.values()), axis=0)
        for i, s in enumerate(sources, 1):
            at = places[s]
            aside = np.cross(at - middle, [1.0, 0, 0])  # along the scalp, towards front or back
            near = at + SHORT_PAIR * aside / np.linalg.norm(aside)
            pairs.append((f"S{i}", f"D{len(detectors) + i}", at, near))
    source, detector, source_at, detector_at = zip(*pairs, strict=True)
    return Probe(source, detector, np.array(source_at, float), np.array(detector_at, float))


def _dataset(node: xr.Dataset | xr.DataTree) -> xr.Dataset:
    return node.to_dataset() if isinstance(node, xr.DataTree) else node


def _of_eeg_node(node: xr.Dataset) -> tuple[list[str], np.ndarray]:
    if "channel" not in node.coords or "eeg" not in node.data_vars:
        raise ParameterError(
            "an eeg_montage node that is no EEG", "an EEG node", "give recording['eeg']"
        )
    names = [str(name) for name in node.channel.values]
    if "position" not in node.coords:
        return names, np.full((len(names), 3), np.nan)
    return names, np.array(node.position.transpose("channel", "axis").values, float)


def _of_nirs_node(node: xr.Dataset) -> Probe:
    ends = ("source", "detector", "source_position", "detector_position")
    if any(end not in node.coords for end in ends) or "wavelength" not in node.coords:
        raise ParameterError(
            "a nirs_montage node without pairs", "an fNIRS node", "give recording['nirs']"
        )
    places = [np.array(node[end].transpose("channel", "axis").values, float) for end in ends[2:]]
    if not np.isfinite(places).all():
        raise ParameterError(
            "fNIRS channels without positions of source and detector",
            "positions, since the light path follows from the distance",
            "read the file with its positions, or name a montage ('motor', 'whole-head')",
        )
    names = [[str(name) for name in node[end].values.tolist()] for end in ends[:2]]
    waves = tuple(float(w) for w in node.wavelength.values.tolist())
    return Probe(names[0], names[1], places[0], places[1], waves)


def _spread(count: int) -> list[str]:
    """`count` of the 10-05 positions, each farthest from those before it, in their usual order."""
    places = {k: v for k, v in ten_five().items() if k not in OMITTED}
    if not 1 <= count <= len(places):
        raise ParameterError(
            f"eeg_montage={count}", f"1 to {len(places)} electrodes", "choose a number in between"
        )
    names, at = list(places), np.array(list(places.values()))
    chosen = [names.index("Cz")]
    away = np.linalg.norm(at - at[chosen[0]], axis=1)
    while len(chosen) < count:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(at - at[chosen[-1]], axis=1))
    return [names[i] for i in sorted(chosen)]


def _unknown(what: str, name: str, known: Iterable[str]) -> ParameterError:
    known = list(known)
    near = difflib.get_close_matches(str(name), known, 4, 0.4) or known[:4]
    return ParameterError(f"{what} {name!r}", f"one of {', '.join(near)}, …", "check the spelling")
