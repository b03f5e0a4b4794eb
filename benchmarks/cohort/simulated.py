"""Simulated BIDS studies in which it is known which recordings are broken and which are alone."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurofuse.io.bids.sidecars import as_json
from neurofuse.io.bids.write import save_bids
from neurofuse.synth import simulate

TASK = "rest"
BEGAN = "2026-01-05T09:{:02d}:00.250000"  # both modalities of a session at once
DEVICES = (("north", "Amp 8", "Light 8"), ("south", "Cap 19", "Light 24"))  # site, EEG, fNIRS
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
    names = [f"{k:0{max(2, len(str(sessions)))}d}" for k in range(1, sessions + 1)]
    odd = np.linspace(0, sessions - 1, broken + unpaired, dtype=int)
    cut, alone = set(odd[:broken].tolist()), set(odd[broken:].tolist())
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for k, subject in enumerate(names):
        where = _write_session(folder, subject, k, seconds)
        rows.append(f"sub-{subject}\t{DEVICES[k % 2][0]}")
        if k in cut:
            _break(where, sorted(cut).index(k))
        if k in alone:
            _leave_alone(where)
    _write_top(folder, rows)
    stems = [f"sub-{subject}_task-{TASK}" for subject in names]
    return Study(
        folder,
        tuple(stems),
        tuple(stems[k] for k in sorted(cut)),
        tuple(stems[k] for k in sorted(alone)),
    )


def _write_session(root: Path, subject: str, k: int, seconds: float) -> Path:
    """One participant's files; returns their folder."""
    eeg, nirs = MONTAGES[k % 2]
    _, recording = simulate(
        seconds, seed=k, eeg_montage=eeg, nirs_montage=nirs, bouts_per_minute=BRISK
    )
    files = save_bids(recording, root, {"sub": subject, "task": TASK})
    for modality, model in zip(("eeg", "nirs"), DEVICES[k % 2][1:], strict=True):
        sidecar = (root / files[modality]).with_suffix(".json")
        facts = json.loads(sidecar.read_text("utf-8"))
        for derived in ("neurofuse", "Description"):  # a recording as it comes from the device
            facts.pop(derived)
        facts |= {"Manufacturer": "Simulated", "ManufacturersModelName": model}
        sidecar.write_text(as_json(facts), "utf-8")
    where = root / f"sub-{subject}"
    began = BEGAN.format(k % 60)
    lines = [f"{(root / file).relative_to(where).as_posix()}\t{began}" for file in files.values()]
    table = where / f"sub-{subject}_scans.tsv"
    table.write_text("\n".join(["filename\tacq_time", *lines]) + "\n", "utf-8")
    return where


def _write_top(root: Path, rows: list[str]) -> None:
    facts = {"Name": "Simulated study", "BIDSVersion": "1.10.0", "DatasetType": "raw"}
    facts |= {"License": "CC0", "Authors": ["A. Author", "B. Author"]}
    (root / "dataset_description.json").write_text(as_json(facts), "utf-8")
    (root / "README").write_text("Simulated EEG and fNIRS with head motion.\n", "utf-8")
    table = ["participant_id\tsite", *rows]
    (root / "participants.tsv").write_text("\n".join(table) + "\n", "utf-8")
    about = {"site": {"Description": "where it was recorded"}}
    (root / "participants.json").write_text(as_json(about), "utf-8")


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
