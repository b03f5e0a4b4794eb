"""How files of a Recording are named."""

import re
from pathlib import Path

import xarray as xr

from neurofuse.io.recording import streams

# ends of a name that say what a file holds, but not the value of a BIDS entity (desc-raw)
MODALITY_SUFFIX = re.compile(
    r"((?<!_desc)(?<!_acq)(?<!_rec)(?<!_proc)[_-](eeg|ieeg|f?nirs|optics|raw|recording))+$", re.I
)


def stem_of(recording: xr.DataTree) -> str:
    """What output files are named after: the EEG (else fNIRS) file without its modality suffix.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    str
        "recording" where no stream came from a file.

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
    """The name of a file without suffix and modality.

    Examples
    --------
    >>> plain_stem("sub-01_task-rest_eeg.edf"), plain_stem("sub-02-EEG.fif.gz")
    ('sub-01_task-rest', 'sub-02')
    >>> plain_stem("sub-01_desc-raw_eeg.fif")
    'sub-01_desc-raw'
    """
    stem = Path(re.sub(r"\.gz$", "", name, flags=re.I)).stem
    return MODALITY_SUFFIX.sub("", stem) or stem
