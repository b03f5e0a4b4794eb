"""A whole Recording ⇄ one netCDF 4 file, without loss."""

import contextlib
from pathlib import Path

import xarray as xr

from neurofuse.io import lazy
from neurofuse.io.detect.format import find_format
from neurofuse.io.disk import reserve
from neurofuse.io.errors import ReadError, WriteError
from neurofuse.io.integrity.recording import checked
from neurofuse.io.logs import reading
from neurofuse.io.recording import check, streams
from neurofuse.io.staging import holding, staged


def write_netcdf(recording: xr.DataTree, path: str | Path, overwrite: bool = False) -> Path:
    """Write a whole Recording as netCDF 4; `read_netcdf` returns an identical one.

    Parameters
    ----------
    recording : Recording
        With whatever it holds; samples that are still in a file are copied block by block.
    path : path
        Ends in .nc.
    overwrite : bool
        Replace a file that exists.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    WriteError
        If the suffix is not .nc, the file exists, or it cannot be written.
    SchemaError
        If `recording` is not a Recording.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_netcdf(write_netcdf(recording, f"{folder}/a.nc")).identical(recording)
    True
    """
    path = Path(path)
    if path.suffix.lower() != ".nc":
        raise WriteError(f"{path.name}", "a name that ends in .nc", "change the suffix")
    check(recording)
    with staged(path.parent, [path.name], overwrite=overwrite) as stage, holding(path):
        save_netcdf(recording, stage / path.name)
    return path


def save_netcdf(recording: xr.DataTree, path: Path) -> None:
    """Write a Recording at `path`, motion masks compressed, large samples block by block."""
    from dask import config

    small = {"zlib": True, "complevel": 1}
    sparse = ("gate", "motion", "uncertainty", "verdict", "evidence")  # zeros, mostly
    encoding = {
        f"/{stream}": {name: small for name in sparse if name in recording[stream]}
        for stream in streams(recording)
    }
    nodes = [node.to_dataset(inherit=False) for node in recording.subtree]
    stored = sum(v.nbytes for node in nodes for n, v in node.variables.items() if n not in sparse)
    reserve(path, stored)
    with config.set(scheduler="synchronous"):  # one block in memory at a time
        recording.to_netcdf(path, engine="h5netcdf", encoding=encoding)


def read_netcdf(path: str | Path) -> xr.DataTree:
    """Read a Recording that `write_netcdf` wrote.

    Parameters
    ----------
    path : path
        A .nc file.

    Returns
    -------
    Recording
        Identical to the one that was written. EEG above 1 GiB stays in the file until its samples
        are asked for (dask arrays).

    Raises
    ------
    ReadError
        If the file is missing, cut off, or not a Recording.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_netcdf(recording, f"{folder}/a.nc")
    ...     dict(read_netcdf(path)["eeg"].eeg.sizes)
    {'channel': 1, 'time': 9}
    """
    if find_format(path) != "neurofuse netCDF":
        raise ReadError(f"{path}", "a Recording saved as .nc", "use neurofuse.read")
    with reading(path, "a whole Recording saved as .nc"):
        tree = xr.open_datatree(path, engine="h5netcdf", decode_times=False)
        if "eeg" in tree and "eeg" in tree["eeg"] and tree["eeg"].eeg.nbytes > lazy.LARGE:
            recording = _load_small(tree)
        else:
            with contextlib.closing(tree):  # DataTree.load leaves /eeg/eeg in the file
                nodes = {n.path: n.to_dataset(inherit=False).load() for n in tree.subtree}
            recording = xr.DataTree.from_dict(nodes)
        return checked(recording, path)


def _load_small(tree: xr.DataTree) -> xr.DataTree:
    """Read all but the samples of `/eeg`: those become dask arrays over the open file."""
    count = max(round(lazy.BLOCK * tree["eeg"].attrs["rate"]), 1)
    nodes = {}
    for node in tree.subtree:
        dataset = node.to_dataset(inherit=False)
        samples = [n for n, v in dataset.data_vars.items() if node.path == "/eeg" and v.ndim > 1]
        rest = dataset.drop_vars(samples).load()
        nodes[node.path] = rest.assign({n: dataset[n].chunk(time=count) for n in samples})
    return xr.DataTree.from_dict(nodes)
