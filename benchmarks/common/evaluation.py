"""One method on many recordings without a truth: a table that other programs can use."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from neurofuse.fusion.clean import clean
from neurofuse.fusion.methods.registry import get_method
from neurofuse.io.errors import NeurofuseError

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method

KEYS = ("stream", "participant", "device", "rate", "kind", "name")


@dataclass(frozen=True)
class Case:
    """A recording of one participant with one modality."""

    stream: str  # "eeg" or "nirs"
    participant: str
    device: str  # the folder of its recording
    rate: float  # Hz
    kind: str  # what was done to it, or what was done during it
    name: str  # of the file
    recording: xr.DataTree
    reference: np.ndarray | None = None  # samples of this modality that figures refer to


def table(
    method: "Method",
    cases: Iterable[Case],
    figures: Callable[[Case, xr.DataTree], dict[str, float]],
) -> pd.DataFrame:
    """Figures of every case that a method treats.

    Parameters
    ----------
    method : str, Path, Cleaner or model
        As `neurofuse.clean` takes it: a name, the path of weights, or an object.
    cases : iterable of Case
        Those of modalities that the method does not treat are passed over.
    figures : function
        Of a case and its cleaned recording.

    Returns
    -------
    pandas.DataFrame
        One row a case: `stream`, `participant`, `device`, `rate` [Hz], `kind`, `name`, the figures,
        and `failure`, the message of a method that could not run, else "".
    """
    treated = get_method(method).streams
    rows = []
    for case in cases:
        if case.stream not in treated:
            continue
        failure, found = "", {}
        try:
            found = figures(case, clean(case.recording, method))
        except NeurofuseError as error:
            failure = str(error)
        rows.append({key: getattr(case, key) for key in KEYS} | found | {"failure": failure})
    return pd.DataFrame(rows)
