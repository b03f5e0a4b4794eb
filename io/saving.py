"""A Recording → files: FIF, SNIRF and netCDF, all of them or none."""

from pathlib import Path

import xarray as xr

from neurofuse.io.formats.export import save_eeg, sensors_of
from neurofuse.io.formats.netcdf import save_netcdf
from neurofuse.io.identity import without_identity
from neurofuse.io.mne_objects.pair import to_mne
from neurofuse.io.names import stem_of
from neurofuse.io.recording import check, streams
from neurofuse.io.snirf.write import write_snirf
from neurofuse.io.staging import holding, staged


def write(
    recording: xr.DataTree,
    folder: str | Path,
    *,
    stem: str | None = None,
    overwrite: bool = False,
    suffix: str = "",
    keep_identity: bool = False,
) -> dict[str, Path]:
    """Write the EEG of a Recording as FIF, its fNIRS as SNIRF, and the whole as netCDF.

    Parameters
    ----------
    recording : Recording
        With `/eeg`, `/nirs` or both.
    folder : path
        Created if missing.
    stem : str, optional
        Start of the file names; by default that of `stem_of`.
    overwrite : bool
        Replace files that exist.
    suffix : str
        Put after the stem, e.g. "_desc-clean".
    keep_identity : bool
        Also write what identifies the subject, the operator and the place, and free text
        (`neurofuse.io.identity`).

    Returns
    -------
    dict of str to Path
        By content: "eeg", "nirs", "recording". All files or none are written.

    Raises
    ------
    WriteError
        If a file exists already, or the folder cannot be written.
    SchemaError
        If `recording` is not a Recording.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sorted(path.name for path in write(recording, folder, stem="sub-01").values())
    ['sub-01_eeg.fif', 'sub-01_recording.nc']
    """
    check(recording)
    start = (stem_of(recording) if stem is None else stem) + suffix
    recording = recording if keep_identity else without_identity(recording)
    folder = Path(folder)
    named = {"eeg": f"{start}_eeg.fif", "nirs": f"{start}_nirs.snirf"}
    paths = {s: folder / named[s] for s in streams(recording)}
    paths["recording"] = folder / f"{start}_recording.nc"
    names = [path.name for path in paths.values()]
    with staged(folder, names, overwrite=overwrite) as stage:
        raw_eeg, raw_nirs = to_mne(recording, copy=False)
        if raw_eeg is not None:
            with holding(paths["eeg"]):
                save_eeg(raw_eeg, stage / named["eeg"])
        if raw_nirs is not None:
            with holding(paths["nirs"]):
                write_snirf(raw_nirs, stage / named["nirs"], sensors_of(recording))
        with holding(paths["recording"]):
            save_netcdf(recording, stage / paths["recording"].name)
    return paths
