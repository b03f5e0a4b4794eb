"""Shin 2017 and 2018: decoding of simultaneous EEG and fNIRS, as recorded and after cleaning.

    python -m benchmarks.protocols.shin --set shin-2017 --folder DIR

Participants were asked to sit still; no motion is injected. What is asked: does cleaning lower what
can be decoded? Tasks: left against right imagery, arithmetic against rest (2017), word generation
against baseline (2018). Accuracy within each participant, in folds of neighbouring trials, by EEG,
by fNIRS and by both.

Layout (MATLAB 5 files): 2017 has `EEG/subject NN/with occular artifact/` and `NIRS/subject NN/`,
each with cnt.mat, mrk.mat and mnt.mat, six sessions in a cell, fNIRS as light at two wavelengths.
2018 has `VPNNN-EEG/` and `VPNNN-NIRS/` with cnt_wg.mat and mrk_wg.mat, one recording, fNIRS already
as concentrations, which are turned back into optical density to be cleaned.
"""

import argparse
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rich.progress import track

from benchmarks.common.methods import names
from benchmarks.common.statistics import cell
from benchmarks.decoding import decoders
from benchmarks.protocols.public_data import located
from neurofuse.fusion.clean import clean
from neurofuse.io import build, eeg_dataset, mark_bad, nirs_dataset, stream_dataset, to_haemoglobin
from neurofuse.io.errors import NeurofuseError, ReadError
from neurofuse.io.recording import events_dataset

WAVELENGTHS = (760.0, 850.0)  # nm
SUFFIX = re.compile(r"(lowWL|highWL|deoxy|oxy)$", re.IGNORECASE)
TASKS = {"shin-2017": {"imagery": (0, 2, 4), "arithmetic": (1, 3, 5)}, "shin-2018": {"words": (0,)}}
CONCENTRATION = 1e-3  # mol/L in the unit of 2018's files
APART = 0.03  # m between source and detector


@dataclass(frozen=True)
class Session:
    """One recording, and when which of two tasks began."""

    recording: xr.DataTree
    onset: np.ndarray  # s
    label: np.ndarray  # 0 or 1


def sessions(folder: Path, name: str, task: str) -> Iterator[tuple[str, list[Session]]]:
    """Every participant's sessions of a task."""
    if name == "shin-2017":
        for nirs in sorted((folder / "NIRS").glob("subject *")):
            eeg = folder / "EEG" / nirs.name / "with occular artifact"
            parts = {s: _load(p, "") for s, p in (("eeg", eeg), ("nirs", nirs))}
            yield nirs.name, [session(parts, k) for k in TASKS[name][task]]
    else:
        for nirs in sorted(folder.glob("**/VP*-NIRS")):
            eeg = nirs.with_name(nirs.name.replace("NIRS", "EEG"))
            parts = {s: _load(p, "_wg") for s, p in (("eeg", eeg), ("nirs", nirs))}
            yield nirs.name[:-5], [session(parts, 0)]


def _load(folder: Path, ending: str) -> tuple[list, list]:
    """Signals and marks of all sessions in a folder."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    results = []
    for kind in ("cnt", "mrk"):
        path = folder / f"{kind}{ending}.mat"
        try:
            held = loadmat(path, squeeze_me=True, struct_as_record=False)[kind + ending]
        except (OSError, KeyError, ValueError, MatReadError) as error:
            raise ReadError(
                f"{path} ({type(error).__name__})",
                f"a MATLAB file with the variable {kind + ending}",
                "download the data again",
            ) from error
        results.append(list(np.atleast_1d(held)))
    return results[0], results[1]


def session(parts: dict[str, tuple[list, list]], number: int) -> Session:
    """One session's modalities on the clock of EEG, aligned by the marks that both have."""
    eeg, eeg_marks = (part[number] for part in parts["eeg"])
    nirs, nirs_marks = (part[number] for part in parts["nirs"])
    onset, later = (1e-3 * np.atleast_1d(m.time).astype(float) for m in (eeg_marks, nirs_marks))
    if onset.size != later.size:
        raise ReadError(
            f"{onset.size} marks beside EEG and {later.size} beside fNIRS",
            "the same marks in both",
            "leave this participant out",
        )
    label = np.atleast_2d(eeg_marks.y)[1].astype(int)
    kind = ["eog" if "EOG" in str(c).upper() else "eeg" for c in eeg.clab]
    names = [str(c) for c in eeg.clab]
    position = np.stack([_places().get(n, np.full(3, np.nan)) for n in names])
    rows = [(t, 10.0, f"task {k}", "", "") for t, k in zip(onset, label, strict=True)]
    recording = build(
        eeg_dataset(1e-6 * eeg.x.T, float(eeg.fs), names, ch_type=kind, position=position),
        _nirs(nirs, start=float(np.median(onset - later))),
        events=events_dataset(rows),
    )
    return Session(mark_bad(recording), onset, label)


