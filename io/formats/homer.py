"""Homer's .nirs files (MATLAB) → an MNE Raw of light intensity and its further sensors.

What is in them, after the public description of the format: `t` (sample) [s], `d` (sample, column),
`s` (sample, condition; marks where a stimulus begins), `aux` (sample, sensor), `CondNames`, and the
probe `SD` with `Lambda` [nm], `SrcPos`, `DetPos`, `MeasList` (column: source, detector, unused,
wavelength; numbers from 1), `SpatialUnit` and `MeasListAct` (0: switched off by hand).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofuse.io.clock.grid import Grid, even_grid
from neurofuse.io.errors import ReadError
from neurofuse.io.formats.matlab import read_matlab
from neurofuse.io.logs import LOG, quiet, reading
from neurofuse.io.runs import runs
from neurofuse.io.snirf.probe import correct_length
from neurofuse.io.snirf.samples import check_rate, warn_of_gaps

if TYPE_CHECKING:
    import mne

WANTED = "a whole Homer .nirs file with t, d and SD"
REMEDY = "export the recording again, or convert it to SNIRF with Homer3"
UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
SHORTEST, LONGEST = 500.0, 1500.0  # nm; fNIRS lies between


def read_homer_raw(path: str | Path) -> "mne.io.BaseRaw":
    """The light of a Homer .nirs file as an MNE Raw, first sample at 0 s.

    Channels are called "S1_D1 760" in the file's order. Stimuli become annotations: one for each
    run of marks above 0 (Homer marks excluded ones below 0), as long as the run is, named by
    `CondNames`, else by number. Columns that were switched off are bad.

    Parameters
    ----------
    path : path
        Saved by MATLAB up to 7.2, or as 7.3 (HDF5).

    Returns
    -------
    mne.io.RawArray

    Raises
    ------
    ReadError
        If the file is damaged, or its parts are missing or contradict each other.
    """
    import mne
    from mne._fiff.constants import FIFF

    parts = _parts(path)
    light, grid, probe = parts["d"], _grid(parts, path), parts["SD"]
    pairs, waves = _columns(probe, light.shape[1], path)
    sources, detectors = (_positions(probe, name, path) for name in ("SrcPos", "DetPos"))
    if pairs[:, 0].max() > len(sources) or pairs[:, 1].max() > len(detectors):
        raise ReadError(
            f"{path} with {len(sources)} sources, {len(detectors)} detectors, and columns of "
            f"source {pairs[:, 0].max()} and detector {pairs[:, 1].max()}",
            WANTED,
            REMEDY,
        )
    names = [f"S{s}_D{d} {w:g}" for (s, d), w in zip(pairs, waves, strict=True)]
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise ReadError(f"two columns {double!r} in {path}", WANTED, REMEDY)
    with reading(path, WANTED), quiet():
        info = mne.create_info(names, grid.rate, "fnirs_cw_amplitude")
        for channel, (source, detector), wave in zip(info["chs"], pairs, waves, strict=True):
            one, other = sources[source - 1], detectors[detector - 1]
            channel["loc"][:9] = np.concatenate([(one + other) / 2, one, other])
            channel["loc"][9] = wave
            channel["coord_frame"] = FIFF.FIFFV_COORD_UNKNOWN
        raw = mne.io.RawArray(grid.fill(light.T), info)
        raw.filenames = [Path(path)]
        raw.set_annotations(_stimuli(parts, grid))
    active = np.ravel(probe.get("MeasListAct", []))
    if active.shape == (len(names),):
        raw.info["bads"] = [name for name, on in zip(names, active, strict=True) if on == 0]
    correct_length(raw, path)
    return raw


def read_homer_aux(path: str | Path) -> dict[str, xr.Dataset]:
    """The sensors in `aux` of a Homer .nirs file, one Dataset (channel, time) each.

    They have no units, and names only where `SD.auxChannels` lists a different one for each. A
    column of zeros is left out.
    """
    parts = _parts(path)
    count = len(parts["d"])
    aux = np.asarray(parts.get("aux", []))
    if aux.dtype.kind not in "fiub" or aux.size == 0 or len(aux) != count:
        return {}
    columns = aux.reshape(count, -1).astype(float).T
    grid = _grid(parts, path)
    listed = [str(name) for name in np.ravel(parts["SD"].get("auxChannels", []))]
    named = len(listed) == len(columns) == len(set(listed)) and all(listed)
    names = listed if named else [f"aux{i + 1}" for i in range(len(columns))]
    return {
        name.replace("/", "_"): xr.Dataset(
            {name.replace("/", "_"): (("channel", "time"), grid.fill(row[None]), {"units": ""})},
            coords={"channel": [name], "time": np.arange(round(grid.place[-1]) + 1) / grid.rate},
            attrs={"rate": grid.rate},
        )
        for name, row in zip(names, columns, strict=True)
        if row.any()
    }


def _parts(path: str | Path) -> dict[str, Any]:
    """The file's variables, checked to belong together."""
    with reading(path, WANTED, REMEDY):
        parts = read_matlab(path, ("t", "d", "SD", "s", "aux", "CondNames", "ml"))
        missing = [name for name in ("t", "d", "SD") if np.size(parts.get(name, [])) == 0]
        if missing or not isinstance(parts["SD"], dict):
            raise ReadError(f"{path} without {' and '.join(missing) or 'SD'}", WANTED, REMEDY)
        parts["t"] = np.asarray(parts["t"], float).ravel()
        count = len(parts["t"])
        light = np.asarray(parts["d"], float)
        if light.ndim not in (1, 2) or len(light) != count:
            raise ReadError(
                f"{path} with {count} times and samples of shape {light.shape}", WANTED, REMEDY
            )
        parts["d"] = light.reshape(count, -1)
    return parts


