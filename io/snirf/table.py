"""What the samples of a SNIRF file are: which recording, which channels, of which kind, when.

Layout: SNIRF specification 1.1 (github.com/fNIRS/snirf), and what its draft 1.2 adds.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from neurofuse.io.clock.grid import Grid, even_grid
from neurofuse.io.errors import ReadError
from neurofuse.io.snirf.hdf5 import check_size, numbered, numbers, text, texts

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "μs": 1e-6, "µs": 1e-6}
VOLTAGES = {"mV": 1e-3, "uV": 1e-6, "μV": 1e-6, "µV": 1e-6, "nV": 1e-9}
UNTOLD = ("", "unknown")
OTHER_TYPES = {  # first number of a family of data types
    2: "continuous-wave fluorescence",
    101: "frequency-domain data",
    201: "time-gated data",
    301: "moments of time-domain data",
    401: "diffuse correlation data",
}
SLOWEST, FASTEST = 0.05, 10_000.0  # Hz; beyond, the unit of time cannot be true


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
        + ", ".join(f"{n} (subject {tag(file[n], 'SubjectID')!r})" for n in full),
        "one recording",
        f'take one with neurofuse.io.snirf.read.read_snirf_raw(path, group="{full[0]}") and from_mne',
    )


def data_blocks(nirs: Any) -> list[Any]:
    """The data blocks that hold samples."""
    names = numbered(nirs, "data") if hasattr(nirs, "keys") else []
    return [nirs[n] for n in names if getattr(nirs.get(f"{n}/dataTimeSeries"), "size", 0)]


def shape_of(block: Any, path: Path) -> tuple[int, int]:
    """Counts of samples and channels of a data block."""
    check_size(block["dataTimeSeries"])
    shape = block["dataTimeSeries"].shape
    if len(shape) not in (1, 2):
        raise ReadError(f"samples of shape {shape} in {path}", "(time, channel)", "export it again")
    return (shape[0], shape[1] if len(shape) == 2 else 1)


def tag(nirs: Any, name: str) -> str:
    """A metadata tag, "" where there is none."""
    return text(nirs.get(f"metaDataTags/{name}"))


def channel_table(nirs: Any, block: Any, path: Path) -> tuple[dict[str, np.ndarray], str]:
    """Columns of the measurement list, one row a channel in the order of the data, and MNE's type.

    The columns are those of SNIRF, `wavelength` [nm] and `name`.
    """
    count = shape_of(block, path)[1]
    fields = ("sourceIndex", "detectorIndex", "wavelengthIndex", "dataType")
    words = ("dataTypeLabel", "dataUnit")
    groups = [block[n] for n in numbered(block, "measurementList")]
    if groups or "measurementLists" not in block:
        rows = len(groups)
        table = {f: np.array([_first(g.get(f)) for g in groups]) for f in fields}
        table |= {w: np.array([text(g.get(w)) for g in groups], object) for w in words}
    else:  # the form that the draft 1.2 adds
        lists = block["measurementLists"]
        table = {f: numbers(lists.get(f)).ravel() for f in fields}
        rows = len(table["sourceIndex"])
        table |= {w: np.array(texts(lists.get(w)) or [""] * rows, object) for w in words}
    if rows != count or any(len(column) != rows for column in table.values()):
        raise ReadError(
            f"{path} with {count} columns of samples and {rows} entries in its measurement list",
            "one entry a column",
            "export the recording again",
        )
    kind = _kind_of(table, path)
    table["wavelength"], table["name"] = _wavelengths(nirs, table, path)
    return table, kind


def time_scale(nirs: Any, path: Path) -> float:
    """Seconds in the file's unit of time; a unit that the file calls unknown is a second."""
    unit = tag(nirs, "TimeUnit").strip()
    if unit not in TIME_UNITS and unit.lower() not in UNTOLD:
        raise ReadError(
            f"{path} with TimeUnit {unit!r}",
            f"one of {', '.join(list(TIME_UNITS)[:3])}",
            "correct /nirs/metaDataTags/TimeUnit",
        )
    return TIME_UNITS.get(unit, 1.0)


