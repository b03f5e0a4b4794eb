"""One method on all calm stretches of a part: a table that other programs can use."""

from functools import lru_cache
from typing import TYPE_CHECKING

import pandas as pd

from benchmarks.still import eeg, nirs
from benchmarks.still.case import Case
from neurofuse.fusion.clean import clean
from neurofuse.fusion.methods.registry import get_method
from neurofuse.io.errors import NeurofuseError

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method

KINDS = {"eeg": eeg, "nirs": nirs}
KEYS = ["stream", "participant", "device", "rate", "kind"]


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
        One row a case: `stream`, `participant`, `device`, `rate` [Hz], `kind` ("native" or
        "resampled"; of EEG the drift that was added), the figures of `benchmarks.still.nirs` and
        `benchmarks.still.eeg`, and `failure`, the message of a method that could not run.
    """
    treated = get_method(method).streams
    rows = []
    for stream in streams:
        for case in cases(part, stream) if stream in treated else ():
            try:
                found = KINDS[stream].figures(case, clean(case.recording, method))
            except NeurofuseError as error:
                found = {"failure": str(error)}
            rows.append({key: getattr(case, key) for key in KEYS} | found)
    return pd.DataFrame(rows)