def _grid(parts: dict[str, Any], path: str | Path) -> Grid:
    grid = even_grid(parts["t"], path)
    check_rate(grid.rate, path, "give times in seconds")
    if grid.gaps:
        warn_of_gaps(grid, path)
    return grid


def _columns(probe: dict, count: int, path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Source and detector number, and wavelength [nm], of each column of light."""
    waves = np.asarray(probe.get("Lambda", []), float).ravel()
    table = np.atleast_2d(np.asarray(probe.get("MeasList", [[]]), float))
    if table.shape[0] != count or table.shape[1] < 4:
        raise ReadError(
            f"{path} with {count} columns of light and a MeasList of shape {table.shape}",
            WANTED,
            REMEDY,
        )
    if not (
        (table[:, [0, 1, 3]] >= 1) & (table[:, [0, 1, 3]] == np.round(table[:, [0, 1, 3]]))
    ).all():
        raise ReadError(f"{path} with a MeasList that holds no counting numbers", WANTED, REMEDY)
    if not ((waves > SHORTEST) & (waves < LONGEST)).all() or table[:, 3].max() > len(waves):
        raise ReadError(
            f"{path} with wavelengths {', '.join(f'{w:g}' for w in waves[:6]) or 'none'} nm",
            f"wavelengths between {SHORTEST:g} and {LONGEST:g} nm, one for each number in MeasList",
            REMEDY,
        )
    return table[:, :2].astype(int), waves[table[:, 3].astype(int) - 1]


def _positions(probe: dict, name: str, path: str | Path) -> np.ndarray:
    """Positions [m] (optode, 3); flat ones get z = 0, missing ones NaN."""
    places = np.atleast_2d(np.asarray(probe.get(name, []), float))
    if places.size == 0:
        count = np.ravel(probe.get({"SrcPos": "nSrcs", "DetPos": "nDets"}[name], [0]))
        return np.full((int(count[0]), 3), np.nan)
    if places.shape[1] not in (2, 3):
        raise ReadError(f"{path} with {name} of shape {places.shape}", WANTED, REMEDY)
    unit = str(probe.get("SpatialUnit", "mm")).strip().lower()
    return np.pad(places, ((0, 0), (0, 3 - places.shape[1]))) * UNITS.get(unit, 1e-3)


def _stimuli(parts: dict[str, Any], grid: Grid) -> "mne.Annotations":
    import mne

    rows = [(at, length, "BAD_gap") for at, length in grid.gaps]
    marks = np.asarray(parts.get("s", []))
    count = len(parts["d"])
    if marks.dtype.kind in "fiub" and marks.size and len(marks) == count:
        marks = marks.reshape(count, -1)
        listed = [str(name) for name in np.ravel(parts.get("CondNames", []))]
        for column, on in enumerate((marks > 0).T):
            name = listed[column] if len(listed) == marks.shape[1] else str(column + 1)
            for first, end in runs(on):
                at, last = grid.place[first] / grid.rate, grid.place[end - 1] / grid.rate
                rows.append((float(at), float(last - at), name))
        excluded = int((marks < 0).sum())
        if excluded:
            LOG.warning("%d stimulus marks are excluded in the file: left out", excluded)
    onset, duration, names = zip(*sorted(rows), strict=True) if rows else ((), (), ())
    return mne.Annotations(list(onset), list(duration), list(names))
