"""Which files there are to train, validate and test on; participants are split before all else.

`split.json` says who is in which part; only one part is handed out at once.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from neurofuse.io.errors import ParameterError

SPLIT = Path(__file__).with_name("split.json")
PARTS = ("train", "validation", "test")
SUFFIXES = (".edf", ".vhdr", ".snirf", ".xdf")


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
