"""A whole Recording ⇄ one zarr store (a folder), without loss, in chunks of time."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.io import lazy
from neurofuse.io.errors import ReadError, WriteError
from neurofuse.io.integrity.recording import checked
from neurofuse.io.integrity.zarr import check_store
from neurofuse.io.logs import reading
from neurofuse.io.recording import check
from neurofuse.io.staging import STORE, holding, staged

WANTED = "a Recording saved as .zarr"
KEPT = "neurofuse"  # the attribute that holds what zarr would change: dtypes, arrays in attrs


def write_zarr(recording: xr.DataTree, path: str | Path, overwrite: bool = False) -> Path:
    """Write a whole Recording as a zarr 3 store; `read_zarr` returns an identical one.

    Samples are stored compressed in chunks of 60 s, so that others can read a stretch without
    the rest. Samples that are still in a file are walked through in blocks.

    Raises
    ------
    WriteError
        If the suffix is another, the store exists, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_zarr(write_zarr(recording, f"{folder}/a.zarr")).identical(recording)
    True
    """
    path = Path(path)
    if path.suffix.lower() != STORE:
        raise WriteError(f"{path.name}", f"a name that ends in {STORE}", "change the suffix")
    check(recording)
    with staged(path.parent, [path.name], overwrite=overwrite) as stage, holding(path):
        save_zarr(recording, stage / path.name)
    return path


def save_zarr(recording: xr.DataTree, path: Path) -> None:
    """Write a Recording's nodes at `path`, one after the other."""
    from dask import config

    with config.set(scheduler="synchronous"):  # one block in memory at a time
        for node in recording.subtree:
            dataset = node.to_dataset(inherit=False)
            plain = _plain(dataset)
            sizes = {n: _chunk_sizes(dataset, v) for n, v in plain.variables.items()}
            chunks = {name: {"chunks": size} for name, size in sizes.items() if size}
            group = node.path.strip("/") or None
            plain.to_zarr(
                path,
                group=group,
                mode="a",
                zarr_format=3,
                consolidated=False,
                encoding=chunks,
                write_empty_chunks=True,  # so that a missing one is a lost one
            )


def read_zarr(path: str | Path) -> xr.DataTree:
    """Read a Recording that `write_zarr` wrote.

    What `/eeg` holds along time stays in the store when its samples exceed
    `neurofuse.io.lazy.LARGE` bytes: it then comes as dask arrays. The rest is read into memory.

    Raises
    ------
    ReadError
        If the store is missing, damaged, or not a Recording.

    Examples
    --------
    >>> read_zarr("absent.zarr")
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found no store absent.zarr; wanted a Recording saved as .zarr; \
check the path
    """
    path = Path(path)
    if not path.is_dir():
        found = f"{path}, which is a file" if path.exists() else f"no store {path}"
        raise ReadError(found, WANTED, "check the path")
    with reading(path, f"a whole {WANTED.removeprefix('a ')}"):
        check_store(path)
        tree = xr.open_datatree(
            path, engine="zarr", consolidated=False, chunks=None, decode_times=False
        )
        nodes = {n.path: _whole(n.to_dataset(inherit=False), n.path) for n in tree.subtree}
    recording = xr.DataTree.from_dict(nodes)
    return checked(recording, path)


def _chunk_sizes(dataset: xr.Dataset, variable: xr.Variable) -> tuple[int, ...] | None:
    """Sizes of a variable's chunks along its dims; None for one that does not run along time."""
    if "time" not in variable.dims or not variable.size:
        return None
    step = max(round(lazy.BLOCK * dataset.attrs.get("rate", 1.0)), 1)
    return tuple(min(step, n) if d == "time" else n for d, n in variable.sizes.items())


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """A Dataset that zarr can hold; what had to change is told in the attribute KEPT."""
    variables: dict[Any, xr.Variable] = {}
    for name, variable in dataset.variables.items():
        kept, data = {}, variable.data
        if variable.dtype.kind in "UO":  # zarr 3 has no standard for strings of fixed length
            kept = {"dtype": variable.dtype.str}
            data = np.asarray(data, dtype=np.dtypes.StringDType())
        elif variable.chunks is not None:  # a chunk of the store must lie in one of dask's
            sizes = _chunk_sizes(dataset, variable) or variable.shape
            data = variable.chunk(dict(zip(variable.dims, sizes, strict=True))).data
        variables[name] = xr.Variable(variable.dims, data, _plain_attrs(variable.attrs, kept))
    coords = {name: variables.pop(name) for name in dataset.coords}
    return xr.Dataset(variables, coords, _plain_attrs(dataset.attrs, {}))


def _plain_attrs(attrs: Mapping[Any, Any], kept: dict[str, Any]) -> dict[Any, Any]:
    """Attributes without arrays: those are told in JSON."""
    arrays = {name: value for name, value in attrs.items() if isinstance(value, np.ndarray)}
    if arrays:
        told = {n: {"dtype": a.dtype.str, "values": a.tolist()} for n, a in arrays.items()}
        kept = {**kept, "arrays": told}
    plain = {name: value for name, value in attrs.items() if name not in arrays}
    return {**plain, KEPT: json.dumps(kept)} if kept else plain


def _whole(stored: xr.Dataset, node: str) -> xr.Dataset:
    """What `_plain` was made from, in memory, but for large samples."""
    large = node == "/eeg" and "eeg" in stored and stored.eeg.nbytes > lazy.LARGE
    variables: dict[Any, xr.Variable] = {}
    for name, variable in stored.variables.items():
        attrs, kept = _whole_attrs(variable.attrs)
        sizes = _chunk_sizes(stored, variable)
        if large and sizes and variable.ndim > 1:
            data = variable.chunk(dict(zip(variable.dims, sizes, strict=True))).data
        else:
            data = np.asarray(variable.values, dtype=kept.get("dtype"))
        variables[name] = xr.Variable(variable.dims, data, attrs)
    coords = {name: variables.pop(name) for name in stored.coords}
    return xr.Dataset(variables, coords, _whole_attrs(stored.attrs)[0])


def _whole_attrs(attrs: Mapping[Any, Any]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Attributes with their arrays, and what else was told in JSON."""
    kept = json.loads(attrs.get(KEPT, "{}"))
    plain = {name: value for name, value in attrs.items() if name != KEPT}
    for name, array in kept.get("arrays", {}).items():
        plain[name] = np.array(array["values"], array["dtype"])
    return plain, kept
