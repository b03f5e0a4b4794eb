"""A BIDS folder → a Recording: the EEG and fNIRS runs of one session, with their sidecars."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from neurofuse.io.bids.run import read_with_sidecars
from neurofuse.io.detect.folder import INNER_FOLDER, subject_folder
from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG
from neurofuse.io.modality import EEG, MODALITIES, NIRS

WANTED = "one EEG and one fNIRS run of the same subject, session, task and run, or one of them"
SUFFIXES: dict[str, tuple[str, ...]] = {
    EEG.name: (".edf", ".bdf", ".vhdr", ".set"),
    NIRS.name: (".snirf",),
}
PAIRED = ("sub", "ses", "task", "run")  # entities that the runs of a pair share
LISTED = 12  # runs named in an error


@dataclass(frozen=True)
class Session:
    """The runs that share subject, session, task and run: files by "eeg" and "nirs"."""

    key: tuple[str, ...]
    files: dict[str, list[Path]] = field(default_factory=dict)

    @property
    def single(self) -> bool:
        """Whether there is no more than one file of each kind."""
        return all(len(files) == 1 for files in self.files.values())

    def __str__(self) -> str:
        name = "_".join(f"{n}-{v}" for n, v in zip(PAIRED, self.key, strict=True) if v)
        return f"{name} ({', '.join(p.name for files in self.files.values() for p in files)})"


def read_bids(where: Any, *, offset: float | None = None, align: str | None = None) -> xr.DataTree:
    """Read a session of a BIDS data set: its EEG and fNIRS on one clock.

    Parameters
    ----------
    where : path or mne_bids.BIDSPath
        The data set, a subject, session or data-type folder in it, or a BIDSPath: its root and
        whatever entities it names. There must be just one session with both EEG and fNIRS, or
        else just one with either.
    offset, align
        How to align the two; see `neurofuse.from_mne`. Dates are those of the files, or of
        `scans.tsv` where it has them.

    Returns
    -------
    Recording
        Bad channels, types, events, electrodes and subject are those of the sidecars, applied by
        mne-bids; where it cannot, the file alone is read and a warning says why.

    Raises
    ------
    ReadError
        If there is no session, or several: the message lists them.
    AlignmentError
        If the two cannot be put on one clock.
    """
    session = find_session(where)
    _warn_of_lost(session)
    files = {stream: paths[0] for stream, paths in session.files.items()}
    return read_runs(files, offset=offset, align=align)


def read_runs(
    files: Mapping[str, Path], *, offset: float | None = None, align: str | None = None
) -> xr.DataTree:
    """Read the given EEG and fNIRS runs of a BIDS data set, whatever their entities.

    Parameters
    ----------
    files : dict of Path
        The runs of "eeg" and "nirs", or of one of them; others are not looked at.
    offset, align
        As in `read_bids`.

    Returns
    -------
    Recording
        With what the sidecars say, as of `read_bids`, and the sensors of motion runs beside it
        (`neurofuse.io.bids.motion`).

    Raises
    ------
    ReadError
        If a file cannot be read.
    AlignmentError
        If the two cannot be put on one clock.
    """
    from neurofuse.io.bids.motion import with_motion
    from neurofuse.io.mne_objects.pair import from_mne
    from neurofuse.io.snirf.read import read_aux

    raws: dict[str, Any] = {
        stream: read_with_sidecars(files[stream], stream) for stream in SUFFIXES if stream in files
    }
    aux = read_aux(files[NIRS.name]) if NIRS.name in files else None
    pair = raws.get(EEG.name), raws.get(NIRS.name)
    return with_motion(from_mne(*pair, offset=offset, align=align, aux=aux), files)


def bids_stem(where: Any) -> str:
    """What outputs of the session at `where` are named after: its entities.

    Raises
    ------
    ReadError
        If there is not just one session.
    """
    from neurofuse.io.names import plain_stem

    files = find_session(where).files
    return plain_stem(next(files[name] for name in MODALITIES if name in files)[0].name)


def find_session(where: Any) -> Session:
    """The one session to read at a folder or BIDSPath (see `read_bids`)."""
    folder, chosen = _scope(where)
    sessions = _sessions(_runs(folder), chosen)
    both = [s for s in sessions if len(s.files) == 2]
    choice = both or sessions
    if len(choice) == 1 and choice[0].single:
        others = [s for s in sessions if s is not choice[0]]
        if others:
            LOG.info("of %s, %s is read: the only one with EEG and fNIRS", folder, choice[0])
        return choice[0]
    if not choice:
        raise ReadError(
            f"no EEG or fNIRS run in {folder}{_words(chosen)}",
            WANTED,
            "check the path: runs are sub-…/[ses-…/]eeg/…_eeg.edf (.bdf .vhdr .set) and "
            "nirs/…_nirs.snirf",
        )
    names = [str(s) for s in choice]
    more = f"; and {len(names) - LISTED} more" if len(names) > LISTED else ""
    raise ReadError(
        f"{len(choice)} sessions in {folder}{_words(chosen)}: {'; '.join(names[:LISTED])}{more}"
        if len(choice) > 1
        else f"several files of one kind in {folder}{_words(chosen)}: {names[0]}",
        WANTED,
        "choose one: neurofuse.read(mne_bids.BIDSPath(root=…, subject=…, session=…, task=…, "
        "run=…)), or give the EEG and the fNIRS file themselves",
    )


def _warn_of_lost(session: Session) -> None:
    """Warn of sidecars of the other modality's run that lie there without its recording."""
    path = next(iter(session.files.values()))[0]
    for lost in set(SUFFIXES) - set(session.files):
        for sidecar in sorted((path.parents[1] / lost).glob("sub-*_task-*.[tj]s*")):
            entities = entities_of(sidecar.name)
            if tuple(entities.get(name, "") for name in PAIRED) == session.key:
                held = MODALITIES[next(iter(session.files))].display
                LOG.warning("only %s is read: no recording lies beside %s", held, sidecar)
                return


