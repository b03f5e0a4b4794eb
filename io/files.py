"""The files of a session → a Recording: formats are detected, EEG and fNIRS joined."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from neurofuse.io.bids.read import is_bids_path, read_bids
from neurofuse.io.clock.joining import join
from neurofuse.io.detect.format import find_format
from neurofuse.io.detect.plugins import PREFIX as PLUGIN
from neurofuse.io.detect.plugins import call_plugin, naming_plugin
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.io.formats.eeg import read_eeg_raw
from neurofuse.io.formats.homer import read_homer_aux
from neurofuse.io.formats.netcdf import read_netcdf
from neurofuse.io.formats.nirs import read_nirs_raw
from neurofuse.io.integrity.recording import checked
from neurofuse.io.logs import LOG, quiet, reading, source_of
from neurofuse.io.mne_objects.eeg import channel_type
from neurofuse.io.mne_objects.pair import from_mne
from neurofuse.io.modality import EEG, MODALITIES, NIRS
from neurofuse.io.recording import note, streams
from neurofuse.io.snirf.read import read_snirf

if TYPE_CHECKING:
    import mne

NIRS_FORMATS = ("NIRx", "Homer", "Hitachi", "BOXY")  # that hold fNIRS only


def read(*paths: Any, offset: float | None = None, align: str | None = None) -> xr.DataTree:
    """Read an EEG and an fNIRS file of one session, or one of them, onto one clock.

    The format of each file is detected from its content and its suffix. A file of none of these
    formats goes to a reader plug-in that announces its suffix, if one is installed (see
    `neurofuse.io.detect.plugins`).

    Parameters
    ----------
    *paths : path
        One or two, in any order, of: an EEG file (EDF, BDF, BrainVision .vhdr, FIF, EEGLAB .set),
        an fNIRS file (SNIRF, NIRx folder or .hdr, Homer .nirs, Hitachi .csv, BOXY .txt). Or one
        that may hold both: an .xdf file of the lab streaming layer, a Recording saved as .nc or
        .zarr, a BIDS folder or `mne_bids.BIDSPath` that leads to one session (see
        `neurofuse.io.bids.read.read_bids`). A file inside a BIDS folder is read as that one file.
    offset : float, optional
        Time of the first fNIRS sample after the first EEG sample [s].
    align : {"events", "clock", "physiology"}, optional
        How to align the two without an offset; see `neurofuse.from_mne`.

    Returns
    -------
    Recording
        `/eeg` (channel, time) [V], `/nirs` (channel, wavelength, time), `/events` and `/aux`, as
        far as the files hold them; time 0 is the first EEG sample, else the first fNIRS sample.

    Raises
    ------
    ReadError
        If a file is missing, damaged or of an unknown format, if both hold the same modality, or a
        file has no usable channel.
    AlignmentError
        If EEG and fNIRS cannot be put on one clock.
    ParameterError
        If there is no path, or more than two.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from neurofuse.io import build, eeg_dataset, write_eeg
    >>> recording = build(eeg_dataset(np.zeros((2, 500)), 250.0, ["C3", "C4"]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read(write_eeg(recording, f"{folder}/rest.fif"))["eeg"].channel.values.tolist()
    ['C3', 'C4']
    """
    if len(paths) not in (1, 2):
        raise ParameterError(f"{len(paths)} paths", "one or two files", "read(eeg, nirs)")
    if any(isinstance(path, str) and not path.strip() for path in paths):  # else: this folder
        raise ReadError("an empty file name", "the name of a file", "put it in, or leave it out")
    formats = ["BIDS" if is_bids_path(path) else find_format(path) for path in paths]
    if len(paths) == 1:
        return open_file(paths[0], formats[0], offset=offset, align=align)
    opened: dict[str, tuple[xr.DataTree, str | Path]] = {}
    for path, kind in zip(paths, formats, strict=True):
        recording = open_file(path, kind)
        for name in streams(recording):
            if name in opened:
                raise ReadError(
                    f"two {MODALITIES[name].display} recordings: {opened[name][1]} and {path}",
                    "one EEG and one fNIRS file",
                    "give one file of each kind",
                )
            opened[name] = recording, path
    joined = join(opened[EEG.name][0], opened[NIRS.name][0], offset=offset, align=align)
    clock = joined["clock"].to_dataset().sel(stream=NIRS.name)
    fitted = {name: float(clock[name]) for name in ("offset", "drift")}
    return note(joined, "join", method=str(clock.method.item()), **fitted)


def open_file(
    path: Any, kind: str, *, offset: float | None = None, align: str | None = None
) -> xr.DataTree:
    """The Recording that one file holds, on the file's own clock.

    Parameters
    ----------
    path : path
        A file or folder, or a BIDSPath.
    kind : str
        Its format, as `neurofuse.io.detect.format.find_format` returns it.
    offset, align
        For the two runs of a BIDS folder, and for a file whose one table holds both modalities.

    Returns
    -------
    Recording

    Raises
    ------
    ReadError
        If the file cannot be read, or does not hold a valid Recording.
    """
    with reading(path, f"a whole {kind} recording"):
        return checked(_open(path, kind, offset, align), path)


def _open(path: Any, kind: str, offset: float | None, align: str | None) -> xr.DataTree:
    if kind == "neurofuse netCDF":
        return read_netcdf(path)
    if kind == "neurofuse zarr":
        from neurofuse.io.formats.zarr import read_zarr

        return read_zarr(path)
    if kind == "XDF":
        from neurofuse.io.xdf.read import read_xdf

        return read_xdf(path)
    if kind == "BIDS":
        return read_bids(path, offset=offset, align=align)
    if kind == "SNIRF":
        return read_snirf(path)
    if kind in NIRS_FORMATS:
        aux = read_homer_aux(path) if kind == "Homer" else None
        return from_mne(None, read_nirs_raw(path), aux=aux)
    if not kind.startswith(PLUGIN):
        return _from_raw(read_eeg_raw(path), offset, align)
    with naming_plugin(Path(path), kind):
        made = call_plugin(Path(path), kind)
        recording = made if isinstance(made, xr.DataTree) else _from_raw(made, offset, align)
        return note(checked(recording, path), "read", reader=kind, file=Path(path).name)


def _from_raw(raw: "mne.io.BaseRaw", offset: float | None, align: str | None) -> xr.DataTree:
    """The Recording of a Raw with EEG channels, fNIRS channels or both."""
    types = raw.get_channel_types()
    optical = [i for i, kind in enumerate(types) if kind.startswith(("fnirs", "hb"))]
    if not optical:
        return from_mne(raw)
    if len(optical) == len(types):
        return from_mne(None, raw)
    others = sorted(set(range(len(types))) - set(optical))
    if not any(channel_type(raw.ch_names[i], types[i]) == EEG.name for i in others):
        left = [raw.ch_names[i] for i in others if types[i] != "stim"]
        if left:
            LOG.warning("%s: channels %s left out", source_of(raw), ", ".join(left))
        return from_mne(None, raw)
    if offset is None and align is None:
        offset = 0.0  # one file, one clock
    with quiet():
        eeg, nirs = raw.copy().pick(others), raw.copy().pick(optical)
    return from_mne(eeg, nirs, offset=offset, align=align)
