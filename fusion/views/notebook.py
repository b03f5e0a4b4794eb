"""A Recording in a notebook: its summary first, xarray's tree folded below it."""

import xarray as xr

from neurofuse.fusion.views.overview import summary
from neurofuse.io.errors import NeurofuseError


def recording_html(tree: xr.DataTree) -> str:
    """HTML of a DataTree: with its summary where it is a Recording, else as xarray shows it.

    A Recording is of xarray's own class, whose way of showing itself cannot be changed; instead
    `import neurofuse` in a notebook registers this function there.

    Examples
    --------
    >>> import numpy as np
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.zeros((2, 500)), 250.0, ["C3", "C4"]))
    >>> "<td>250 Hz</td>" in recording_html(recording)
    True
    """
    whole = tree._repr_html_()
    try:
        seen = summary(tree)
    except NeurofuseError:  # any other tree
        return whole
    return f"{seen._repr_html_()}<details><summary>xarray.DataTree</summary>{whole}</details>"
