"""Which files there are to train, validate and test on; participants are split before all else.

`split.json` says who is in which part; only one part is handed out at once.
"""

import json
import os
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
