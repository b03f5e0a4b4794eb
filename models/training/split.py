"""Which files there are to train, validate and test on; participants are split before all else.

`split.json` says who is in which part; only one part is handed out at once.
"""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from neurofuse.io.errors import ParameterError

SPLIT = Path(__file__).with_name("split.json")
PARTS = ("train", "validation", "test")
SUFFIXES = (".edf", ".vhdr", ".snirf", ".xdf")
ORDER = 3  # first number of the seeds of the order in which participants are taken


def data_folder() -> Path | None:
    """The folder of real recordings that NEUROFUSE_DATA names; None where it names none."""
    named = os.environ.get("NEUROFUSE_DATA")
    return Path(named).resolve() if named and Path(named).is_dir() else None


def subject_files(part: str, kind: str) -> dict[str, list[Path]]:
    """Files of every participant of a part of the split ("train", "validation", "test").

    Parameters
    ----------
    part : str
        One of `PARTS`.
    kind : str
        "eeg" or "nirs", the clean recordings; "few_electrodes", EEG of one to four dry electrodes;
        "nirs_still" and "nirs_moving", fNIRS of other devices.
    """
    if part not in PARTS:
        raise ParameterError(f"part={part!r}", f"one of {', '.join(PARTS)}", "choose one of these")
    folder = data_folder()
    if folder is None:
        return {}
    prefixes = json.loads(SPLIT.read_text())[part][kind]
    return {
        prefix: sorted(
            p
            for p in (folder / prefix).parent.glob(f"{Path(prefix).name}_*")
            if p.suffix in SUFFIXES
        )
        for prefix in prefixes
    }


def left_out(share: float, seed: int, own: Iterable[str] = ()) -> frozenset[str]:
    """The training participants that are left out where a share of them is to train alone.

    Parameters
    ----------
    share : float
        Of the participants of each kind of recordings in `split.json`, and of your own; their
        number is rounded, and one of each kind stays at least.
    seed : int
        Says in which order participants are taken: a smaller share is part of a larger one.
    own : iterable of str
        Names of your own participants, in any order; those of the split among them are no own ones.

    Examples
    --------
    >>> sorted(left_out(0.5, 0, ["anna", "ben"]) & {"anna", "ben"})
    ['ben']
    >>> left_out(1.0, 0, ["anna", "ben"])
    frozenset()
    """
    rng = np.random.default_rng([ORDER, seed])
    dropped: set[str] = set()
    kinds = [set(people) for people in json.loads(SPLIT.read_text())["train"].values()]
    for people in (*kinds, set(own).difference(*kinds)):
        order = rng.permutation(sorted(people))
        dropped.update(map(str, order[max(1, round(share * len(order))) :]))
    return frozenset(dropped)


def check_left_out(beginnings: Sequence[str]) -> None:
    """Raise ParameterError if no participant of any part has a name that begins like one of these.

    Examples
    --------
    >>> check_left_out(["fnirs_devices/nirsport2_dtu", "eeg_clean/sub-03"])
    """
    split = json.loads(SPLIT.read_text())
    names = {name for part in PARTS for found in split[part].values() for name in found}
    unknown = [one for one in beginnings if not one or not any(n.startswith(one) for n in names)]
    if unknown:
        folders = sorted({str(Path(name).parent) for name in names})
        raise ParameterError(
            f"leave_out of {', '.join(map(repr, unknown))}, with which no recording's name begins",
            f"beginnings of names such as {', '.join(folders)}",
            "see models/training/split.json",
        )
