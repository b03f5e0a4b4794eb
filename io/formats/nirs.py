"""fNIRS files of every format, opened as an MNE Raw."""

from pathlib import Path
from typing import TYPE_CHECKING

from neurofuse.io.formats.boxy import read_boxy_raw
from neurofuse.io.formats.detect import find_format
from neurofuse.io.formats.hitachi import read_hitachi_raw
from neurofuse.io.formats.homer import read_homer_raw
from neurofuse.io.logs import reading
from neurofuse.io.snirf.read import read_snirf_raw

if TYPE_CHECKING:
    import mne


def read_nirs_raw(path: str | Path) -> "mne.io.BaseRaw":
    """Open an fNIRS file as an MNE Raw: SNIRF, NIRx, Homer .nirs, Hitachi CSV or BOXY text.

    A file's own time vector counts: its first sample is time 0 of the Raw, and gaps in it
    are bridged linearly and annotated `BAD_gap`, where MNE would close them up. A measurement
    date that the file calls unknown is None.

    Parameters
    ----------
    path : path
        The file or folder.

    Returns
    -------
    mne.io.Raw

    Raises
    ------
    ReadError
        If the file is missing, cut off, empty, of another kind, or not readable.

    Examples
    --------
    >>> read_nirs_raw("absent.snirf")
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found no file absent.snirf; wanted an fNIRS file: SNIRF, NIRx's \
folder or .hdr file, Homer .nirs, Hitachi .csv or BOXY .txt; check the path
    """
    path = Path(path)
    readers = {
        "SNIRF": read_snirf_raw,
        "Homer": read_homer_raw,
        "Hitachi": read_hitachi_raw,
        "BOXY": read_boxy_raw,
    }
    kind = find_format(path, "nirs")
    if kind in readers:
        return readers[kind](path)
    import mne

    with reading(path, "a whole NIRx recording (.hdr, .wl1, .wl2, _probeInfo.mat … together)"):
        return mne.io.read_raw_nirx(path, saturated="annotate", preload=False)
