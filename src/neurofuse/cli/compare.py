"""`neurofuse compare`: what each method does to one recording, side by side."""

import json
import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from neurofuse.cli import names, options
from neurofuse.cli.console import Progress, progress, show_files, silent, stdout
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.staging import staged

if TYPE_CHECKING:
    import xarray as xr

# the figures printed; files and JSON hold all
LEADING = ("error_db", "residual", "correlation", "snr_change", "clean_change_db")


def compare_files(
    paths: Sequence[Path],
    out: Path | None = None,
    *,
    truth: Path | None = None,
    mismatched: Path | None = None,
    methods: Sequence[str] | None = None,
    offset: float | None = None,
    align: str | None = None,
    overwrite: bool = False,
    step: Progress = silent,
) -> tuple["xr.Dataset", dict[str, Path]]:
    """Clean files by several methods and compare what they gained.

    Parameters
    ----------
    paths : one or two paths
        The EEG file, the fNIRS file, both, or a neurofuse .nc.
    out : Path, optional
        Folder for the table as CSV, JSON and netCDF; nothing is written by default.
    truth : Path, optional
        The recording without movement (`STEM_truth.nc` of simulate and inject). Without it only
        figures that need no truth are given.
    mismatched : Path, optional
        A recording of another participant (.nc, with both modalities), for the control with a
        mismatched partner.
    methods : sequence of str, optional
        Names of `neurofuse.methods()` or paths of weights; ["all"] for all methods, by default the
        quick ones of `neurofuse.compare`.
    offset, align
        As in `neurofuse.read`.
    overwrite : bool
        Replace existing outputs.
    step : Progress
        Called with the fraction done and the current step.

    Returns
    -------
    table : Dataset (method, modality, metric)
        As of `neurofuse.compare`.
    files : dict
        Paths by kind: "csv", "json", "table".

    Raises
    ------
    NeurofuseError
        For inputs that cannot be read or aligned, unknown methods, outputs that cannot be written.
    """
    options.one_alignment(offset, align)
    if out is None:
        return _compare(paths, truth, mismatched, methods, offset, align, step), {}
    stem = names.stem(paths) + "_comparison"
    expected = {"csv": f"{stem}.csv", "json": f"{stem}.json", "table": f"{stem}.nc"}
    with staged(out, expected.values(), overwrite=overwrite) as stage:
        from neurofuse.fusion.results.table import to_csv

        table = _compare(paths, truth, mismatched, methods, offset, align, step)
        to_csv(table, stage / expected["csv"])
        (stage / expected["json"]).write_text(as_json(table) + "\n", encoding="utf-8")
        table.to_netcdf(stage / expected["table"], engine="h5netcdf")
    return table, {kind: Path(out) / name for kind, name in expected.items()}


def _compare(paths, truth, mismatched, methods, offset, align, step) -> "xr.Dataset":
    from neurofuse.fusion.compare import REFERENCES, compare
    from neurofuse.fusion.methods.registry import EVERY, quick_names
    from neurofuse.fusion.methods.registry import names as all_names
    from neurofuse.io import read

    recording = read(*paths, offset=offset, align=align)
    known = None if truth is None else read(truth)
    if known is not None:
        recording = with_known_motion(recording, known)
    if methods is not None and EVERY in methods:
        methods = all_names()
    chosen: list[str] = list(quick_names() if methods is None else methods)
    begun: list[str] = []
    rows = len({*chosen, *REFERENCES}) + 1 + (mismatched is not None)

    def show_progress(name: str) -> None:
        step(len(begun) / rows, f"comparing: {name}")
        begun.append(name)

    other = None if mismatched is None else read(mismatched)
    wanted = None if methods is None else chosen
    table = compare(recording, wanted, known, mismatched=other, progress=show_progress)
    failures = table.failure.values[: len(chosen)]  # the references and controls come last
    if all(failures):
        raise ParameterError(
            f"no method that runs on this recording ({failures[0]})",
            "at least one",
            "choose other --methods",
        )
    return table


def with_known_motion(recording: "xr.DataTree", truth: "xr.DataTree") -> "xr.DataTree":
    """A recording with the motion mask of its truth where it has none of its own.

    EDF and SNIRF cannot hold the mask, so the truth's file brings it.
    """
    from neurofuse.fusion.metrics.samples import match
    from neurofuse.io import stream_dataset, streams, with_stream

    match(truth, recording)
    for stream in streams(recording):
        node = stream_dataset(recording, stream)
        if "motion" in node or stream not in streams(truth) or "motion" not in truth[stream]:
            continue
        motion = truth[stream].motion.sel(channel=node.channel.values)
        node = node.assign(motion=(("channel", "time"), motion.values.astype(bool)))
        recording = with_stream(recording, stream, node)
    return recording


