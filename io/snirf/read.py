"""A SNIRF file → a Recording, straight from its table: one opening, no detour through MNE.

MNE's reader takes the mean of 1/step for the rate, knows seconds and milliseconds only, and needs
positions, two wavelengths and one group called /nirs. Where both read a file, the result is the
same (tests/io/snirf/test_real.py compares them on real files).
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofuse.io.clock.grid import Grid
from neurofuse.io.logs import reading
from neurofuse.io.mne_objects.landmarks import HEAD
from neurofuse.io.mne_objects.pair import to_mne
from neurofuse.io.modality import NIRS
from neurofuse.io.recording import LOCAL_TIME, build, nirs_dataset, note
from neurofuse.io.snirf.blocks import read_block
from neurofuse.io.snirf.dates import begun_at, is_local_time
from neurofuse.io.snirf.facts import read_facts
from neurofuse.io.snirf.pairs import pairs_of
from neurofuse.io.snirf.probe import Probe, read_probe
from neurofuse.io.snirf.samples import report_gaps, sample_grid, samples
from neurofuse.io.snirf.sensors import read_sensors
from neurofuse.io.snirf.session import subject
from neurofuse.io.snirf.stimuli import events_of
from neurofuse.io.snirf.table import (
    Channels,
    channel_table,
    measurement,
    shape_of,
    tag,
)

if TYPE_CHECKING:
    import mne

WANTED = "a whole SNIRF file with one continuous-wave data block"


def read_snirf(path: str | Path, group: str | None = None) -> xr.DataTree:
    """The Recording that a SNIRF file holds: light, events and auxiliary sensors.

    The file's own time vector counts: its first sample is time 0, the rate is that of `even_grid`,
    gaps are interpolated linearly and annotated BAD_gap. Positions that are missing are NaN; those
    whose length unit cannot be true are corrected (`length_factor`). Stimuli become events.

    Parameters
    ----------
    path : path
    group : str, optional
        Which /nirs group, for files that hold several recordings ("nirs2").

    Returns
    -------
    Recording
        `/nirs` with `intensity` or `od` (channel, wavelength, time), `/events`, and `/aux/NAME`
        for each auxiliary sensor. `raw_name` (channel, wavelength) has names like "S1_D1 760".

    Raises
    ------
    ReadError
        If the file is damaged, holds another kind of data or several recordings, or its parts
        contradict each other.
    """
    path = Path(path)
    with _measurement(path, group) as nirs:
        block = read_block(nirs, path)
        grid = sample_grid(nirs, block, path)
        sensors = read_sensors(nirs, grid, shape_of(block, path)[0], path)
        return _recording(nirs, block, grid, sensors, path)


def read_snirf_raw(path: str | Path, group: str | None = None) -> "mne.io.BaseRaw":
    """The optical data of a SNIRF file as an MNE Raw in memory, made from its Recording.

    Channels are called S1_D1 760 after the file's labels, where these are of that form, else
    after their indices, and stand in the file's order; bad are those
    that the file lists. Stimuli and gaps become annotations.

    Parameters
    ----------
    path : path
    group : str, optional
        As for `read_snirf`.

    Raises
    ------
    ReadError
        As `read_snirf` does.
    """
    path = Path(path)
    with _measurement(path, group) as nirs:
        block = read_block(nirs, path)
        recording = _recording(nirs, block, sample_grid(nirs, block, path), {}, path)
        bad = _listed_bad(nirs)
        raw = to_mne(recording, copy=False)[1]
    assert raw is not None
    raw.info["bads"] = [name for name in raw.ch_names if name in bad]
    for point in raw.info["dig"] or []:
        point["r"] = np.asarray(point["r"])  # a list, as the header stores it
    raw.filenames = [path]
    return raw


def read_aux(path: str | Path, group: str | None = None) -> dict[str, xr.Dataset]:
    """The auxiliary sensors of a SNIRF file alone, as in `read_snirf`."""
    path = Path(path)
    with _measurement(path, group) as nirs:
        block = read_block(nirs, path)
        grid = sample_grid(nirs, block, path)
        return read_sensors(nirs, grid, shape_of(block, path)[0], path)


@contextmanager
def _measurement(path: Path, group: str | None) -> Iterator[Any]:
    """The /nirs group of a file, open for reading."""
    import h5py

    with reading(path, WANTED), h5py.File(path, "r") as file:
        yield measurement(file, path, group)


def _recording(
    nirs: Any, block: Any, grid: Grid, sensors: dict[str, xr.Dataset], path: Path
) -> xr.DataTree:
    channels = channel_table(nirs, block, path)
    node = _node(nirs, block, channels, grid, path)
    events, triggers = events_of(nirs, grid, channels, sensors, path)
    report_gaps(grid, path)
    recording = build(nirs=node, aux=sensors, events=events, measured_at=node.attrs["measured_at"])
    if triggers:
        recording = note(recording, "trigger_channels", **triggers)
    # the step's name stands in stored Recordings: it stays, though no Raw is made any more
    return note(recording, "from_mne", files={NIRS.name: path.name}, offset=None, align=None)


def _node(nirs: Any, block: Any, channels: Channels, grid: Grid, path: Path) -> xr.Dataset:
    """The `/nirs` Dataset; time starts at 0 s."""
    pairs, probe = pairs_of(channels, path), read_probe(nirs, channels, path)
    light, rows = grid.fill(samples(block, channels)), pairs.row.ravel()
    if not np.array_equal(rows, np.arange(len(light))):
        light = np.where(rows[:, None] < 0, np.nan, light[rows])
    names = np.array([[channels.name[r] if r >= 0 else "" for r in row] for row in pairs.row])
    bad, optodes = _listed_bad(nirs), channels.optodes(pairs.first_row)
    node = nirs_dataset(
        light.reshape(*pairs.row.shape, -1),
        grid.rate,
        pairs.wavelength,
        [source for source, _ in optodes],
        [detector for _, detector in optodes],
        variable=channels.variable,
        source_position=_known(probe.source[pairs.first_row]),
        detector_position=_known(probe.detector[pairs.first_row]),
        bad=[bool(bad & set(row)) or "" in row for row in names.tolist()],
    )
    facts = read_facts(nirs, block, channels, probe)
    node.attrs.update(_attributes(nirs, probe, facts, grid, path))
    where = ("channel", "wavelength")
    if not ((pairs.exact == pairs.wavelength) | (pairs.row < 0)).all():
        node = node.assign_coords(raw_wavelength=(where, pairs.exact, {"units": "nm"}))
    return node.assign_coords(raw_name=(where, names), raw_order=(where, pairs.row))


def _attributes(
    nirs: Any, probe: Probe, more: dict[str, Any], grid: Grid, path: Path
) -> dict[str, Any]:
    """Date, file, subject, frame and landmarks of the stream, and the header for writing."""
    person, points = subject(nirs), probe.digitised()
    first = begun_at(nirs, grid.start, path)
    facts = {
        "highpass": 0.0,
        "lowpass": grid.rate / 2,
        "subject_info": person,
        "custom_ref_applied": 0,
        "first_samp": 0,
        **({"dig": points} if points else {}),
        **({"snirf": more} if more else {}),
        **({LOCAL_TIME: True} if first is not None and is_local_time(nirs, grid.start) else {}),
    }
    fiducials = probe.fiducials()
    return {
        "measured_at": "" if first is None else first.isoformat(),
        "file": path.name,
        "subject": person["his_id"],
        "frame": "head" if probe.frame == HEAD else "unknown",
        **({} if fiducials is None else {"landmarks": fiducials}),
        "header": json.dumps(facts),
    }


def _listed_bad(nirs: Any) -> set[str]:
    """Names of the channels that neurofuse's own tag calls bad."""
    return set(tag(nirs, "badChannels").split(",")) - {""}


def _known(position: np.ndarray) -> np.ndarray:
    """Positions with NaN where all lie at the origin: there a file has none."""
    return position if position.any() else np.full_like(position, np.nan)
