"""`neurofuse cohort`: one page about many cleaned recordings."""

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurofuse.cli import options
from neurofuse.cli.console import Progress, progress, show_files, silent
from neurofuse.cli.inputs import CLEANED, provenance_beside, read_inputs
from neurofuse.cli.names import report_of
from neurofuse.io.errors import NeurofuseError, ReadError
from neurofuse.io.journal import is_temporary, unfinished
from neurofuse.io.logs import LOG
from neurofuse.io.staging import staged

if TYPE_CHECKING:
    from neurofuse.fusion.report import CohortRow

FOLDERS = re.compile(
    r"(?<![^\s(])(?:[A-Za-z]:|\.{1,2}|~)?(?:[\\/][^\\/;:,()\n]+)*[\\/](?=[^\\/\s])"
)


def cohort_files(
    cleaned: Sequence[Path],
    out: Path,
    *,
    before: Path | None = None,
    title: str = "Cleaning report",
    overwrite: bool = False,
    step: Progress = silent,
) -> list["CohortRow"]:
    """Write one page about what `neurofuse clean` made; one recording is in memory at a time.

    Parameters
    ----------
    cleaned : paths
        Folders, looked through at any depth, or `STEM_desc-clean_recording.nc` files.
    out : Path
        The HTML file.
    before : Path, optional
        Folder with the recordings before cleaning; by default they are read where they were.
    title : str
        Heading of the page.
    overwrite : bool
        Replace an existing page.
    step : Progress
        Called with the fraction done and the name of the recording.

    Returns
    -------
    list of CohortRow
        One row per recording; `failure` says why one could not be measured.

    Raises
    ------
    NeurofuseError
        If there is no cleaned recording, none can be measured, or the page cannot be written.
    """
    out = Path(out)
    named = names_of(find_cleaned(cleaned))
    if before is not None and not before.is_dir():
        raise ReadError(f"no folder {before}", "a folder with recordings", "check --before")
    with staged(out.parent, [out.name], overwrite=overwrite):  # refuses before the work begins
        from neurofuse.fusion.report import CohortRow, cohort_report

        rows: list[CohortRow] = []
        for number, (name, path) in enumerate(named.items()):
            step(number / len(named), name)
            try:
                rows.append(_row(name, path, before))
            except NeurofuseError as error:
                LOG.warning("%s: %s", name, error)
                rows.append(
                    CohortRow(name, page=report_of(path), failure=without_folders(str(error)))
                )
        if all(row.failure for row in rows):
            raise ReadError(
                f"{len(rows)} cleaned recordings, none of which can be measured (the first: "
                f"{rows[0].failure})",
                "at least one",
                "see what is wrong with each of them",
            )
        step(1.0, "writing")
        cohort_report(rows, out, title=title, overwrite=overwrite)
    return rows


def find_cleaned(paths: Sequence[Path]) -> list[Path]:
    """The cleaned recordings that folders and files stand for, each once, in order of name.

    Those of which another process has not put all outputs in place yet are left out.

    Raises
    ------
    ReadError
        If a path holds none.
    """
    files: dict[Path, None] = {}
    pending: dict[Path, set[Path]] = {}  # by folder, looked at once each
    for path in paths:
        here = sorted(path.rglob(f"*{CLEANED}")) if path.is_dir() else [path]
        here = [file.resolve() for file in here if file.name.endswith(CLEANED) and file.is_file()]
        here = [file for file in here if not is_temporary(file)]
        half = [file for file in here if _is_half_made(file, pending)]
        if half:
            LOG.warning(
                "%s: left out %s, whose outputs are not all in place: run `neurofuse clean` again",
                path,
                ", ".join(file.name for file in half),
            )
            here = [file for file in here if file not in half]
        if not here:
            raise ReadError(
                f"no cleaned recording at {path}",
                f"a folder with files *{CLEANED}, or such a file",
                "make them with `neurofuse clean`",
            )
        files |= dict.fromkeys(here)
    return list(files)


def _is_half_made(file: Path, pending: dict[Path, set[Path]]) -> bool:
    for folder in file.parents:
        if folder not in pending:
            pending[folder] = unfinished(folder)
        if file in pending[folder]:
            return True
    return False


def names_of(files: Sequence[Path]) -> dict[str, Path]:
    """A file by its stem, and by its folders too where a stem occurs twice."""
    stems = {file: file.name.removesuffix(CLEANED) for file in files}
    often = Counter(stems.values())
    namesakes = [file.parent for file, stem in stems.items() if often[stem] > 1]
    # without the folders that they share: a page for others need not show where it was made
    one_disk = len({folder.anchor for folder in namesakes}) == 1
    root = Path(os.path.commonpath(namesakes)) if one_disk else None

    def label(file: Path, stem: str) -> str:
        if often[stem] == 1:
            return stem
        return (file.parent.relative_to(root) if root else file.parent).joinpath(stem).as_posix()

    return {label(file, stem): file for file, stem in stems.items()}


def _row(name: str, path: Path, before: Path | None) -> "CohortRow":
    from neurofuse.fusion.report import cohort_row
    from neurofuse.io import read

    recording = read_inputs(provenance_beside(path), before)
    return cohort_row(name, recording, read(path), report_of(path))


def without_folders(message: str) -> str:
    """A message whose files are named without their folders: a page need not show where they lie.

    Examples
    --------
    >>> without_folders("no /home/Jane Doe/raw/a.edf, EEG/fNIRS")
    'no a.edf, EEG/fNIRS'
    """
    return FOLDERS.sub("", message)


def command(
    cleaned: Annotated[
        list[Path],
        typer.Argument(
            metavar="CLEANED",
            show_default=False,
            help="Folders with outputs of `neurofuse clean` (looked through at any depth), or "
            f"their *{CLEANED} files.",
        ),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The HTML file.")],
    before: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the recordings before cleaning lie, at any depth (default: where they "
            "were when they were cleaned).",
        ),
    ] = None,
    title: Annotated[str, typer.Option(metavar="TEXT", help="Heading.")] = "Cleaning report",
    overwrite: options.Overwrite = False,
    json_output: options.Json = False,
) -> None:
    """Show many cleaned recordings on one page: one row each, with links to their reports."""
    with progress("reading") as step:
        rows = cohort_files(
            cleaned, out, before=before, title=title, overwrite=overwrite, step=step
        )
    if json_output:
        typer.echo(json.dumps([facts(row) for row in rows], indent=2))
    else:
        show_files("report:", {"page": out})


def facts(row: "CohortRow") -> dict[str, Any]:
    """A row as JSON takes it; figures that are not known are null."""
    from neurofuse.io.clock.dates import real_date

    return {
        "name": row.name,
        "measured_at": row.measured_at if real_date(row.measured_at) else None,
        "seconds": None if row.failure else row.seconds,
        "report": None if row.page is None else str(row.page),
        "streams": {stream: of.figures() for stream, of in row.streams.items()},
        "failure": row.failure or None,
    }
