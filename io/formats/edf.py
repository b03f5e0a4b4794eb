"""The fraction of a second at which an EDF+ or BDF+ recording starts.

The header has whole seconds only; the first annotation of the first data record starts with the
rest (Kemp & Olivan 2003, doi:10.1016/S1388-2457(03)00123-8, 2.2.4). MNE leaves it out of its date.
"""

import re
from pathlib import Path

TIMEKEEPER = re.compile(rb"\+(\d+(?:\.\d*)?)\x14")
LABELS = (b"EDF Annotations", b"BDF Annotations")


def start_fraction(path: str | Path) -> float:
    """Seconds from the header's start time to the first sample: below 1; 0 where none is stored.

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
    ...     start_fraction(write_eeg(build(node), f"{folder}/a.edf"))
    0.25
    """
    with Path(path).open("rb") as file:
        head = file.read(256)
        width = 3 if head.startswith(b"\xff") else 2
        header, signals = int(head[184:192]), int(head[252:256])
        labels = [file.read(16).strip() for _ in range(signals)]
        if not set(labels) & set(LABELS):
            return 0.0
        file.seek(256 + signals * 216)
        samples = [int(file.read(8)) for _ in range(signals)]
        which = next(i for i, label in enumerate(labels) if label in LABELS)
        file.seek(header + width * sum(samples[:which]))
        found = TIMEKEEPER.match(file.read(width * samples[which]))
    fraction = float(found[1]) if found else 0.0
    return fraction if fraction < 1 else 0.0
