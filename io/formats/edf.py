"""When the data records of an EDF+ or BDF+ file begin.

The header has whole seconds only; the first annotation of each data record holds its own start
(Kemp & Olivan 2003, doi:10.1016/S1388-2457(03)00123-8, 2.2.4). MNE leaves the fraction of a second
out of its date, and takes records for contiguous, which those of EDF+D are not.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TIMEKEEPER = re.compile(rb"\+(\d+(?:\.\d*)?)\x14")
LABELS = (b"EDF Annotations", b"BDF Annotations")


def start_of_samples(path: str | Path) -> float:
    """Seconds from the header's start time to the first sample; 0 where none is stored.

    They are below 1 by the standard; of a part cut out of a longer recording they may be more.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import datetime
    >>> import numpy as np
    >>> from neurofuse.io.formats.export import write_eeg
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> node = eeg_dataset(np.zeros((1, 300)), 100.0, ["Cz"])
    >>> node.attrs["measured_at"] = "2024-05-17T09:30:12.250000+00:00"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     start_of_samples(write_eeg(build(node), f"{folder}/a.edf"))
    0.25
    """
    onset = read_records(path, most=1).onset
    return float(onset[0]) if len(onset) and np.isfinite(onset[0]) else 0.0


@dataclass(frozen=True)
class Records:
    """The data records of a file.

    Parameters
    ----------
    onset : array (record,)
        Start of each [s from the header's time], NaN where it is not stored; empty without
        annotations.
    seconds : float
        Length of each.
    interrupted : bool
        Whether the header says that there may be time between them (EDF+D, BDF+D).
    annotations : bytes
        Those of all records, in order.
    """

    onset: np.ndarray
    seconds: float
    interrupted: bool
    annotations: bytes

    def lateness(self) -> np.ndarray:
        """How much later [s] each record begins than if no time lay between them."""
        late = self.onset - self.onset[0] - self.seconds * np.arange(len(self.onset))
        known = np.isfinite(late)
        last_known = np.maximum.accumulate(np.where(known, np.arange(len(late)), 0))
        return late[last_known]


def read_records(path: str | Path, most: int | None = None) -> Records:
    """The starts and annotations of data records: of all in the file, or of the first `most`."""
    with Path(path).open("rb") as file:
        head = file.read(256)
        width = 3 if head.startswith(b"\xff") else 2
        header, signals = int(head[184:192]), int(head[252:256])
        labels = [file.read(16).strip() for _ in range(signals)]
        file.seek(256 + signals * 216)
        samples = np.array([int(file.read(8)) for _ in range(signals)])
        seconds = float(head[244:252])
        which = [i for i, label in enumerate(labels) if label in LABELS]
        first = header + width * np.concatenate([[0], np.cumsum(samples)])
        record = int(width * samples.sum())
        count = (file.seek(0, 2) - header) // record  # whatever the header announces, as MNE does
        onset, annotations = [], []
        for number in range(min(count, count if most is None else most) if which else 0):
            for signal in which:
                file.seek(int(first[signal]) + number * record)
                annotations.append(file.read(int(width * samples[signal])))
            found = TIMEKEEPER.match(annotations[-len(which)])
            onset.append(float(found[1]) if found else np.nan)
    interrupted = head[192:197] in (b"EDF+D", b"BDF+D")
    return Records(np.array(onset), seconds, interrupted, b"".join(annotations))
