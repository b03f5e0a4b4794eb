"""`neurofuse clean`: both files in, both cleaned files and a report out."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from neurofuse.cli import names, options
from neurofuse.cli.console import Progress, progress, show_files, silent, stdout
from neurofuse.cli.inputs import MARK, read_paths, write_inputs
from neurofuse.cli.tables import bids_table_names, table_names, write_tables
from neurofuse.io.staging import staged

if TYPE_CHECKING:
    import xarray as xr

    from neurofuse.fusion.self_test import SelfTest


@dataclass(frozen=True)
class Made:
    """What was made of a recording, while its files are not in place yet.

    Attributes
    ----------
    recording, cleaned : Recording
        As it was, and what became of it.
    self_test : SelfTest or None
        How well methods clean it, if that was asked for.
    repaired : dict of int
        How many movements were repaired, by modality.
    stage : Path
        The folder that holds the files, at their paths below `out`; more may be added.
    """

    recording: "xr.DataTree"
    cleaned: "xr.DataTree"
    self_test: "SelfTest | None"
    repaired: Counter[str]
    stage: Path


def clean_files(
    paths: Sequence[Path],
    out: Path,
    *,
    method: str | None = None,
    offset: float | None = None,
    align: str | None = None,
    overwrite: bool | Collection[str] = False,
    report: bool = True,
    self_test: bool = False,
    bids: bool = False,
    entities: Mapping[str, str] | None = None,
    sidecars: bool = False,
    uncertainty: bool = False,
    keep_identity: bool = False,
    annotate: Literal["motion"] | None = None,
    explain: bool = False,
    channels: Iterable[str] | None = None,
    regions: Mapping[str, Iterable[str]] | None = None,
    step: Progress = silent,
    tell: Callable[[list[str]], None] | None = None,
    also: Callable[[Made], None] | None = None,
) -> dict[str, Path]:
    """Clean one or two files into a folder; all outputs appear together or none does.

    Parameters
    ----------
    paths : one or two paths
        The EEG file, the fNIRS file, both, or a neurofuse .nc.
    out : Path
        Folder for the outputs.
    method : str, optional
        A name of `neurofuse.methods()` or the path of weights; by default as in
        `neurofuse.clean`.
    offset, align
        As in `neurofuse.read`.
    overwrite : bool, or paths below `out`
        Replace existing outputs: all of them, or these.
    report : bool
        Write the HTML report.
    self_test : bool
        Also show in it how well methods clean this recording (`neurofuse.self_test`).
    bids : bool
        Make `out` a BIDS derivative data set (`neurofuse.io.write_bids`), or add to it. Instead of
        FIF and SNIRF side by side. The outputs do not say when they were made: the same inputs
        give the same bytes.
    entities : dict of str, optional
        Labels of BIDS names, such as {"sub": "01", "task": "rest"}; by default those in the names
        of the inputs.
    sidecars : bool
        The paths are runs of a BIDS data set and are read with the tables that apply to them, as a
        BIDS folder is.
    uncertainty : bool
        Also write how far cleaned samples may be off (`neurofuse.clean`) into the .nc.
    keep_identity : bool
        Write what identifies the subject, the operator and the place, and free text, as the
        inputs have it (`neurofuse.io.identity`); not into BIDS.
    annotate : {"motion"}, optional
        Also mark movements in the files, as "BAD_motion"; lost stretches always are, as "BAD_lost".
    explain : bool
        Also tell in the report why stretches were taken for movement (`neurofuse.explain`).
    channels, regions
        Whose responses to events the report shows, as in `neurofuse.report`.
    step : Progress
        Called with the fraction done.
    tell : callable, optional
        Called, once the outputs are in place, with the lines that say how it went.
    also : callable, optional
        Called with what was made, before the outputs move to their places, to add further ones.

    Returns
    -------
    dict
        Paths by kind, those written: "eeg", "nirs", "recording", "native", "report", "provenance",
        and the tables (`neurofuse.cli.tables`).

    Raises
    ------
    NeurofuseError
        For inputs that cannot be read, aligned or cleaned, and outputs that cannot be written.
    """
    options.one_alignment(offset, align)
    options.no_identity_in_bids(keep_identity, bids)
    if self_test and not report:
        from neurofuse.io.errors import ParameterError

        raise ParameterError(
            "--self-test with --no-report",
            "the report, which shows the self-test",
            "leave one of them out, or use neurofuse check",
        )
    if explain and method is not None:
        from neurofuse.fusion.explanation.explain import explainable

        explainable(method)  # before anything is cleaned
    plain = names.stem(paths)
    stem = plain + MARK
    tables = table_names(plain, MARK)
    expected = {
        "eeg": f"{stem}_eeg.fif",
        "nirs": f"{stem}_nirs.snirf",
        "recording": f"{stem}_recording.nc",
        "native": f"{stem}_eeg{names.eeg_suffix(paths)}",
        "report": f"{stem}_report.html",
        "provenance": f"{stem}_provenance.json",
    }
    merge, labels = {}, {}
    if bids:
        labels, merge = _bids_plan(stem, entities, Path(out), overwrite)
        expected, tables = names.bids_outputs(labels), bids_table_names(labels)
    expected |= tables
    taken = [name for value in expected.values() for name in names.companions(value)]
    with staged(out, dict.fromkeys(taken), overwrite=overwrite, merge=merge) as stage:
        from neurofuse.fusion.clean import clean
        from neurofuse.io import mark_bad, streams, write, write_netcdf
        from neurofuse.io.identity import without_identity
        from neurofuse.io.mne_objects.annotations import with_motion_marked
        from neurofuse.io.recording import undated

        step(0.0, "reading")
        recording = mark_bad(read_paths(paths, offset, align, sidecars=sidecars))
        if not keep_identity:
            recording = without_identity(recording, f"sub-{labels['sub']}" if bids else "")
        step(0.1, "cleaning")
        cleaned = clean(
            recording,
            method,
            uncertainty=uncertainty,
            progress=lambda fraction: step(0.1 + 0.6 * fraction),
        )
        step(0.7, "writing")
        if annotate == "motion":
            cleaned = with_motion_marked(cleaned)
        if bids:
            cleaned = undated(cleaned)
            expected.update(_write_bids(cleaned, stage, labels, paths, Path(out)))
            write_netcdf(cleaned, stage / expected["recording"])
        else:
            write(cleaned, stage, stem=plain, suffix=MARK, keep_identity=keep_identity)
            if "eeg" in streams(cleaned):
                _write_native(cleaned, stage / expected["native"], keep_identity)
        explained = tested = None
        if explain:
            from neurofuse.fusion.explanation import explain as explain_movements

            step(0.75, "explaining movements")
            explained = explain_movements(recording, cleaned, method)
        counts = write_tables(recording, cleaned, stage, tables)
        if report:
            from neurofuse.fusion.report import report as write_report

            step(0.8, "drawing the report")
            (stage / expected["report"]).parent.mkdir(parents=True, exist_ok=True)
            if self_test:
                from neurofuse.fusion.self_test import self_test as self_test_of

                tested = self_test_of(recording)
            write_report(
                recording,
                cleaned,
                stage / expected["report"],
                explanation=explained,
                self_test=tested,
                channels=channels,
                regions=regions,
            )
        provenance = stage / expected["provenance"]
        write_inputs(
            cleaned, paths, provenance, Path(out), offset, align, bids=bids, sidecars=sidecars
        )
        made = {kind: name for kind, name in expected.items() if (stage / name).exists()}
        if isinstance(overwrite, bool):
            _warn_of_others(taken, stage, Path(out))
        if also is not None:
            also(Made(recording, cleaned, tested, counts, stage))
        step(1.0)
    if "native" in made and made["native"] == made["eeg"]:
        made.pop("native", None)
    if tell is not None:
        from neurofuse.fusion.views.outcome import outcome

        tell(outcome(cleaned, counts))
    return {kind: Path(out) / name for kind, name in made.items()}


def _warn_of_others(names: Sequence[str], stage: Path, out: Path) -> None:
    """Warn of outputs of an earlier run that this one does not replace, as it makes none."""
    from neurofuse.io.logs import LOG

    old = [name for name in names if not (stage / name).exists() and (out / name).exists()]
    if old:
        LOG.warning(
            "%s: %s are of an earlier run and stay beside the new outputs: remove what no longer "
            "belongs to them",
            out,
            ", ".join(dict.fromkeys(old)),
        )


def _write_native(cleaned: "xr.DataTree", path: Path, keep_identity: bool) -> None:
    """Write the EEG in the format it came in, unless it is there already or too large for it."""
    from neurofuse.io import write_eeg
    from neurofuse.io.lazy import is_lazy
    from neurofuse.io.logs import LOG

    if path.exists():
        return
    if is_lazy(cleaned["eeg"].eeg) and path.suffix != ".vhdr":
        LOG.warning("EEG above 1 GiB is not written as %s: its writer holds the whole", path.suffix)
    else:
        write_eeg(cleaned, path, keep_identity=keep_identity)


def _bids_plan(
    stem: str,
    given: Mapping[str, str] | None,
    out: Path,
    overwrite: bool | Collection[str],
) -> tuple[dict[str, str], dict]:
    """The entities of the outputs, and how what the data set at `out` has is merged."""
    from neurofuse.io.bids.dataset import check_root
    from neurofuse.io.bids.write import find_entities, merged

    check_root(out)
    desc = MARK.removeprefix("_desc-")
    entities = find_entities([] if given else [stem], {**(given or {}), "desc": desc})
    return entities, merged(entities, overwrite)


def _write_bids(
    cleaned: "xr.DataTree",
    stage: Path,
    entities: dict[str, str],
    paths: Sequence[Path],
    out: Path,
) -> dict[str, str]:
    from neurofuse.io.bids.dataset import data_set_of, source_uri, write_shared
    from neurofuse.io.bids.write import save_bids

    write_shared(stage, out, entities["sub"], data_set_of(paths[0]))
    sources = [source_uri(file) for path in paths for file in names.files_of(path)]
    return save_bids(cleaned, stage, entities, [uri for uri in sources if uri])


def command(
    eeg: options.First,
    nirs: options.Second = None,
    *,
    out: options.Out,
    method: options.Method = None,
    model: options.Model = None,
    offset: options.Offset = None,
    align: options.AlignBy = None,
    overwrite: options.Overwrite = False,
    report: Annotated[bool, typer.Option(help="Write the HTML report.")] = True,
    self_test: options.SelfTested = False,
    bids: Annotated[
        bool,
        typer.Option(
            "--bids",
            help="Make DIR a BIDS derivative data set, or add to it (inputs named sub-…_task-…).",
        ),
    ] = False,
    uncertainty: Annotated[
        bool,
        typer.Option(
            "--uncertainty",
            help="Also write how far cleaned samples may be off, as standard deviations (.nc).",
        ),
    ] = False,
    keep_identity: options.KeepIdentity = False,
    annotate: Annotated[
        Literal["motion"] | None,
        typer.Option(
            help="Also mark movements in the files, as BAD_motion. MNE drops every epoch that such "
            "a mark touches. Lost stretches are always marked, as BAD_lost.",
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Also tell in the report why stretches were taken for movement: takes twice as "
            "long, and a minute.",
        ),
    ] = False,
    channels: options.Channels = None,
    regions: options.Regions = None,
) -> None:
    """Clean a simultaneous recording: both modalities jointly, back in the formats they came in."""
    lines: list[str] = []
    with progress("reading") as step:
        files = clean_files(
            options.inputs(eeg, nirs),
            out,
            method=options.renamed_option("--model", model, "--method", method),
            offset=offset,
            align=align,
            overwrite=overwrite,
            report=report,
            self_test=self_test,
            bids=bids,
            uncertainty=uncertainty,
            keep_identity=keep_identity,
            annotate=annotate,
            explain=explain,
            **options.shown(channels, regions),
            step=step,
            tell=lines.extend,
        )
    show_files("cleaned:", files)
    stdout().print("\n".join(map(escape, lines)), highlight=False)
