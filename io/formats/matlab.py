"""Variables of a MATLAB file, saved as version 5 to 7.2 or as 7.3 (HDF5), as plain arrays."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

DEEPEST = 4  # structs within structs that are looked into


def read_matlab(path: str | Path, names: Iterable[str]) -> dict[str, Any]:
    """The variables `names` that a MATLAB file holds: arrays, strings, lists, dicts of structs.

    Arrays have MATLAB's shape without axes of length 1. Other variables are not touched.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import savemat
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     savemat(f"{folder}/a.mat", {"t": np.arange(3.0), "SD": {"Lambda": [760, 850]}})
    ...     read_matlab(f"{folder}/a.mat", ["SD"])["SD"]["Lambda"].tolist()
    [760, 850]
    """
    names = list(names)
    with Path(path).open("rb") as file:
        old = file.read(10) == b"MATLAB 5.0"
    if old:
        from scipy.io import loadmat

        found = loadmat(str(path), variable_names=names, simplify_cells=True)
        return {name: found[name] for name in names if name in found}
    import h5py

    with h5py.File(path, "r") as file:
        return {name: _plain(file[name], file) for name in names if name in file}


def _plain(item: Any, file: Any, depth: int = 0) -> Any:
    """An HDF5 object as MATLAB meant it: axes turned back, text decoded, cells followed."""
    import h5py

    if isinstance(item, h5py.Group):
        if depth > DEEPEST:
            return {}
        return {key: _plain(item[key], file, depth + 1) for key in item}
    if item.attrs.get("MATLAB_empty", 0):
        return np.empty(0)
    kind = item.attrs.get("MATLAB_class", b"")
    if kind == b"cell" or item.dtype == h5py.ref_dtype:
        return [_plain(file[ref], file, depth + 1) for ref in np.ravel(item[()], order="F")]
    values = np.asarray(item[()])
    if kind == b"char":
        return "".join(chr(c) for c in values.ravel())
    return np.squeeze(values.T)
