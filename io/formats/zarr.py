"""A whole Recording ⇄ one zarr store (a folder), without loss, in chunks of time."""

import json
import math
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
CHUNKS = 10  # of 60 s, in a file at most
SHARD = 2**26  # bytes of samples in a file, unless one chunk has more; it is written as a whole
RESTORE = "neurofuse"  # the attribute that holds what zarr would change: dtypes, arrays in attrs


def write_zarr(recording: xr.DataTree, path: str | Path, overwrite: bool = False) -> Path:
    """Write a whole Recording as a zarr 3 store; `read_zarr` returns an identical one.

    Samples are stored compressed in chunks of 60 s, so that other programs can read a part
    without the rest. Each chunk has a checksum, and a file (shard) holds up to ten of them.

    Parameters
    ----------
    recording : Recording
        With whatever it holds; samples that are still in a file are copied block by block.
    path : path
        A folder whose name ends in .zarr.
    overwrite : bool
        Replace a store that exists.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    WriteError
        If the suffix is not .zarr, the store exists, or it cannot be written.
    SchemaError
        If `recording` is not a Recording.

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
            encoding = {n: _layout(dataset, v) for n, v in plain.variables.items()}
            group = node.path.strip("/") or None
            plain.to_zarr(
                path,
                group=group,
                mode="a",
                zarr_format=3,
                consolidated=False,
                encoding={name: layout for name, layout in encoding.items() if layout},
                write_empty_chunks=True,  # so that a missing one is a lost one
            )


def read_zarr(path: str | Path) -> xr.DataTree:
    """Read a Recording that `write_zarr` wrote.

    Parameters
    ----------
    path : path
        A folder whose name ends in .zarr.

    Returns
    -------
    Recording
        Identical to the one that was written. EEG above 1 GiB, and what lies along its time axis,
        stays in the store until it is asked for (dask arrays); the rest is in memory.

    Raises
    ------
    ReadError
        If the store is missing, damaged, or not a Recording.

    Examples
    --------
    >>> import tempfile
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_zarr(recording, f"{folder}/a.zarr")
    ...     dict(read_zarr(path)["eeg"].eeg.sizes)
    {'channel': 1, 'time': 9}
    """
    path = Path(path)
    if not path.is_dir():
        instead = f"{path}, which is a file" if path.exists() else f"no store {path}"
        raise ReadError(instead, WANTED, "check the path")
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


def _shard_sizes(dataset: xr.Dataset, variable: xr.Variable) -> tuple[int, ...] | None:
    """Sizes of what a file of a variable holds: chunks of at most `SHARD` bytes together."""
    sizes = _chunk_sizes(dataset, variable)
    if sizes is None:
        return None
    time = variable.dims.index("time")
    held = max(math.prod(sizes) * variable.dtype.itemsize, 1)
    count = min(max(SHARD // held, 1), CHUNKS, -(-variable.shape[time] // sizes[time]))
    return tuple(n * count if axis == time else n for axis, n in enumerate(sizes))


def _layout(dataset: xr.Dataset, variable: xr.Variable) -> dict[str, Any] | None:
    """How zarr stores a variable: chunks with checksums, in shards; None for its own way."""
    from zarr.codecs import Crc32cCodec, ZstdCodec

    sizes = _chunk_sizes(dataset, variable)
    if sizes is None or variable.dtype.kind not in "fiub":
        return None if sizes is None else {"chunks": sizes}
    shards = _shard_sizes(dataset, variable)
    return {"chunks": sizes, "shards": shards, "compressors": (ZstdCodec(), Crc32cCodec())}


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """A Dataset that zarr can hold; the attribute RESTORE says what had to change."""
    variables: dict[Any, xr.Variable] = {}
    for name, variable in dataset.variables.items():
        changed, data = {}, variable.data
        if variable.dtype.kind in "UO":  # zarr 3 has no standard for strings of fixed length
            changed = {"dtype": variable.dtype.str}
            data = np.asarray(data, dtype=np.dtypes.StringDType())
        elif variable.chunks is not None:  # a shard of the store must lie in one chunk of dask's
            sizes = _shard_sizes(dataset, variable) or variable.shape
            data = variable.chunk(dict(zip(variable.dims, sizes, strict=True))).data
        variables[name] = xr.Variable(variable.dims, data, _plain_attrs(variable.attrs, changed))
    coords = {name: variables.pop(name) for name in dataset.coords}
    return xr.Dataset(variables, coords, _plain_attrs(dataset.attrs, {}))


def _plain_attrs(attrs: Mapping[Any, Any], changed: dict[str, Any]) -> dict[Any, Any]:
    """Attributes without arrays, which go into the JSON text RESTORE with `changed`."""
    arrays = {name: value for name, value in attrs.items() if isinstance(value, np.ndarray)}
    if arrays:
        stored = {n: {"dtype": a.dtype.str, "values": a.tolist()} for n, a in arrays.items()}
        changed = {**changed, "arrays": stored}
    plain = {name: value for name, value in attrs.items() if name not in arrays}
    return {**plain, RESTORE: json.dumps(changed)} if changed else plain


def _whole(stored: xr.Dataset, node: str) -> xr.Dataset:
    """What `_plain` was made from, in memory, but for large samples."""
    large = node == "/eeg" and "eeg" in stored and stored.eeg.nbytes > lazy.LARGE
    variables: dict[Any, xr.Variable] = {}
    for name, variable in stored.variables.items():
        attrs, changed = _whole_attrs(variable.attrs)
        sizes = _chunk_sizes(stored, variable)
        if large and sizes and variable.ndim > 1:
            data = variable.chunk(dict(zip(variable.dims, sizes, strict=True))).data
        else:
            data = np.asarray(variable.values, dtype=changed.get("dtype"))
        variables[name] = xr.Variable(variable.dims, data, attrs)
    coords = {name: variables.pop(name) for name in stored.coords}
    return xr.Dataset(variables, coords, _whole_attrs(stored.attrs)[0])


def _whole_attrs(attrs: Mapping[Any, Any]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Attributes with their arrays, and what else RESTORE holds."""
    changed = json.loads(attrs.get(RESTORE, "{}"))
    plain = {name: value for name, value in attrs.items() if name != RESTORE}
    for name, array in changed.get("arrays", {}).items():
        plain[name] = np.array(array["values"], array["dtype"])
    return plain, changed