def _nirs(results: Any, start: float) -> xr.Dataset:
    """fNIRS of a file: light at two wavelengths, or HbO and HbR."""
    if hasattr(results, "oxy"):
        pairs = [SUFFIX.sub("", str(c)) for c in results.oxy.clab]
        molar = CONCENTRATION * np.stack([results.oxy.x.T, results.deoxy.x.T], 1)
        rate, variable, data = float(results.oxy.fs), "od", _density(molar)
    else:
        names = [str(c) for c in results.clab]
        pairs = list(dict.fromkeys(SUFFIX.sub("", n) for n in names))
        order = {n.lower(): k for k, n in enumerate(names)}
        columns = [[order[f"{p}{w}".lower()] for w in ("lowWL", "highWL")] for p in pairs]
        rate, variable, data = float(results.fs), "intensity", results.x.T[np.array(columns)]
    ends = [_ends(p) for p in pairs]
    place = _places()
    source, detector = (np.stack([place[e[k]] for e in ends]) for k in (0, 1))
    middle, way = (source + detector) / 2, detector - source
    way *= APART / np.linalg.norm(way, axis=1, keepdims=True)  # the caps' 30 mm, not the template's
    return nirs_dataset(
        data,
        rate,
        WAVELENGTHS,
        [e[0] for e in ends],
        [e[1] for e in ends],
        variable=variable,
        source_position=middle - way / 2,
        detector_position=middle + way / 2,
        start=start,
    )


def _ends(pair: str) -> tuple[str, str]:
    """Names of the two optodes that a channel's name is made of.

    Examples
    --------
    >>> _ends("AF7Fp1"), _ends("C5hCCP5h")
    (('AF7', 'Fp1'), ('C5h', 'CCP5h'))
    """
    for cut in range(2, len(pair) - 1):
        if pair[:cut] in _places() and pair[cut:] in _places():
            return pair[:cut], pair[cut:]
    raise ReadError(
        f"the fNIRS channel {pair!r}", "two names of the 10-05 system", "check the file"
    )


@cache
def _places() -> dict[str, np.ndarray]:
    """Positions [m, head frame] of the 10-05 system."""
    import mne

    return mne.channels.make_standard_montage("standard_1005").get_positions()["ch_pos"]


def _density(molar: np.ndarray) -> np.ndarray:
    """Optical density (channel, wavelength, time) of HbO and HbR, by inverting `to_haemoglobin`."""
    ends = np.zeros((1, 3)), np.array([[APART, 0, 0]])
    matrix = []
    for unit in np.eye(2):
        course = np.zeros((1, 2, 20))
        course[0, :, 10:] = unit[:, None]
        node = nirs_dataset(
            course, 10.0, WAVELENGTHS, ["S1"], ["D1"], variable="od",
            source_position=ends[0], detector_position=ends[1],
        )  # fmt: skip
        results = stream_dataset(to_haemoglobin(build(nirs=node)), "nirs")
        matrix.append([float(results[v][0, -1] - results[v][0, 0]) for v in ("hbo", "hbr")])
    return np.einsum("wh,cht->cwt", np.linalg.inv(np.array(matrix).T), molar)


def accuracy(own: list[Session], how) -> dict[str, float]:
    """Accuracy by EEG, fNIRS and both after `how` cleaned every session."""
    eeg, nirs, label = [], [], []
    for one in own:
        cleaned = how(one.recording)
        eeg.append(decoders.eeg_trials(cleaned, one.onset))
        nirs.append(decoders.nirs_trials(cleaned, one.onset))
        label.append(one.label)
    kinds = {"EEG": np.concatenate(eeg), "fNIRS": np.concatenate(nirs)}
    kinds["both"] = np.concatenate(list(kinds.values()), axis=1)
    task = np.concatenate(label)
    return {k: decoders.two_classes(x[task == 0], x[task == 1]) for k, x in kinds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--set", default="shin-2017", choices=list(TASKS))
    parser.add_argument("--folder", type=Path, help="where the files are")
    parser.add_argument("--methods", nargs="+", default=list(names()))
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    try:
        folder = located(options.set, options.folder)
        for task in TASKS[options.set]:
            report(folder, options.set, task, options.methods)
    except ReadError as error:
        raise SystemExit(str(error)) from error


def report(folder: Path, name: str, task: str, methods: list[str]) -> None:
    """Print the accuracies [%] of a task after every method."""
    print(f"\n## {name}, {task}\n\n| cleaned by | EEG | fNIRS | both |\n|---|---|---|---|")
    participants = [own for _, own in sessions(folder, name, task)]
    for method in track(methods, description=task):
        try:
            results = [accuracy(p, lambda r, m=method: clean(r, m)) for p in participants]
        except NeurofuseError as error:
            print(f"| {method} | did not run: {error} | | |")
            continue
        cells = [cell([100 * f[k] for f in results]) for k in results[0]]
        print(f"| {method} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
