"""BrainVision headers that MNE does not read: with decimal commas, or with "$b" for their name."""

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from neurofuse.io.logs import LOG

if TYPE_CHECKING:
    import mne

RESOLUTION = re.compile(r"(?m)^(Ch\d+=[^,\r\n]*,[^,\r\n]*,\s*\d+),(\d+(?:[eE][+-]?\d+)?\s*(?:,|$))")
INTERVAL = re.compile(r"(?m)^(SamplingInterval=\s*\d+),(\d+\s*)$")
FILES = re.compile(r"(?m)^((?:Data|Marker)File=)([^\r\n]*)")


def read_brainvision(path: str | Path, preload: bool = False) -> "mne.io.BaseRaw":
    """Open a .vhdr file with decimal points or commas; "$b" stands for its own name."""
    import mne

    path = Path(path)
    text = path.read_bytes().decode("latin-1")  # every byte comes back as it was
    points = INTERVAL.sub(r"\1.\2", RESOLUTION.sub(r"\1.\2", text))
    if points != text:
        LOG.info("%s: its header has decimal commas", path)
    elif not any("$b" in name for _, name in FILES.findall(text)):
        return mne.io.read_raw_brainvision(path, preload=preload)
    folder = str(path.parent.resolve()).encode().decode("latin-1")

    def placed(match: re.Match) -> str:
        name = match[2].strip().replace("$b", path.stem.encode().decode("latin-1"))
        return f"{match[1]}{folder}/{name}"

    with tempfile.TemporaryDirectory() as other:
        copy = Path(other) / path.name
        copy.write_bytes(FILES.sub(placed, points).encode("latin-1"))
        return mne.io.read_raw_brainvision(copy, preload=preload)
