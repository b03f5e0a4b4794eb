"""Which recording of a SNIRF file is read, and what each of its channels measured.

Layout: SNIRF specification 1.1 (github.com/fNIRS/snirf), and what its draft 1.2 adds.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG
from neurofuse.io.optics.conversion import MNE_TYPES
from neurofuse.io.snirf.hdf5 import check_size, first_numbers, numbered, numbers, text, texts
from neurofuse.io.snirf.labels import optode_names

CONTINUOUS_WAVE, PROCESSED = 1, 99999  # numbers of data types
OTHER_TYPES = {  # first number of a family of data types
    2: "continuous-wave fluorescence",
    101: "frequency-domain data",
    201: "time-gated data",
    301: "moments of time-domain data",
    401: "diffuse correlation data",
}
INDICES = ("sourceIndex", "detectorIndex", "wavelengthIndex")
VARIABLES = {kind: variable for variable, kind in MNE_TYPES.items()}


@dataclass(frozen=True)
class Channels:
    """The measurement list: one row for each channel, in the order of the columns of samples.

    Parameters
    ----------
    variable : {"intensity", "od"}
        What all channels hold.
    source, detector : integer arrays (row,)
        Optodes, numbered from 1.
    wavelength : array (row,)
        Wavelengths [nm].
    unit : list of str
        Units of the samples as the file has them, "" where it has none.
    name : list of str
        Names like "S1_D1 760", the form that MNE asks for.
    column : integer array (row,)
        Which columns of samples they are: all but those that repeat a pair.
    groups : list of h5py.Group
        The entries of the measurement list, one for each column of samples; opened once.
    """

    variable: str
    source: np.ndarray
    detector: np.ndarray
    wavelength: np.ndarray
    unit: list[str]
    name: list[str]
    column: np.ndarray
    groups: list[Any]

    def optodes(self, rows: np.ndarray) -> list[tuple[str, str]]:
        """Names of source and detector of some rows."""
        source, _, detector = zip(
            *(self.name[r].split(" ")[0].partition("_") for r in rows), strict=True
        )
        return list(zip(source, detector, strict=True))


def measurement(file: Any, path: Path, group: str | None) -> Any:
    """The one /nirs group that holds samples, or the one asked for."""
    full = [name for name in numbered(file, "nirs") if data_blocks(file[name])]
    if group is not None:
        full = [name for name in full if name == group]
    if len(full) == 1:
        return file[full[0]]
    if not full:
        where = group or " or ".join(f"{name}/data1" for name in numbered(file, "nirs")) or "nirs"
        raise ReadError(f"{path} without samples in {where}", "samples", "export it again")
    raise ReadError(
        f"{path} with {len(full)} recordings: "
        + ", ".join(f"{name} ({_shown(file[name])})" for name in full),
        "one recording",
        f'choose one with neurofuse.io.snirf.read.read_snirf(path, group="{full[0]}")',
    )


def _shown(nirs: Any) -> str:
    """What tells a recording from others without naming its subject: size and date."""
    sizes = [np.size(block["dataTimeSeries"]) for block in data_blocks(nirs)]
    date = " ".join(tag(nirs, f"Measurement{part}").strip() for part in ("Date", "Time"))
    return f"{sum(sizes)} values, {date.strip() or 'no date'}"


def data_blocks(nirs: Any) -> list[Any]:
    """The data blocks that hold samples."""
    names = numbered(nirs, "data") if hasattr(nirs, "keys") else []
    return [nirs[n] for n in names if getattr(nirs.get(f"{n}/dataTimeSeries"), "size", 0)]


def shape_of(block: Any, path: Path) -> tuple[int, int]:
    """Numbers of samples and channels of a data block."""
    check_size(block["dataTimeSeries"])
    shape = block["dataTimeSeries"].shape
    if len(shape) not in (1, 2):
        raise ReadError(f"samples of shape {shape} in {path}", "(time, channel)", "export it again")
    return (shape[0], shape[1] if len(shape) == 2 else 1)


def tag(nirs: Any, name: str) -> str:
    """A metadata tag, "" where there is none."""
    return text(nirs.get(f"metaDataTags/{name}"))


def channel_table(nirs: Any, block: Any, path: Path) -> Channels:
    """The channels of a data block.

    Raises
    ------
    ReadError
        If the list does not fit the samples, its indices do not fit the probe, two rows are the
        same, or the data are not continuous-wave intensity or optical density.
    """
    count = shape_of(block, path)[1]
    groups = [block[name] for name in numbered(block, "measurementList")]
    if groups or "measurementLists" not in block:
        rows = len(groups)
        columns = {name: first_numbers(groups, name) for name in (*INDICES, "dataType")}
        words = {
            name: [text(group[name]) if name.encode() in group.id else "" for group in groups]
            for name in ("dataTypeLabel", "dataUnit")
        }
    else:  # the form that the draft 1.2 adds
        lists = block["measurementLists"]
        columns = {name: numbers(lists.get(name)).ravel() for name in (*INDICES, "dataType")}
        rows = len(columns["sourceIndex"])
        words = {
            name: texts(lists.get(name)) or [""] * rows for name in ("dataTypeLabel", "dataUnit")
        }
    if rows != count or any(len(column) != rows for column in (*columns.values(), *words.values())):
        raise ReadError(
            f"{path} with {count} columns of samples and {rows} entries in its measurement list",
            "one entry a column",
            "export the recording again",
        )
    variable = _variable(columns["dataType"].tolist(), words["dataTypeLabel"], path)
    indices = np.array([columns[name] for name in INDICES])
    waves = _wavelengths(nirs, indices, path)
    column = _once(indices.astype(int), path)
    source, detector, color = indices.astype(int)[:, column]
    return Channels(
        variable,
        source,
        detector,
        waves[color - 1],
        [words["dataUnit"][row] for row in column],
        _names(nirs, source, detector, waves, color - 1, path),
        column,
        groups,
    )


def _once(indices: np.ndarray, path: Path) -> np.ndarray:
    """The columns to read: where pairs were recorded twice as a whole, at two gains, the first.

    Channels that repeat others without their pair stay, for the table to be refused.
    """
    first: dict[tuple[int, ...], int] = {}
    for column, row in enumerate(indices.T.tolist()):
        first.setdefault(tuple(row), column)
    if len(first) == indices.shape[1]:
        return np.arange(indices.shape[1])
    times = Counter(map(tuple, indices.T.tolist()))
    counts: dict[tuple[int, ...], set[int]] = {}
    for row, count in times.items():
        counts.setdefault(row[:2], set()).add(count)
    if any(len(found) > 1 for found in counts.values()):
        return np.arange(indices.shape[1])
    repeated = [f"S{s}_D{d}" for (s, d), found in counts.items() if found != {1}]
    LOG.warning(
        "%s: more than one recording of %s, as of several gains; the first is read",
        path,
        ", ".join(repeated),
    )
    return np.array(sorted(first.values()))


def _variable(codes: list[float], labels: list[str], path: Path) -> str:
    kinds = sorted({_kind(code, label) for code, label in zip(codes, labels, strict=True)})
    if len(kinds) == 1 and kinds[0] in VARIABLES:
        return VARIABLES[kinds[0]]
    haemoglobin = any("haemoglobin" in kind for kind in kinds)
    raise ReadError(
        f"{' and '.join(kinds)} in {path}",
        "continuous-wave intensity only, or optical density only",
        "give the file as the device wrote it: motion is corrected before Beer-Lambert"
        if haemoglobin
        else "export the intensities alone",
    )


def _kind(code: float, label: str) -> str:
    """MNE's channel type for a data type, or a description of what is not read."""
    if code == CONTINUOUS_WAVE:
        return MNE_TYPES["intensity"]
    if code == PROCESSED and label.lower() == "dod":
        return MNE_TYPES["od"]
    if code == PROCESSED and re.search("hb[ort]", label, re.I):
        return f"haemoglobin concentrations ({label})"
    if code == PROCESSED:
        return f"processed data {label!r}"
    family = [name for first, name in OTHER_TYPES.items() if first <= code]
    return f"{family[-1] if family else 'data'} (dataType {code:g})"


