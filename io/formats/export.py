"""One stream of a Recording into a file of its own, in a format that other programs read."""

from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from neurofuse.io.errors import SchemaError, WriteError
from neurofuse.io.formats.brainvision import write_brainvision
from neurofuse.io.formats.fitting import fit
from neurofuse.io.logs import quiet
from neurofuse.io.mne_objects.pair import to_mne
from neurofuse.io.recording import check, streams
from neurofuse.io.snirf.write import write_snirf
from neurofuse.io.staging import holding, staged

if TYPE_CHECKING:
    import mne

EEG_SUFFIXES = (".fif", ".edf", ".bdf", ".vhdr", ".set")


def write_eeg(recording: xr.DataTree, path: str | Path, overwrite: bool = False) -> Path:
    """Write the EEG stream: exact as .fif; .edf, .bdf, .vhdr or .set to their formats' precision.

    Raises
    ------
    WriteError
        If the suffix is another, the file exists, or it cannot be written.
    SchemaError
        If there is no EEG stream.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.zeros((1, 300)), 100.0, ["Cz"]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_eeg(recording, f"{folder}/a.edf").name
    'a.edf'
    """
    path = Path(path)
    if path.suffix.lower() not in EEG_SUFFIXES:
        raise WriteError(f"{path.name}", f"one of {', '.join(EEG_SUFFIXES)}", "change the suffix")
    raw = _need(recording, "eeg")
    family = {".vhdr": (".eeg", ".vmrk", ".vhdr")}.get(path.suffix.lower(), (path.suffix,))
    names = [path.with_suffix(s).name for s in family]
    with staged(path.parent, names, overwrite=overwrite) as stage, holding(path):
        save_eeg(raw, stage / path.name)
    return path


def write_nirs(recording: xr.DataTree, path: str | Path, overwrite: bool = False) -> Path:
    """Write the fNIRS stream, intensity or optical density, as .snirf.

    Raises
    ------
    WriteError
        If the suffix is another, the file exists, or it cannot be written.
    SchemaError
        If there is no fNIRS stream.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from neurofuse.io.recording import build, nirs_dataset
    >>> node = nirs_dataset(np.ones((1, 2, 30)), 10.0, [760, 850], ["S1"], ["D1"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_nirs(build(nirs=node), f"{folder}/a.snirf").name
    'a.snirf'
    """
    path = Path(path)
    if path.suffix.lower() != ".snirf":
        raise WriteError(f"{path.name}", "a name that ends in .snirf", "change the suffix")
    raw = _need(recording, "nirs")
    with staged(path.parent, [path.name], overwrite=overwrite) as stage, holding(path):
        write_snirf(raw, stage / path.name, sensors_of(recording))
    return path


def save_eeg(raw: "mne.io.BaseRaw", path: Path) -> None:
    """Write a Raw that nobody else uses: what its format cannot hold is changed in it."""
    import mne

    suffix = path.suffix.lower()
    with quiet():
        if suffix == ".vhdr":
            write_brainvision(raw, path)
            return
        raw = fit(raw, suffix)
        if suffix == ".fif":
            raw.save(path, fmt="double", overwrite=True)  # float64: read back exactly
        elif suffix == ".set":
            mne.export.export_raw(path, raw, overwrite=True)
        else:  # each channel has its own range, so that a large one costs the others nothing
            mne.export.export_raw(path, raw, physical_range="channelwise", overwrite=True)


def sensors_of(recording: xr.DataTree) -> dict[str, xr.Dataset]:
    """The auxiliary sensors with times [s] since the first fNIRS sample, as SNIRF has them."""
    if "aux" not in recording.children:
        return {}
    start = recording["nirs"].time.values[0]
    return {
        name: node.to_dataset().assign_coords(time=node.time.values - start)
        for name, node in recording["aux"].children.items()
    }


def _need(recording: xr.DataTree, stream: str) -> "mne.io.BaseRaw":
    check(recording)
    raw = to_mne(recording, copy=False)[0 if stream == "eeg" else 1]
    if raw is None:
        raise SchemaError(
            f"a Recording with {', '.join(streams(recording))} only",
            f"the stream {stream!r}",
            "write the stream that it has",
        )
    return raw
