"""One method on all calm stretches of a part."""

from functools import lru_cache
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from benchmarks.common.evaluation import Case, table
from benchmarks.still import eeg, nirs

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method

KINDS = {"eeg": eeg, "nirs": nirs}


@lru_cache(maxsize=4)
def cases(part: str, stream: str) -> tuple[Case, ...]:
    """Calm stretches of a part; made once a process, in seconds."""
    return tuple(KINDS[stream].cases(part))


def evaluate(
    method: "Method", part: str = "validation", streams: tuple[str, ...] = ("eeg", "nirs")
) -> pd.DataFrame:
    """What a method does to calm recordings.

    Parameters
    ----------
    method : str, Path, Cleaner or model
        As `neurofuse.clean` takes it: a name, the path of weights, or an object.
    part : {"train", "validation", "test"}
        Of the split by participants.
    streams : tuple of {"eeg", "nirs"}
        Which modalities to look at; those that the method does not treat are left out.

    Returns
    -------
    pandas.DataFrame
        One row a case, as `benchmarks.common.evaluation.table` makes it, with the figures of
        `benchmarks.still.nirs` and `benchmarks.still.eeg`. `kind` is "native" or "resampled"; of
        EEG the drift that was added.
    """
    chosen = (case for stream in streams for case in cases(part, stream))
    return table(method, chosen, figures)


def figures(case: Case, cleaned: xr.DataTree) -> dict[str, float]:
    return KINDS[case.stream].figures(case, cleaned)
