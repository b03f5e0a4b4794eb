"""A session's files ⇄ a Recording: read finds the kinds, write gives them back."""

import re
from pathlib import Path
from typing import Any

import xarray as xr

from neurofuse.io.bids import is_bids_path, read_bids
from neurofuse.io.content import find_format
from neurofuse.io.eeg import read_eeg_raw
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.io.export import save_eeg, sensors_of
from neurofuse.io.guard import quiet, reading
from neurofuse.io.homer import read_homer_aux
from neurofuse.io.joining import join
from neurofuse.io.netcdf import read_netcdf, save_netcdf
from neurofuse.io.nirs import read_nirs_raw
from neurofuse.io.pair import from_mne, to_mne
from neurofuse.io.recording import check, note, streams
from neurofuse.io.snirf import read_aux, write_snirf
from neurofuse.io.soundness import sound
from neurofuse.io.staging import holding, staged

NIRS = ("SNIRF", "NIRx", "Homer", "Hitachi", "BOXY")  # formats that hold fNIRS only
# what ends a name; but the value of a BIDS entity (desc-raw) is part of it
MODALITY = re.compile(
    r"((?<!_desc)(?<!_acq)(?<!_rec)(?<!_proc)[_-](eeg|ieeg|f?nirs|optics|raw|recording))+$", re.I
)


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
        `neurofuse.io.bids.read_bids`). A file inside a BIDS folder is read as that one file.
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


def write(
    recording: xr.DataTree,
    folder: str | Path,
    *,
    stem: str | None = None,
    overwrite: bool = False,
    suffix: str = "",
) -> dict[str, Path]:
    """Write a Recording's streams as FIF and SNIRF, and the whole as netCDF.

    Parameters
    ----------
    recording : Recording
    folder : path
        Made if missing.
    stem : str, optional
        Start of the file names; by default that of the EEG file without its modality suffix.
    overwrite : bool
        Replace files that are there.
    suffix : str
        Put after the stem, e.g. "_desc-clean".

    Returns
    -------
    dict
        Path by what it holds: "eeg", "nirs", "recording". All files or none are written.

    Raises
    ------
    WriteError
        If a file exists already, or the folder cannot be written.

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
    folder = Path(folder)
    start = (stem_of(recording) if stem is None else stem) + suffix
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


def stem_of(recording: xr.DataTree) -> str:
    """What output files are named after: the EEG (else fNIRS) file without its modality suffix.

    Examples
    --------
    >>> import numpy as np
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> node = eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"])
    >>> stem_of(build(node.assign_attrs(file="sub-01_task-rest_eeg.edf")))
    'sub-01_task-rest'
    """
    for stream in streams(recording):
        file = recording[stream].attrs.get("file", "")
        if file:
            return plain_stem(file)
    return "recording"


def plain_stem(name: str) -> str:
    """A file's name without suffix and modality.

    Examples
    --------
    >>> plain_stem("sub-01_task-rest_eeg.edf"), plain_stem("sub-02-EEG.fif.gz")
    ('sub-01_task-rest', 'sub-02')
    >>> plain_stem("sub-01_desc-raw_eeg.fif")
    'sub-01_desc-raw'
    """
    stem = Path(re.sub(r"\.gz$", "", name, flags=re.I)).stem
    return MODALITY.sub("", stem) or stem


def open_file(
    path: Any, kind: str, *, offset: float | None = None, align: str | None = None
) -> xr.DataTree:
    """The Recording that one file holds, on the file's own clock.

    Parameters
    ----------
    path : path
        A file or folder, or a BIDSPath.
    kind : str
        Its format, as `neurofuse.io.content.find_format` tells it.
    offset, align
        For the two runs of a BIDS folder, and for a file whose one table holds both streams.

    Raises
    ------
    ReadError
        If it cannot be read, or what comes out is no sound Recording.
    """
    with reading(path, f"a whole {kind} recording"):
        return sound(_open(path, kind, offset, align), path)


def _open(path: Any, kind: str, offset: float | None, align: str | None) -> xr.DataTree:
    if kind == "neurofuse netCDF":
        return read_netcdf(path)
    if kind == "neurofuse zarr":
        from neurofuse.io.zarr_store import read_zarr

        return read_zarr(path)
    if kind == "XDF":
        from neurofuse.io.xdf import read_xdf

        return read_xdf(path)
    if kind == "BIDS":
        return read_bids(path, offset=offset, align=align)
    sensors = {"SNIRF": read_aux, "Homer": read_homer_aux}
    if kind in NIRS:
        aux = sensors[kind](path) if kind in sensors else None
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
