"""NIRx folders → an MNE Raw, with a seam where triggers say that samples are missing before them.

The tables of light state no times, but headers and trigger files give both the time and the frame
of each trigger.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurofuse.io.logs import LOG, reading

if TYPE_CHECKING:
    import mne

EVENTS = re.compile(r'Events="#(.*?)#"', re.DOTALL)  # seconds, code and frame
TRIGGER = re.compile(r"(?m)^(\d{4}-\d\d-\d\dT[\d:.]+);(\d{1,12});")  # date, frame
JITTER = 0.5  # s; triggers arrive no later than this
CLOCK_ERROR = 1e-3  # of the time between two triggers
SEAM = "BAD boundary"


def read_nirx_raw(path: str | Path) -> "mne.io.BaseRaw":
    """The light of a NIRx folder, read through MNE; saturated stretches are annotated.

    Where more time passed between two triggers than there are frames, samples were lost. It is not
    known where: the stretch between them becomes a seam, over which nothing can be joined.

    Raises
    ------
    ReadError
        If the folder cannot be read.
    """
    import mne

    wanted = "a whole NIRx recording (.hdr, .wl1, .wl2, _probeInfo.mat … together)"
    with reading(path, wanted):
        raw = mne.io.read_raw_nirx(path, saturated="annotate", preload=False)
        rate, date = float(raw.info["sfreq"]), raw.info["meas_date"]
        folder = Path(path) if Path(path).is_dir() else Path(path).parent
        for triggers in (_in_headers(folder), _in_trigger_files(folder)):
            for begin, end, lost in lost_between(triggers, rate):
                LOG.warning(
                    "%s: %.3g s more passed between the triggers at frames %d and %d than there "
                    "are samples: some were lost",
                    path,
                    lost,
                    begin,
                    end,
                )
                seam = mne.Annotations(begin / rate, (end - begin) / rate, SEAM, date)
                raw.set_annotations(raw.annotations + seam)
    return raw


def lost_between(triggers: np.ndarray, rate: float) -> list[tuple[int, int, float]]:
    """Pairs of frames between which samples were lost, and for how long [s].

    Parameters
    ----------
    triggers : array (trigger, 2)
        Time [s] and frame of each.
    rate : float
        Frames a second [Hz].

    Examples
    --------
    >>> lost_between(np.array([[1.0, 10], [2.0, 20], [9.0, 30]]), 10.0)
    [(20, 30, 6.0)]
    """
    seconds, frames = np.diff(triggers, axis=0).T
    lost = seconds - frames / rate
    found = np.flatnonzero(lost > JITTER + CLOCK_ERROR * seconds)
    return [(int(triggers[i, 1]), int(triggers[i + 1, 1]), float(lost[i])) for i in found]


def _in_headers(folder: Path) -> np.ndarray:
    rows = [
        [float(word) for word in line.split()]
        for header in sorted(folder.glob("*.hdr"))
        for listed in EVENTS.findall(header.read_text("latin-1"))
        for line in listed.splitlines()
    ]
    return np.array([(row[0], row[2]) for row in rows if len(row) == 3]).reshape(-1, 2)


def _in_trigger_files(folder: Path) -> np.ndarray:
    rows = [
        (datetime.fromisoformat(date), int(frame))
        for file in sorted(folder.glob("*.tri"))
        for date, frame in TRIGGER.findall(file.read_text("latin-1"))
    ]
    return np.array([((at - rows[0][0]).total_seconds(), frame) for at, frame in rows]).reshape(
        -1, 2
    )
