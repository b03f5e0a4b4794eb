"""One method on many recordings without a truth: a table that other programs can use."""

import argparse
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from benchmarks.common.keys import method_key, result_key, weights_key
from benchmarks.common.lost import repaired
from benchmarks.common.methods import packaged, row_name
from benchmarks.common.page import Page
from benchmarks.common.paths import ROOT, recordings_folder, write
from neurofuse.fusion.methods.learned import SUFFIX
from neurofuse.fusion.methods.registry import get_method
from neurofuse.io.errors import NeurofuseError
from neurofuse.models.training.split import PARTS

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method

CLEANING = ("models/**/*.py", "fusion/**/*.py")
MEASURING = (
    *("benchmarks/common/calm.py", "benchmarks/common/lost.py", "benchmarks/common/pulse.py"),
    *("benchmarks/still/[!_]*.py", "benchmarks/moving/[!_]*.py"),  # not how results are shown
)
PACKAGED = {name: path for name, _, path in packaged()}
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
    lost: np.ndarray | None = None  # samples (channel, time) that figures leave out


class Kind(Protocol):
    """What a benchmark looks at in one modality: a module with these two functions."""

    def cases(self, part: str) -> Iterable[Case]: ...
    def figures(self, case: Case, cleaned: xr.DataTree) -> dict[str, float]: ...


@dataclass(frozen=True)
class Evaluation:
    """One method on all recordings of a part, for a benchmark whose figures need no truth.

    Parameters
    ----------
    kinds : dict
        By modality, "eeg" and "nirs".
    """

    kinds: Mapping[str, Kind]

    def cases(self, part: str, stream: str) -> tuple[Case, ...]:
        """Recordings of a part; made once a process, in seconds."""
        return _made(self.kinds[stream], part)

    def figures(self, case: Case, cleaned: xr.DataTree) -> dict[str, float]:
        """What a method made of one recording."""
        return self.kinds[case.stream].figures(case, cleaned)

    def __call__(
        self,
        method: "Method",
        part: str = "validation",
        streams: tuple[str, ...] = ("eeg", "nirs"),
    ) -> pd.DataFrame:
        """The `table` of a method.

        Parameters
        ----------
        method : str, Path, Cleaner or model
            As `neurofuse.clean` takes it: a name, the path of weights, or an object.
        part : {"train", "validation", "test"}
            Of the split by participants.
        streams : tuple of {"eeg", "nirs"}
            Which modalities to look at; those that the method does not treat are left out.
        """
        chosen = (case for stream in streams for case in self.cases(part, stream))
        return table(method, chosen, self.figures)


@cache
def _made(kind: Kind, part: str) -> tuple[Case, ...]:
    return tuple(kind.cases(part))


def table(
    method: "Method",
    cases: Iterable[Case],
    figures: Callable[[Case, xr.DataTree], dict[str, float]],
) -> pd.DataFrame:
    """Figures of every case that a method treats, before verdicts put lost samples back.

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
            found = figures(case, repaired(case.recording, method))
        except NeurofuseError as error:
            failure = str(error)
        rows.append({key: getattr(case, key) for key in KEYS} | found | {"failure": failure})
    return pd.DataFrame(rows)


def kept(
    methods: Iterable[str],
    evaluate: Callable[..., pd.DataFrame],
    part: str,
    folder: Path,
) -> dict[str, pd.DataFrame]:
    """The tables of methods on a part, from the folder where they were made before.

    Parameters
    ----------
    methods : iterable of str
        Names, or paths of weights.
    evaluate : function
        Of a method and a part.
    part : {"train", "validation", "test"}
        Of the split by participants.
    folder : Path
        One JSON a method, under the key of its weights or settings and of the code that cleans
        and measures: where any of it changed, everything is made anew.
    """
    code = [path for pattern in (*CLEANING, *MEASURING) for path in ROOT.glob(pattern)]
    made_by, found = result_key("code", files=code), {}
    for method in methods:
        get_method(method)  # refuses an unknown name with a list of those that are known
        name = Path(method).stem if method.endswith(SUFFIX) else method
        weights = Path(method) if method.endswith(SUFFIX) else PACKAGED.get(method)
        key = method_key(method) if weights is None else weights_key(weights)
        target = folder / made_by / part / f"{name}_{key}.json"
        if not target.exists():
            write(target, {"rows": evaluate(method, part).to_dict("records")})
        found[row_name(name)] = pd.DataFrame(json.loads(target.read_text())["rows"])
    return found


def run(
    name: str,
    evaluate: Evaluation,
    methods: Iterable[str],
    page: Callable[[dict[str, pd.DataFrame], str], Page],
    text: str,
) -> None:
    """The command `python -m benchmarks.NAME`: evaluate what is missing, print and write the page.

    Parameters
    ----------
    name : str
        Of the benchmark.
    evaluate : Evaluation
    methods : iterable of str
        Those that are compared unless others are asked for.
    page : function
        Of the tables by method and the part.
    text : str
        What the benchmark is, in its first line.
    """
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, default="validation")
    parser.add_argument("--method", nargs="+", default=methods, help="names, or paths of weights")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / name)
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    recordings_folder()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    made = page(kept(options.method, evaluate, options.part, options.out), options.part)
    print(made.markdown(name))
    if options.page:
        made.write(options.page)