def _wavelengths(nirs: Any, indices: np.ndarray, path: Path) -> np.ndarray:
    """The probe's wavelengths [nm], once indices (kind, row) and wavelengths fit together."""
    waves = numbers(nirs.get("probe/wavelengths")).ravel()
    if not (indices >= 1).all() or not (indices[2] <= len(waves)).all():
        raise ReadError(
            f"{path} with {len(waves)} wavelengths, source, detector and wavelength indices from "
            f"{indices.min(axis=1).tolist()} to {indices.max(axis=1).tolist()}",
            "indices that count from 1 and a wavelength for each",
            "export the recording again",
        )
    if not ((waves > 100) & (waves < 10_000)).all():
        raise ReadError(
            f"{path} with wavelengths {waves.tolist()[:9]}",
            "wavelengths in nm",
            "correct /nirs/probe/wavelengths",
        )
    return waves


def _names(
    nirs: Any,
    source: np.ndarray,
    detector: np.ndarray,
    waves: np.ndarray,
    picks: np.ndarray,
    path: Path,
) -> list[str]:
    whole = waves.astype(int)  # MNE's names; its functions want whole numbers
    shown = whole if len(set(whole)) == len(set(waves)) else waves
    sources = optode_names(nirs, "source", int(source.max()))
    detectors = optode_names(nirs, "detector", int(detector.max()))
    rows = zip(source.tolist(), detector.tolist(), shown[picks].tolist(), strict=True)
    names = [f"{sources(s)}_{detectors(d)} {w:g}" for s, d, w in rows]
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ReadError(
            f"{count} channels {name!r} in {path}",
            "each source, detector and wavelength once",
            "export the recording again",
        )
    return names