def is_bids_path(where: Any) -> bool:
    """Whether this is an mne_bids.BIDSPath, found out without importing mne-bids."""
    return type(where).__name__ == "BIDSPath" and hasattr(where, "entities")


def _scope(where: Any) -> tuple[Path, dict[str, str]]:
    """The folder to look in and the entities asked for ("datatype" among them)."""
    if not is_bids_path(where):
        return Path(where), {}
    if where.root is None:
        raise ReadError("a BIDSPath without root", "one with root=…", "add root=FOLDER")
    short = {"subject": "sub", "session": "ses", "acquisition": "acq", "processing": "proc"}
    chosen: dict[str, str] = {}
    for name, value in where.entities.items():
        if value is not None:
            chosen[short.get(str(name), str(name))] = str(value)
    if where.datatype is not None:
        chosen["datatype"] = where.datatype
    return Path(where.root), chosen


def _words(chosen: dict[str, str]) -> str:
    return f" with {', '.join(f'{n}={v}' for n, v in chosen.items())}" if chosen else ""


def _runs(folder: Path) -> Iterable[tuple[str, Path]]:
    """EEG and fNIRS files below a BIDS folder, by stream; derivatives are not looked into."""
    tops = [folder] if subject_folder(folder) else sorted(folder.glob("sub-*"))
    for top in tops:
        depths = [top, *top.glob("*"), *top.glob("*/*")]
        for place in sorted(p for p in depths if p.is_dir() and p.name in SUFFIXES):
            inner = place.relative_to(top).parts
            if all(INNER_FOLDER.fullmatch(part) for part in inner):
                stream = place.name
                for file in sorted(place.glob(f"sub-*_{stream}.*")):
                    if file.suffix.lower() in SUFFIXES[stream]:
                        yield stream, file


def entities_of(name: str) -> dict[str, str]:
    """The entities in a BIDS file name.

    Examples
    --------
    >>> entities_of("sub-01_task-rest_run-2_eeg.edf")
    {'sub': '01', 'task': 'rest', 'run': '2'}
    """
    return dict(re.findall(r"([a-zA-Z]+)-([a-zA-Z0-9+]+)(?=_)", name))


def _sessions(runs: Iterable[tuple[str, Path]], chosen: dict[str, str]) -> list[Session]:
    sessions: dict[tuple[str, ...], Session] = {}
    for stream, file in runs:
        entities = {**entities_of(file.name), "datatype": stream}
        if all(entities.get(name) == value for name, value in chosen.items()):
            key = tuple(entities.get(name, "") for name in PAIRED)
            sessions.setdefault(key, Session(key)).files.setdefault(stream, []).append(file)
    return [sessions[key] for key in sorted(sessions)]
