"""`neurofuse app`: a whole study, as a BIDS app."""

import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from neurofuse.cli import options
from neurofuse.cli.console import complain, progress, stderr, stdout
from neurofuse.cli.study.arguments import LEVELS
from neurofuse.cli.study.engines import Engine
from neurofuse.cli.study.errors import StudyError, UnknownLevelError, UsageError
from neurofuse.cli.study.tasks import Outcome, Plan, Settings
from neurofuse.io.errors import NeurofuseError, WriteError

WEIGHTS = ".safetensors"
STOPPED = 130  # exit status after Ctrl-C


class EngineName(StrEnum):
    """Where the recordings of a study are cleaned."""

    local = "local"
    dask = "dask"
    slurm = "slurm"


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"neurofuse {version('neurofuse')}")
        raise typer.Exit


def command(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="BIDS_DIR OUT_DIR participant|group",
            show_default=False,
            help="The BIDS data set (or a folder of recordings), the folder of the outputs, and "
            "what is to be done: clean recordings, or make the page about all of them. Without "
            "BIDS_DIR if --pairs is given.",
        ),
    ] = None,
    *,
    pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="TSV",
            help="A table of recordings instead of BIDS_DIR: columns eeg, nirs, offset, "
            "participant.",
        ),
    ] = None,
    participant_label: Annotated[
        list[str] | None, typer.Option(metavar="LABEL…", help="Only these participants.")
    ] = None,
    session_label: Annotated[
        list[str] | None, typer.Option(metavar="LABEL…", help="Only these sessions.")
    ] = None,
    task: Annotated[
        list[str] | None, typer.Option(metavar="LABEL…", help="Only these tasks.")
    ] = None,
    run: Annotated[list[str] | None, typer.Option(metavar="N…", help="Only these runs.")] = None,
    recording: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME…", help="Only these recordings, by their names in the plan."),
    ] = None,
    bids_filter_file: Annotated[
        Path | None,
        typer.Option(metavar="JSON", help="Which files are taken, in the form of fMRIPrep."),
    ] = None,
    single: Annotated[
        bool,
        typer.Option("--single", help="Also clean EEG without fNIRS, and fNIRS without EEG."),
    ] = False,
    method: options.Method = None,
    align: options.AlignBy = None,
    self_test: Annotated[
        bool,
        typer.Option(
            "--self-test", help="Also measure how well methods clean each recording (takes longer)."
        ),
    ] = False,
    report: Annotated[bool, typer.Option(help="Write an HTML report of each recording.")] = True,
    uncertainty: Annotated[
        bool,
        typer.Option("--uncertainty", help="Also write how far cleaned samples may be off (.nc)."),
    ] = False,
    annotate: Annotated[
        Literal["motion"] | None,
        typer.Option(help="Also mark movements in the files, as BAD_motion."),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Also tell in reports why stretches count as movement."),
    ] = False,
    n_jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How many recordings at once (default: as many as cores and memory allow).",
        ),
    ] = None,
    engine: Annotated[
        EngineName,
        typer.Option(help="Where: processes of this machine, a Dask cluster, SLURM jobs."),
    ] = EngineName.local,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT|FILE",
            help="Of a running Dask scheduler (default: processes of this machine).",
        ),
    ] = None,
    work_dir: Annotated[
        Path | None,
        typer.Option("--work-dir", "-w", metavar="DIR", help="Folder for temporary files."),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite/--resume",
            help="Do everything again, or keep what is done with the same inputs and options.",
        ),
    ] = False,
    skip_bids_validation: Annotated[
        bool,
        typer.Option("--skip-bids-validation", help="Take a folder that is no valid BIDS."),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only show what would be done; with --engine slurm also write the script.",
        ),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="These options in a file (JSON, TOML)."),
    ] = None,
    json_output: options.Json = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Clean all recordings of a study (participant), or make the page about them (group).

    Exit codes: 0 all done, 16 not BIDS, 17 unknown level, 18 nothing matches, 64 usage, 65 a
    recording that cannot be cleaned, 66 no input, 73 cannot write, 74 disk full or failing, 75 try
    again, 1 a fault of neurofuse, 130 stopped. The worst recording decides.
    """
    with _exit_codes(context):
        source, out, level = _places(words or [], pairs)
        if level == "group":
            _group(out, json_output)
            return
        if address is not None and engine is not EngineName.dask:
            raise UsageError(
                f"--address with --engine {engine}", "--engine dask", "leave one of them out"
            )
        if self_test and not report:
            raise UsageError(
                "--self-test with --no-report", "the report, which shows it", "leave one out"
            )
        settings = Settings(
            out,
            work=None if work_dir is None else work_dir.absolute(),
            method=_method(method, explain),
            clean={
                "align": None if align is None else str(align),
                "report": report,
                "uncertainty": uncertainty,
                "annotate": annotate,
                "explain": explain,
            },
            self_test=self_test,
            overwrite=overwrite,
            debug=_debug(context),
            command=_repeatable(context, source, out),
        )
        plan = _plan(
            source,
            single=single,
            validate=not skip_bids_validation,
            participant=participant_label or (),
            session=session_label or (),
            task=task or (),
            run=run or (),
            name=recording or (),
            file=bids_filter_file,
        )
        if dry_run:
            _dry_run(plan, settings, engine, n_jobs, json_output)
            return
        outcomes = _participant(plan, settings, _engine(engine, address, n_jobs))
        _tell(plan, outcomes, json_output)


# what each run of a study may have differently, and what says which recordings are taken
NOT_REPEATED = {
    "words", "participant_label", "session_label", "task", "run", "recording", "n_jobs", "engine",
    "address", "overwrite", "dry_run", "config", "json_output", "version",
}  # fmt: skip


def _places(words: list[str], pairs: Path | None) -> tuple[Path, Path, str]:
    """The source, the folder of the outputs, and the level."""
    count = 3 if pairs is None else 2
    if len(words) != count:
        wanted = "BIDS_DIR OUT_DIR" if pairs is None else "OUT_DIR"
        raise UsageError(
            " ".join(words) or "nothing",
            f"{wanted} {'|'.join(LEVELS)}",
            "for example: neurofuse app study study/derivatives/neurofuse participant",
        )
    *places, level = words
    if level not in LEVELS:
        raise UnknownLevelError(f"the level {level}", f"{' or '.join(LEVELS)}", "choose one")
    source = pairs if pairs is not None else Path(places[0])
    out = Path(places[-1])
    if level == "participant":
        _refuse_among_inputs(out, source)
    return source.absolute(), out.absolute(), level


def _refuse_among_inputs(out: Path, source: Path) -> None:
    """Raise WriteError if outputs would lie between recordings, and be taken for such later."""
    inner, outer = out.resolve(), source.resolve()
    below = inner.relative_to(outer).parts if inner.is_relative_to(outer) else None
    if below == () or (below and below[0].startswith("sub-")):
        raise WriteError(
            f"{out} for the outputs, among the recordings",
            "a folder of their own",
            f"choose for instance {source / 'derivatives' / 'neurofuse'}",
        )


def _method(method: str | None, explain: bool) -> str | None:
    """The method as every worker finds it; refused before anything is cleaned."""
    if method is None:
        return None
    from neurofuse.fusion.explanation.explain import explainable
    from neurofuse.fusion.methods.registry import get_method

    try:
        get_method(method)
        if explain:
            explainable(method)
    except NeurofuseError as error:
        raise UsageError(error.found, error.wanted, error.remedy) from error
    return str(Path(method).absolute()) if _is_path(method) else method


def _is_path(method: str) -> bool:
    from neurofuse.fusion.methods.learned import exported

    return method.endswith(WEIGHTS) or exported(method)


def _repeatable(context: typer.Context, source: Path, out: Path) -> tuple[str, ...]:
    """This command line with absolute paths and without filters."""
    words = ["neurofuse", "app", str(source), str(out), "participant"]
    if context.params["pairs"] is not None:
        words.remove(str(source))
    for param in context.command.params:
        value, name = context.params.get(str(param.name)), str(param.name)
        if name in NOT_REPEATED or value in (None, param.default):
            continue
        if isinstance(value, bool):
            words.append(param.opts[0] if value else param.secondary_opts[0])
        else:
            path = isinstance(value, Path) or (name == "method" and _is_path(value))
            words += [param.opts[0], str(Path(value).absolute() if path else value)]
    return tuple(words)


def _plan(source: Path, *, single: bool, validate: bool, **filters: Any) -> Plan:
    from neurofuse.cli.study.filters import make_filters
    from neurofuse.cli.study.plan import plan_study

    return plan_study(source, make_filters(**filters), single=single, validate=validate)


def _dry_run(
    plan: Plan, settings: Settings, engine: EngineName, jobs: int | None, json_output: bool
) -> None:
    from neurofuse.cli.study.show import show
    from neurofuse.io.bids.dataset import check_root

    check_root(settings.out)
    show(plan, json_output=json_output)
    if engine is not EngineName.slurm or not plan.tasks:
        return
    from neurofuse.cli.study.engines.slurm import write_script

    _prepare(plan, settings)
    script, tasks = write_script(plan.tasks, settings, jobs)
    stderr().print(f"written: {script}, with its tasks in {tasks.name}", highlight=False)


def _engine(name: EngineName, address: str | None, jobs: int | None) -> Engine:
    """The engine of that name; each is imported only where it is used."""
    if name is EngineName.dask:
        from neurofuse.cli.study.engines.dask import Dask

        return Dask(address, jobs, _say)
    if name is EngineName.slurm:
        from neurofuse.cli.study.engines.slurm import Slurm

        return Slurm(jobs, _say)
    from neurofuse.cli.study.engines.local import Local

    return Local(jobs, _say)


def _say(line: str) -> None:
    stderr().print(escape(line), highlight=False)


def _prepare(plan: Plan, settings: Settings) -> None:
    """Write what belongs to the study as a whole."""
    from neurofuse.cli.study.citation import write_citation
    from neurofuse.cli.study.plan import write_plan
    from neurofuse.cli.study.run import prepare

    prepare(plan, settings)
    write_plan(plan, settings.out)
    write_citation(settings.out, settings)


def _participant(plan: Plan, settings: Settings, engine: Engine) -> list[Outcome]:
    from neurofuse.cli.study.run import participant

    ended: list[Outcome] = []
    try:
        with progress("starting") as step:
            _prepare(plan, settings)
            return participant(plan, settings, engine, step=step, ended=ended.append)
    except KeyboardInterrupt:
        _say(
            f"stopped after {len(ended)} of {len(plan.tasks)} recordings; the same command goes on "
            "from there"
        )
        raise typer.Exit(STOPPED) from None


def _tell(plan: Plan, outcomes: list[Outcome], json_output: bool) -> None:
    from neurofuse.cli.study.result import exit_code, facts, lines

    if json_output:
        typer.echo(json.dumps(facts(plan, outcomes), indent=2))
    else:
        for line in lines(plan, outcomes):
            stdout().print(line, highlight=False)
    raise typer.Exit(int(exit_code(plan, outcomes)))


def _group(out: Path, json_output: bool) -> None:
    from neurofuse.cli.study.group import group

    page = group(out)
    typer.echo(json.dumps({"exit_code": 0, "page": str(page)}) if json_output else f"page: {page}")


def _debug(context: typer.Context) -> bool:
    return bool(context.parent is not None and context.parent.params.get("debug"))


@contextmanager
def _exit_codes(context: typer.Context) -> Iterator[None]:
    """End with the exit code of a BIDS app for whatever stops a study."""
    try:
        yield
    except NeurofuseError as error:
        from neurofuse.cli.study.crash import code_of

        if _debug(context):
            traceback.print_exc()
        complain(str(error))
        code = error.code if isinstance(error, StudyError) else code_of(error, Path())
        raise typer.Exit(int(code)) from error
