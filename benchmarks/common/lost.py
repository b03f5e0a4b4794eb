"""What is lost, in benchmarks: left out for every method alike, by one verdict.

`neurofuse.clean` returns lost samples as recorded. Scored as they are, they would be errors of
every method, zeros included, and a method would gain by calling fewer of them lost, or, where the
change is what is scored, more.
"""

from typing import TYPE_CHECKING

import xarray as xr

from benchmarks.common.methods import JOINT, get_method
from neurofuse.fusion.clean import clean
from neurofuse.fusion.methods.cleaner import apply
from neurofuse.io.recording import LOST, stream_dataset, streams

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method


def repaired(recording: xr.DataTree, method: "Method") -> xr.DataTree:
    """What a method makes of a recording, before a verdict puts lost samples back.

    Examples
    --------
    >>> import neurofuse as nf
    >>> made = repaired(nf.simulate(20.0, seed=0)[1], "zero")
    >>> bool((made["eeg"].eeg == 0).all()), "verdict" in made["eeg"]
    (True, False)
    """
    return apply(get_method(method), recording)


def called_lost(recording: xr.DataTree) -> dict[str, xr.DataArray]:
    """Which samples (channel, time) of each modality the packaged joint model's verdict calls lost.

    Examples
    --------
    >>> import neurofuse as nf
    >>> lost = called_lost(nf.simulate(20.0, seed=0)[0])
    >>> bool(lost["eeg"].any())
    False
    """
    judged = clean(recording, JOINT)
    return {s: stream_dataset(judged, s).verdict == LOST for s in streams(judged)}