def times(group: Any, count: int) -> np.ndarray:
    """Times of `count` samples as the group has them: all, or start and spacing."""
    time = numbers(group.get("time")).ravel()
    if len(time) == 2 and (count != 2 or time[1] <= time[0]):
        time = time[0] + time[1] * np.arange(count)
    return time


def sample_grid(nirs: Any, block: Any, path: Path) -> Grid:
    """The even grid that the sample times of a data block lie on [s]."""
    count = shape_of(block, path)[0]
    time = times(block, count)
    if len(time) != count:
        raise ReadError(
            f"{path} with {count} samples and {len(time)} sample times",
            "one time a sample, or start and spacing",
            "export the recording again",
        )
    scale = time_scale(nirs, path)
    resolution = _resolution(block["time"][()].ravel(), count)
    grid = even_grid(time * scale, path, resolution * scale)
    if not SLOWEST <= grid.rate <= FASTEST:
        raise ReadError(
            f"{grid.rate:.3g} samples a second in {path}",
            f"a rate between {SLOWEST:g} and {FASTEST:g} Hz",
            "correct /nirs/metaDataTags/TimeUnit (s, ms or us)",
        )
    return grid


def _kind_of(table: dict[str, np.ndarray], path: Path) -> str:
    pairs = zip(table["dataType"].tolist(), table["dataTypeLabel"], strict=True)
    kinds = sorted({_kind(code, label) for code, label in pairs})
    if kinds in (["fnirs_cw_amplitude"], ["fnirs_od"]):
        return kinds[0]
    blood = any("haemoglobin" in kind for kind in kinds)
    raise ReadError(
        f"{' and '.join(kinds)} in {path}",
        "continuous-wave intensity only, or optical density only",
        "give the file as the device wrote it: motion is corrected before Beer-Lambert"
        if blood
        else "export the intensities alone",
    )


def _wavelengths(
    nirs: Any, table: dict[str, np.ndarray], path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths [nm] of the channels, and their names like S1_D1 760, as MNE gives them."""
    waves = numbers(nirs.get("probe/wavelengths")).ravel()
    indices = np.array([table[f"{of}Index"] for of in ("source", "detector", "wavelength")])
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
    picks = indices[2].astype(int) - 1
    plain = waves.astype(int)  # MNE's names; its functions want whole numbers
    shown = plain if len(set(plain)) == len(set(waves)) else waves
    columns = zip(*indices[:2].astype(int).tolist(), shown[picks].tolist(), strict=True)
    names = [f"S{source}_D{detector} {wave:g}" for source, detector, wave in columns]
    name, times_there = Counter(names).most_common(1)[0]
    if times_there > 1:
        raise ReadError(
            f"{times_there} channels {name!r} in {path}",
            "each source, detector and wavelength once",
            "export the recording again",
        )
    return waves[picks], np.array(names, object)


def _resolution(stored: np.ndarray, count: int) -> float:
    """Smallest difference [unit of the file] that its float32 times can tell, else 0."""
    if stored.dtype.kind != "f" or stored.dtype.itemsize >= 8:
        return 0.0
    return float(np.spacing(stored[-1])) * (1 if len(stored) == count else count)


def _first(node: Any) -> float:
    return float(next(iter(numbers(node).ravel()), np.nan))


def _kind(code: float, label: str) -> str:
    if code == 1:
        return "fnirs_cw_amplitude"
    if code == 99999 and label.lower() == "dod":
        return "fnirs_od"
    if code == 99999 and re.search("hb[ort]", label, re.I):
        return f"haemoglobin concentrations ({label})"
    if code == 99999:
        return f"processed data {label!r}"
    family = [name for first, name in OTHER_TYPES.items() if first <= code]
    return f"{family[-1] if family else 'data'} (dataType {code:g})"
