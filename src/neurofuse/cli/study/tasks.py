"""What is to be done in a study, how, and what became of it; all of it can be written as JSON."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

State = Literal["done", "kept", "failed"]
LOGS = "logs"  # folder of the outputs: the plan, records of done tasks, crash files


@dataclass(frozen=True)
class Task:
    """One recording to be cleaned.

    Attributes
    ----------
    entities : dict of str
        BIDS labels of the outputs: "sub" and "task", as far as known "ses", "acq" and "run".
    inputs : dict of Path
        Files of "eeg", "nirs" and "imu", as far as there are any; absolute. One that holds both
        modalities (.xdf, .nc) stands under "eeg" alone.
    sidecars : tuple of Path
        Further files that decide the result: tables and JSON that apply to the inputs, and the
        other files of their formats.
    offset : float or None
        When the fNIRS file began after the EEG file [s]; None if that is to be found out.
    site, device : str
        Where and with what it was measured; "" if unknown.
    bids : bool
        Whether the inputs are runs of a BIDS data set, to be read with the tables that apply to
        them (`neurofuse.io.bids.read.read_runs`); else by `neurofuse.read`.
    """

    entities: dict[str, str]
    inputs: dict[str, Path]
    sidecars: tuple[Path, ...] = ()
    offset: float | None = None
    site: str = ""
    device: str = ""
    bids: bool = False

    @property
    def name(self) -> str:
        """Its entities, as in file names: unique in a plan."""
        return "_".join(f"{key}-{value}" for key, value in self.entities.items())

    @property
    def folder(self) -> Path:
        """Where its outputs lie below the data set: its participant's folder, and session's."""
        known = (key for key in ("sub", "ses") if key in self.entities)
        return Path(*(f"{key}-{self.entities[key]}" for key in known))


@dataclass(frozen=True)
class LeftOut:
    """Files that are not cleaned, and why."""

    name: str
    files: tuple[Path, ...]
    reason: str


@dataclass(frozen=True)
class Plan:
    """Everything that a study holds: `tasks` to be done, in order of name, and what is `left_out`.

    `source` is the BIDS data set, the folder or the table of pairs that it was made from;
    `filtered` says whether filters may have left something out.
    """

    source: Path
    tasks: tuple[Task, ...]
    left_out: tuple[LeftOut, ...] = ()
    filtered: bool = False


@dataclass(frozen=True)
class Settings:
    """How every task of a study is done.

    Attributes
    ----------
    out : Path
        The derivative data set.
    work : Path or None
        Folder for temporary files; by default that of the system.
    method : str or None
        As of `neurofuse.clean`.
    clean : dict
        Further options of `neurofuse.cli.clean.clean_files`: `uncertainty`, `annotate`, `report` …
    self_test : bool
        Also measure how well methods clean each recording (`neurofuse.self_test`).
    overwrite : bool
        Do tasks again that are done.
    debug : bool
        Keep what libraries warn of in the logs.
    command : tuple of str
        The command line without filters: with those of one task it repeats that task.
    """

    out: Path
    work: Path | None = None
    method: str | None = None
    clean: dict[str, Any] = field(default_factory=dict)
    self_test: bool = False
    overwrite: bool = False
    debug: bool = False
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes
    ----------
    name : str
        Of the task.
    state : {"done", "kept", "failed"}
        "kept" if it was done before with the same inputs, options, weights and version.
    seconds : float
        That it took.
    memory : int
        Peak of the process [B]; 0 if unknown.
    code : int
        Exit code that it asks for (`neurofuse.cli.study.exit_codes`); 0 if it did not fail.
    message : str
        One line that says why it failed.
    crash : Path or None
        Its crash file.
    """

    name: str
    state: State
    seconds: float = 0.0
    memory: int = 0
    code: int = 0
    message: str = ""
    crash: Path | None = None
