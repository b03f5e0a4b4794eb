"""fNIRS files of every format, opened as an MNE Raw."""

from pathlib import Path
from typing import TYPE_CHECKING

from neurofuse.io.detect.format import find_format
from neurofuse.io.formats.boxy import read_boxy_raw
from neurofuse.io.formats.hitachi import read_hitachi_raw
from neurofuse.io.formats.homer import read_homer_raw
from neurofuse.io.formats.nirx import read_nirx_raw
from neurofuse.io.modality import NIRS
from neurofuse.io.snirf.read import read_snirf_raw

if TYPE_CHECKING:
    import mne


def read_nirs_raw(path: str | Path) -> "mne.io.BaseRaw":
    """Open an fNIRS file as an MNE Raw: SNIRF, NIRx, Homer .nirs, Hitachi CSV or BOXY text.

    A file's own time vector counts: its first sample is time 0 of the Raw, and gaps in it are
    interpolated linearly and annotated `BAD_gap`, where MNE would close them up.

    Parameters
    ----------
    path : path
        The file or folder.

    Returns
    -------
    mne.io.Raw
        One channel for each pair and wavelength, named "S1_D1 760", of intensity or optical
        density; its date is None where the file has none. SNIRF comes from `neurofuse.read`'s
        Recording: positions that the file lacks are NaN.

    Raises
    ------
    ReadError
        If the file is missing, cut off, empty, of another format, or not readable.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from neurofuse.io import build, nirs_dataset, write_nirs
    >>> node = nirs_dataset(np.ones((1, 2, 30)), 10.0, [760, 850], ["S1"], ["D1"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_nirs_raw(write_nirs(build(nirs=node), f"{folder}/a.snirf")).ch_names
    ['S1_D1 760', 'S1_D1 850']
    """
    path = Path(path)
    readers = {
        "SNIRF": read_snirf_raw,
        "Homer": read_homer_raw,
        "Hitachi": read_hitachi_raw,
        "BOXY": read_boxy_raw,
    }
    return readers.get(find_format(path, NIRS.name), read_nirx_raw)(path)
