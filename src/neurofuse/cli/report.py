"""`neurofuse report`: a page that shows a recording before and after cleaning."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from neurofuse.cli import options
from neurofuse.cli.console import progress, show_files
from neurofuse.cli.inputs import CLEANED, provenance_beside, read_inputs
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.io.staging import staged


def report_files(
    before: Path | Sequence[Path] | None,
    after: Path,
    out: Path,
    *,
    truth: Path | None = None,
    comparison: Path | None = None,
    contribution: bool = False,
    self_test: bool = False,
    channels: Iterable[str] | None = None,
    regions: Mapping[str, Iterable[str]] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one self-contained HTML page from files.

    Parameters
    ----------
    before : path or paths
        The recording before cleaning: best what was cleaned, one file or two. With None it is read
        from the files that `neurofuse clean` made `after` of, where they were then.
    after : Path
        The recording after cleaning, best as neurofuse .nc.
    out : Path
        The HTML file.
    truth : Path, optional
        The recording without movement.
    comparison : Path, optional
        The `STEM_comparison.nc` of `neurofuse compare`.
    contribution : bool
        Also show what each modality contributed: the joint model cleans four times more.
    self_test : bool
        Also show how well methods clean this recording (`neurofuse.self_test`).
    channels, regions
        Whose responses to events are shown, as in `neurofuse.report`.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    NeurofuseError
        For inputs that cannot be read and a page that cannot be written.
    """
    out = Path(out)
    with staged(out.parent, [out.name], overwrite=overwrite) as stage:
        from neurofuse.fusion.report import report
        from neurofuse.io import read

        if before is None:
            recording = read_inputs(provenance_beside(after))
        else:
            recording = read(before) if isinstance(before, str | Path) else read(*before)
        cleaned = read(after)
        clear = None if truth is None else read(truth)
        contributed = None
        if contribution:
            from neurofuse.fusion.contribution import contribution as contribution_of

            contributed = contribution_of(recording, cleaned=cleaned, truth=clear)
        tested = None
        if self_test:
            from neurofuse.fusion.self_test import self_test as self_test_of

            tested = self_test_of(recording)
        report(
            recording,
            cleaned,
            stage / out.name,
            truth=clear,
            comparison=None if comparison is None else _read_table(comparison),
            contribution=contributed,
            self_test=tested,
            channels=channels,
            regions=regions,
        )
    return out


def _read_table(path: Path):
    import xarray as xr

    wanted, remedy = "the .nc of a comparison", "make it with `neurofuse compare --out`"
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            table = file.load()
    except (OSError, ValueError) as error:
        raise ReadError(f"{path}, which cannot be read", wanted, remedy) from error
    if "value" not in table or "method" not in table.dims:
        raise ReadError(f"{path} with other content", wanted, remedy)
    return table


def command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="RECORDING",
            show_default=False,
            help="Two: the recording before cleaning (.nc, or a file of one modality) and after. "
            "Or "
            f"one: a *{CLEANED} of `neurofuse clean`, whose inputs lie where they were.",
        ),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The HTML file.")],
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recording without movement (.nc).")
    ] = None,
    comparison: Annotated[
        Path | None, typer.Option(metavar="FILE", help="STEM_comparison.nc of `neurofuse compare`.")
    ] = None,
    contribution: Annotated[
        bool,
        typer.Option(
            "--contribution",
            help="Also show what each modality contributed to the joint model's result: it cleans "
            "four times more.",
        ),
    ] = False,
    self_test: options.SelfTested = False,
    channels: options.Channels = None,
    regions: options.Regions = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Show a recording before and after cleaning on one self-contained HTML page."""
    if len(files) > 2:
        raise ParameterError(f"{len(files)} recordings", "BEFORE and AFTER", "leave some out")
    with progress("drawing"):
        page = report_files(
            files[0] if len(files) > 1 else None,
            files[-1],
            out,
            truth=truth,
            comparison=comparison,
            contribution=contribution,
            self_test=self_test,
            **options.shown(channels, regions),
            overwrite=overwrite,
        )
    show_files("report:", {"report": page})