def as_json(table: "xr.Dataset") -> str:
    """The table as JSON: attributes, seconds and failures, and one row a known figure.

    Infinite values, which JSON lacks, are strings.
    """
    rows = []
    for method, modality, metric in product(
        table.method.values, table.modality.values, table.metric.values
    ):
        value = float(table.value.loc[method, modality, metric])
        if not math.isnan(value):
            row = {"method": method, "modality": modality, "metric": metric}
            row["value"] = value if math.isfinite(value) else str(value)
            rows.append({**row, "units": str(table.units.loc[metric].item())})
    methods = {
        str(row.method.item()): {
            "seconds": _known(row.seconds),
            "memory": _known(row.memory),
            "delay": str(row.delay.item()),
            "failure": str(row.failure.item()),
        }
        for row in (table.isel(method=number) for number in range(table.sizes["method"]))
    }
    content = {"attributes": dict(table.attrs), "methods": methods, "rows": rows}
    return json.dumps(content, indent=2, default=str)


def _known(value: "xr.DataArray") -> float | None:
    return None if math.isnan(value.item()) else float(value)


def show(table: "xr.Dataset", files: dict[str, Path] | None = None) -> None:
    """Print the leading figures, a table a modality, a legend, what did not run, and a verdict."""
    from neurofuse.fusion.report.comparison_verdict import CONTROLS, verdict
    from neurofuse.fusion.report.metric_words import meaning, name_of

    console = stdout()
    metrics: list[str] = []
    for modality in table.modality.values:
        console.print(_grid(table, str(modality)))
        metrics += [m for m in _leading(table, str(modality)) if m not in metrics]
    console.print("bold: best of its column; ↓ lower, ↑ higher, → 1 nearest to 1 is better")
    entries = {name_of(metric): meaning(metric) for metric in metrics}
    entries |= {name: text for name, text in CONTROLS.items() if name in table.method.values}
    for name, text in entries.items():
        console.print(f"  {escape(name)}: {text}", highlight=False, style="dim")
    for method, failure in zip(table.method.values, table.failure.values, strict=True):
        if failure:
            console.print(f"{method} did not run: {escape(str(failure))}", highlight=False)
    if table.attrs.get("truth") == "unknown":
        console.print(
            "The truth is unknown: these figures show what became smaller, not what was artifact."
        )
    console.print(escape(verdict(table)), highlight=False, style="bold")
    if files:
        show_files("all figures:", files)


def _leading(table: "xr.Dataset", modality: str) -> list[str]:
    """The metrics of a modality that are printed."""
    known = table.value.loc[:, modality].dropna("metric", how="all").metric.values
    return [str(m) for m in known if m in LEADING or m.startswith("noref_")]


def _figure(value: float, unit: str) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.1f}" if unit == "dB" else f"{value:.3g}"


def _grid(table: "xr.Dataset", modality: str) -> Table:
    from neurofuse.fusion.report.comparison_verdict import best_rows, in_order
    from neurofuse.fusion.report.metric_words import heading

    known = table.value.loc[:, modality].dropna("metric", how="all")
    metrics = _leading(table, modality)
    units = {metric: str(table.units.loc[metric].item()) for metric in metrics}
    best = {metric: best_rows(metric, known.sel(metric=metric)) for metric in metrics}
    grid = Table(title=MODALITIES[modality].display, title_justify="left", title_style="bold")
    grid.add_column("method", no_wrap=True)
    for metric in metrics:
        title = heading(metric, units[metric])
        whole = max(map(len, title.split()))  # words of a head are not cut
        grid.add_column(escape(title), justify="right", min_width=whole)
    for method in in_order(known):
        row = dict(zip(metrics, known.loc[method, metrics].values.tolist(), strict=True))
        if all(map(math.isnan, row.values())):
            continue
        cells = (
            Text(_figure(value, units[metric]), "bold" if method in best[metric] else "")
            for metric, value in row.items()
        )
        grid.add_row(method, *cells)
    return grid


def command(
    eeg: options.First,
    nirs: options.Second = None,
    *,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Recording without movement (.nc of simulate or inject)."
        ),
    ] = None,
    mismatched: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A recording of another participant (.nc), for the control with a mismatched "
            "partner.",
        ),
    ] = None,
    stranger: Annotated[Path | None, typer.Option("--stranger", hidden=True)] = None,  # until 1.0
    methods: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Methods of `neurofuse methods`, or weights (.safetensors), separated by commas; "
            "all for all of them (default: the quick ones, in seconds).",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Folder for CSV, JSON and netCDF."),
    ] = None,
    offset: options.Offset = None,
    align: options.AlignBy = None,
    overwrite: options.Overwrite = False,
    json_output: options.Json = False,
) -> None:
    """Compare the joint model with its single-modality models and with baseline methods."""
    with progress("reading") as step:
        table, files = compare_files(
            options.inputs(eeg, nirs),
            out,
            truth=truth,
            mismatched=options.renamed_option("--stranger", stranger, "--mismatched", mismatched),
            methods=[name.strip() for name in methods.split(",")] if methods else None,
            offset=offset,
            align=align,
            overwrite=overwrite,
            step=step,
        )
    if json_output:
        typer.echo(as_json(table))
        return
    show(table, files)
