"""`neurofuse clean`: both files in, both cleaned files and a report out."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neurofuse.cli import names, options
from neurofuse.cli.console import Progress, progress, show_files, silent
from neurofuse.io.staging import staged

if TYPE_CHECKING:
    import xarray as xr

MARK = "_desc-clean"


def clean_files(
    paths: Sequence[Path],
    out: Path,
    *,
    model: str | None = None,
    offset: float | None = None,
    align: str | None = None,
    overwrite: bool = False,
    report: bool = True,
    step: Progress = silent,
) -> dict[str, Path]:
    """Clean one or two files into a folder; all outputs appear together or none does.

    Parameters
    ----------
    paths : one or two paths
        The EEG file, the fNIRS file, both, or a neurofuse .nc.
    out : Path
        Folder for the outputs.
    model : str, optional
        "joint", "eeg", "nirs" or another registered name; by default "joint" for two streams
        and the stream's own twin for one.
    offset, align
        As in `neurofuse.read`.
    overwrite : bool
        Replace existing outputs.
    report : bool
        Write the HTML report.
    step : Progress
        Called with the fraction done.

    Returns
    -------
    dict
        Paths by kind: "eeg", "nirs", "recording", "native", "report", "provenance"; those written.

    Raises
    ------
    NeurofuseError
        For inputs that cannot be read, aligned or cleaned, and outputs that cannot be written.
    """
    options.one_alignment(offset, align)
    stem = names.stem(paths) + MARK
    expected = {
        "eeg": f"{stem}_eeg.fif",
        "nirs": f"{stem}_nirs.snirf",
        "recording": f"{stem}_recording.nc",
        "native": f"{stem}_eeg{names.eeg_suffix(paths)}",
        "report": f"{stem}_report.html",
        "provenance": f"{stem}_provenance.json",
    }
    taken = [name for value in expected.values() for name in names.companions(value)]
    with staged(out, dict.fromkeys(taken), overwrite=overwrite) as stage:
        from neurofuse.fusion.clean import clean
        from neurofuse.io import mark_bad, read, streams, write, write_eeg
        from neurofuse.io.guard import LOG
        from neurofuse.io.lazy import is_lazy

        step(0.0, "reading")
        recording = mark_bad(read(*paths, offset=offset, align=align))
        step(0.1, "cleaning")
        cleaned = clean(
            recording,
            model or default_model(streams(recording)),
            progress=lambda fraction: step(0.1 + 0.6 * fraction),
        )
        step(0.7, "writing")
        write(cleaned, stage, stem=names.stem(paths), suffix=MARK)
        if "eeg" in streams(cleaned) and not (stage / expected["native"]).exists():
            native = stage / expected["native"]
            if is_lazy(cleaned["eeg"].eeg) and native.suffix != ".vhdr":
                LOG.warning(
                    "EEG above 1 GiB is not written as %s: its writer holds the whole",
                    native.suffix,
                )
            else:
                write_eeg(cleaned, native)
        if report:
            from neurofuse.fusion.report import report as write_report

            step(0.8, "drawing the report")
            write_report(recording, cleaned, stage / expected["report"])
        _write_provenance(cleaned, paths, stage / expected["provenance"])
        made = {kind: name for kind, name in expected.items() if (stage / name).exists()}
        step(1.0)
    if made.get("native") == made.get("eeg"):
        made.pop("native", None)
    return {kind: Path(out) / name for kind, name in made.items()}


def default_model(present: Sequence[str]) -> str:
    """The model for the streams at hand: "joint" for both, else the stream's twin."""
    return "joint" if len(present) == 2 else present[0]


def _write_provenance(recording: "xr.DataTree", paths: Sequence[Path], target: Path) -> None:
    from neurofuse.io import provenance

    facts = {
        "inputs": [
            {"name": path.name, "sha256": _sha256(path)} for path in paths if path.is_file()
        ],
        "measured_at": recording.attrs.get("measured_at", ""),
        "steps": provenance(recording),
    }
    target.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def command(
    eeg: options.First,
    nirs: options.Second = None,
    *,
    out: options.Out,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="joint, eeg, nirs or another from `neurofuse info` (default: by streams).",
        ),
    ] = None,
    offset: options.Offset = None,
    align: options.AlignBy = None,
    overwrite: options.Overwrite = False,
    report: Annotated[bool, typer.Option(help="Write the HTML report.")] = True,
) -> None:
    """Clean a simultaneous recording: both streams together, back in the formats they came in."""
    with progress("reading") as step:
        files = clean_files(
            options.inputs(eeg, nirs),
            out,
            model=model,
            offset=offset,
            align=align,
            overwrite=overwrite,
            report=report,
            step=step,
        )
    show_files("cleaned:", files)
