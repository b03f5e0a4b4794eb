"""One modality of a Recording → a file of its own, in a format that other programs read."""

from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from neurofuse.io.errors import SchemaError, WriteError
from neurofuse.io.formats.brainvision import write_brainvision
from neurofuse.io.formats.fitting import fit
from neurofuse.io.identity import without_identity
from neurofuse.io.logs import LOG, quiet
from neurofuse.io.mne_objects.pair import to_mne
from neurofuse.io.modality import EEG, NIRS, Modality
from neurofuse.io.recording import check
from neurofuse.io.snirf.write import write_snirf
from neurofuse.io.staging import holding, staged

if TYPE_CHECKING:
    import mne

EEG_SUFFIXES = (".fif", ".edf", ".bdf", ".vhdr", ".set")


def write_eeg(
    recording: xr.DataTree,
    path: str | Path,
    overwrite: bool = False,
    *,
    keep_identity: bool = False,
) -> Path:
    """Write the EEG of a Recording in the format that the suffix of `path` names.

    Parameters
    ----------
    recording : Recording
        With `/eeg`: `eeg` (channel, time) [V].
    path : path
        Ends in .fif (float64, read back exactly), .edf, .bdf, .vhdr (with .eeg and .vmrk beside
        it) or .set; the last four to their format's precision.
    overwrite : bool
        Replace files that exist.
    keep_identity : bool
        Also write what identifies the subject, the operator and the place, and free text
        (`neurofuse.io.identity`).

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    WriteError
        If the suffix is another, the file exists, it cannot be written, or the format cannot hold
        the recording.
    SchemaError
        If there is no EEG.

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
    raw = _raw_of(recording, EEG, keep_identity)
    family = {".vhdr": (".eeg", ".vmrk", ".vhdr")}.get(path.suffix.lower(), (path.suffix,))
    names = [path.with_suffix(s).name for s in family]
    with staged(path.parent, names, overwrite=overwrite) as stage, holding(path):
        save_eeg(raw, stage / path.name)
    return path


def write_nirs(
    recording: xr.DataTree,
    path: str | Path,
    overwrite: bool = False,
    *,
    keep_identity: bool = False,
) -> Path:
    """Write the fNIRS of a Recording and its auxiliary sensors as SNIRF 1.1.

    Parameters
    ----------
    recording : Recording
        With `/nirs`: `intensity` or `od` (channel, wavelength, time).
    path : path
        Ends in .snirf. Samples are stored as float64 and read back exactly.
    overwrite : bool
        Replace a file that exists.
    keep_identity : bool
        Also write what identifies the subject, the operator and the place, and free text
        (`neurofuse.io.identity`).

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    WriteError
        If the suffix is not .snirf, the file exists, or it cannot be written.
    SchemaError
        If there is no fNIRS.

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
    raw = _raw_of(recording, NIRS, keep_identity)
    with staged(path.parent, [path.name], overwrite=overwrite) as stage, holding(path):
        write_snirf(raw, stage / path.name, sensors_of(recording))
    return path


def save_eeg(raw: "mne.io.BaseRaw", path: Path) -> None:
    """Write a Raw; what its format cannot hold is changed in the Raw itself."""
    import mne

    suffix = path.suffix.lower()
    known = {name for extra in getattr(raw.annotations, "extras", None) or () for name in extra}
    if known and suffix != ".fif":
        LOG.warning("%s holds no %s of events: left out", suffix, ", ".join(sorted(known)))
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
    start = recording[NIRS.name].time.values[0]
    return {
        name: node.to_dataset().assign_coords(time=node.time.values - start)
        for name, node in recording["aux"].children.items()
    }


def _raw_of(recording: xr.DataTree, modality: Modality, identity: bool) -> "mne.io.BaseRaw":
    check(recording)
    recording = recording if identity else without_identity(recording)
    raw_eeg, raw_nirs = to_mne(recording, copy=False)
    raw = raw_eeg if modality is EEG else raw_nirs
    if raw is None:
        raise SchemaError(
            f"a Recording with {modality.other.display} only",
            f"a Recording with {modality.display}",
            "write the modality that it has",
        )
    return raw
