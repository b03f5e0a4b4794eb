"""Simulated BIDS studies in which it is known which recordings are broken and which are alone."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

from benchmarks.cohort.data_set import BEGAN, write_session, write_top
from neurofuse.synth import simulate

TASK = "rest"
SITES = ("north", "south")  # in turn, each with its devices
DEVICES = ({"eeg": "Amp 8", "nirs": "Light 9"}, {"eeg": "Cap 19", "nirs": "Light 24"})
MONTAGES = ((8, "prefrontal"), ("10-20", "motor"))
BRISK = 8.0  # bouts a minute: short recordings often see no movement otherwise


@dataclass(frozen=True)
class Study:
    """A data set with the names of its sessions (`sub-01_task-rest`), and of the odd ones."""

    root: Path
    names: tuple[str, ...]
    broken: tuple[str, ...]
    unpaired: tuple[str, ...]

    @property
    def whole(self) -> tuple[str, ...]:
        """The sessions of which a cleaned recording is to be expected."""
        return tuple(n for n in self.names if n not in {*self.broken, *self.unpaired})


def make_study(
    folder: Path, sessions: int, broken: int = 0, unpaired: int = 0, seconds: float = 20.0
) -> Study:
    """Write a valid BIDS data set of simulated recordings, one a participant.

    Broken are, in turn, a SNIRF file that was cut in the middle, an empty EEG file, and a header
    that is none. Unpaired ones have no fNIRS. Sites and devices alternate; the odd sessions are
    spread over the study.

    Parameters
    ----------
    folder : Path
        Where the data set goes; created if missing.
    sessions, broken, unpaired : int
        How many there are; the odd ones are among `sessions`.
    seconds : float
        Length of each recording [s], at least 10.
    """
    subjects = [f"{k:0{max(2, len(str(sessions)))}d}" for k in range(1, sessions + 1)]
    odd = np.linspace(0, sessions - 1, broken + unpaired, dtype=int).tolist()
    for k, subject in enumerate(subjects):
        eeg, nirs = MONTAGES[k % 2]
        montages = {"eeg_montage": eeg, "nirs_montage": nirs}
        _, recording = simulate(seconds, seed=k, bouts_per_minute=BRISK, **montages)
        began = BEGAN + timedelta(days=k)
        write_session(folder, {"sub": subject, "task": TASK}, recording, DEVICES[k % 2], began)
    for number, k in enumerate(odd):
        where = folder / f"sub-{subjects[k]}"
        if number < broken:
            _break(where, number)
        else:
            _leave_alone(where)
    sites = [(subject, SITES[k % 2]) for k, subject in enumerate(subjects)]
    write_top(folder, "Simulated study", "Simulated EEG and fNIRS with head motion.", sites)
    names = tuple(f"sub-{subject}_task-{TASK}" for subject in subjects)
    broken_names, alone = (tuple(names[k] for k in ks) for ks in (odd[:broken], odd[broken:]))
    return Study(folder, names, broken_names, alone)


def _break(where: Path, kind: int) -> None:
    snirf, samples, header = (next(where.rglob(f"*.{end}")) for end in ("snirf", "eeg", "vhdr"))
    if kind % 3 == 0:
        content = snirf.read_bytes()
        snirf.write_bytes(content[: len(content) // 2])
    elif kind % 3 == 1:
        samples.write_bytes(b"")
    else:
        header.write_text("no header\n", "utf-8")


def _leave_alone(where: Path) -> None:
    for file in sorted((where / "nirs").iterdir()):
        file.unlink()
    (where / "nirs").rmdir()
    table = next(where.glob("*_scans.tsv"))
    lines = table.read_text("utf-8").splitlines()
    table.write_text("\n".join(line for line in lines if "nirs/" not in line) + "\n", "utf-8")
