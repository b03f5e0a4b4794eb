"""BOXY text files of ISS Imagent → an MNE Raw of the steady (DC) light."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurofuse.io.errors import ReadError
from neurofuse.io.formats.pauses import count_times
from neurofuse.io.logs import LOG, quiet, reading

if TYPE_CHECKING:
    import mne

WANTED = "a whole BOXY text file of version 0.40 or 0.84"
NO_WAVELENGTH = 0  # nm, stands for the wavelengths that the format does not store
MOST_DETECTORS, MOST_PAIRS = 26, 4096  # detectors have a letter each
HEADER_LINES, LONGEST_LINE = 200, 2**20
COUNTS = {b"Detector Channels": "detectors", b"External MUX Channels": "sources"}


def read_boxy_raw(path: str | Path) -> "mne.io.BaseRaw":
    """The DC amplitudes of a BOXY file, read through MNE.

    The instrument modulates its light; the amplitude (AC) and phase of that are no continuous-wave
    intensity and are left out. The format has no wavelengths: each source is one laser, and its
    channels are called "S1_D1 0". Haemoglobin cannot be computed from them, the rest can. Where its
    column `time` says that samples are missing, they are a gap.

    Raises
    ------
    ReadError
        If the file is damaged or of another version.
    """
    import mne

    with reading(path, WANTED):
        _check_header(Path(path))
        raw = mne.io.read_raw_boxy(path, preload=False)
        light = [name for name in raw.ch_names if name.endswith(" DC")]
        if not light or raw.n_times < 2:
            raise ReadError(f"{path} without samples of DC light", WANTED, "export it again")
        raw.pick(light).load_data()
    with quiet():
        raw.rename_channels({name: f"{name.removesuffix('DC')}{NO_WAVELENGTH}" for name in light})
    LOG.warning(
        "%s: DC light of %d channels read, AC and phase left out; BOXY stores no wavelengths: they "
        "are given as %d nm",
        path,
        len(light),
        NO_WAVELENGTH,
    )
    return count_times(raw, _times(Path(path)), Path(path))


def _times(path: Path) -> np.ndarray | None:
    """The column `time` [s]; None where it is not there or holds no numbers.

    Where sources are multiplexed line by line, only the first line of a sample has it.
    """
    lines = iter(path.read_text("latin-1").splitlines())
    names = next((next(lines, "").split() for line in lines if "#DATA BEGINS" in line), [])
    if "time" not in names:
        return None
    rows = (line.split() for line in itertools.takewhile(lambda at: "#DATA ENDS" not in at, lines))
    cells = [row[names.index("time")] for row in rows if len(row) == len(names)]
    try:
        times = np.array(cells, float)
    except ValueError:
        return None
    return times if np.isfinite(times).all() else None


def _check_header(path: Path) -> None:
    """Raise ReadError for a header with more channels than a device or the file can have."""
    counts = dict.fromkeys(COUNTS.values(), 1)
    with path.open("rb") as file:
        for _ in range(HEADER_LINES):
            line = file.readline(LONGEST_LINE)
            if len(line) == LONGEST_LINE:
                raise ReadError(f"{path} with a line of no end", WANTED, "export it again")
            words = line.split()
            for label, name in COUNTS.items():
                if label in line and words and words[0].isdigit():
                    counts[name] = int(words[0][:12])
            if b"#DATA BEGINS" in line:
                break
    detectors, sources = counts["detectors"], counts["sources"]
    if not 1 <= detectors <= MOST_DETECTORS or not 1 <= sources <= MOST_PAIRS // detectors:
        raise ReadError(
            f"{path}, whose header says {detectors} detectors and {sources} sources",
            f"at most {MOST_DETECTORS} detectors and {MOST_PAIRS} pairs",
            "export it again",
        )
