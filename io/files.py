"""A session's files ⇄ a Recording: read finds the kinds, write gives them back."""

from pathlib import Path
from typing import Any

import xarray as xr

from neurofuse.io.bids.read import is_bids_path, read_bids
from neurofuse.io.clock.joining import join
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.io.formats.detect import find_format
from neurofuse.io.formats.eeg import read_eeg_raw
from neurofuse.io.formats.homer import read_homer_aux
from neurofuse.io.formats.netcdf import read_netcdf
from neurofuse.io.formats.nirs import read_nirs_raw
from neurofuse.io.integrity.recording import checked
from neurofuse.io.logs import quiet, reading
from neurofuse.io.mne_objects.pair import from_mne
from neurofuse.io.recording import note, streams
from neurofuse.io.snirf.read import read_snirf

NIRS_FORMATS = ("NIRx", "Homer", "Hitachi", "BOXY")  # that hold fNIRS only


def read(*paths: Any, offset: float | None = None, align: str | None = None) -> xr.DataTree:
    """Read an EEG and an fNIRS file of one session, or one of them, onto one clock.

    The kind of each file is found by its content and its suffix.

    Parameters
    ----------
    *paths : path
        One or two, in any order, of: an EEG file (EDF, BDF, BrainVision .vhdr, FIF, EEGLAB .set),
        an fNIRS file (SNIRF, NIRx folder or .hdr, Homer .nirs, Hitachi .csv, BOXY .txt). Or one
        that may hold both: an .xdf file of the lab streaming layer, a Recording saved as .nc or
        .zarr, a BIDS folder or `mne_bids.BIDSPath` that leads to one session (see
        `neurofuse.io.bids.read.read_bids`). A file inside a BIDS folder is read as that one file.
    offset, align :
        How the streams lie on one clock; see `from_mne`.

    Returns
    -------
    Recording

    Raises
    ------
    ReadError
        If a file is missing, damaged or of an unknown kind, if both hold the same stream, or a
        stream has no usable channel.
    AlignmentError
        If the streams cannot be put on one clock.

    Examples
    --------
    >>> read("absent.edf", "absent.snirf")
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found no file absent.edf; wanted a readable file: EDF, BDF, \
BrainVision (.vhdr), FIF, EEGLAB (.set), XDF, SNIRF, NIRx (folder or .hdr), Homer .nirs, Hitachi \
.csv, BOXY .txt, a BIDS folder, .nc or .zarr; check the path
    """
    if len(paths) not in (1, 2):
        raise ParameterError(f"{len(paths)} paths", "one or two files", "read(eeg, nirs)")
    if any(isinstance(path, str) and not path.strip() for path in paths):  # else: this folder
        raise ReadError("an empty file name", "the name of a file", "put it in, or leave it out")
    formats = ["BIDS" if is_bids_path(path) else find_format(path) for path in paths]
    if len(paths) == 1:
        return open_file(paths[0], formats[0], offset=offset, align=align)
    found: dict[str, tuple[xr.DataTree, str | Path]] = {}
    for path, kind in zip(paths, formats, strict=True):
        recording = open_file(path, kind)
        for stream in streams(recording):
            if stream in found:
                what = {"eeg": "EEG", "nirs": "fNIRS"}[stream]
                raise ReadError(
                    f"two {what} recordings: {found[stream][1]} and {path}",
                    "one EEG and one fNIRS file",
                    "give one file of each kind",
                )
            found[stream] = recording, path
    joined = join(found["eeg"][0], found["nirs"][0], offset=offset, align=align)
    clock = joined["clock"].sel(stream="nirs")
    told = {name: float(clock[name]) for name in ("offset", "drift")}
    return note(joined, "join", method=str(clock.method.item()), **told)


def open_file(
    path: Any, kind: str, *, offset: float | None = None, align: str | None = None
) -> xr.DataTree:
    """The Recording that one file holds, on the file's own clock.

    Parameters
    ----------
    path : path
        A file or folder, or a BIDSPath.
    kind : str
        Its format, as `neurofuse.io.formats.detect.find_format` tells it.
    offset, align
        For the two runs of a BIDS folder, and for a file whose one table holds both streams.

    Raises
    ------
    ReadError
        If it cannot be read, or what comes out is no sound Recording.
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
    raw = read_eeg_raw(path)
    optical = [i for i, t in enumerate(raw.get_channel_types()) if t.startswith(("fnirs", "hb"))]
    if not optical:
        return from_mne(raw)
    if len(optical) == len(raw.ch_names):
        return from_mne(None, raw)
    rest = [i for i in range(len(raw.ch_names)) if i not in set(optical)]
    if offset is None and align is None:
        offset = 0.0  # one file, one clock
    with quiet():
        eeg, nirs = raw.copy().pick(rest), raw.copy().pick(optical)
    return from_mne(eeg, nirs, offset=offset, align=align)
