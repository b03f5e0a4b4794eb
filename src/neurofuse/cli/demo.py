"""`neurofuse demo`: all steps on a simulated pair of files."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from neurofuse.cli import options
from neurofuse.cli.clean import clean_files
from neurofuse.cli.compare import compare_files, show
from neurofuse.cli.console import progress, stdout
from neurofuse.cli.report import report_files
from neurofuse.cli.simulate import simulate_files
from neurofuse.io.staging import staged

# the best classical methods that need no other package; `neurofuse compare` has all
METHODS = ("joint", "eeg", "nirs", "ica", "pca", "wiener", "tddr", "spline", "tpca", "bandpass")
SEED = 7  # its two minutes hold several kinds of movement that disturb both modalities


def draw_picture(
    before: Path, after: Path, truth: Path, target: Path, *, overwrite: bool = False
) -> Path:
    """Draw the half minute that changed most, as a PNG: recorded, cleaned and true.

    Of each modality three channels with a median change are shown.
    """
    with staged(target.parent, [target.name], overwrite=overwrite) as stage:
        from neurofuse.fusion.plot.draw_lanes import by_change
        from neurofuse.fusion.plot.draw_traces import draw_traces
        from neurofuse.fusion.views.before_after import views_of
        from neurofuse.fusion.views.changes import strongest
        from neurofuse.io import read

        views = views_of(read(before), read(after), read(truth))
        start, stop, _ = strongest(views, width=30.0)
        rows = {}
        for view in views:
            ranked = by_change(view, (start, stop))
            first = max(0, len(ranked) // 2 - 1)
            rows[view.stream] = sorted(ranked[first : first + 3])
        figure = draw_traces(views, (start, stop), rows=rows, lane=0.85, room=12.0)
        figure.savefig(stage / target.name, dpi=110, facecolor="white", bbox_inches="tight")
    return target


def command(
    *,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="Folder for the outputs; made if missing."),
    ] = Path("neurofuse-demo"),
    duration: Annotated[float, typer.Option(metavar="S", help="Length in seconds.")] = 120.0,
    seed: options.Seed = SEED,
    overwrite: options.Overwrite = False,
) -> None:
    """Simulate a pair of files with head motion, clean them, compare, and report."""
    console = stdout()
    with progress("simulating") as step:
        made = simulate_files(out, duration=duration, seed=seed, overwrite=overwrite)
        pair = [made["eeg"], made["nirs"]]
        step(0.2, "cleaning")
        cleaned = clean_files(pair, out, report=False, overwrite=overwrite)
        step(0.4, "comparing")
        table, compared = compare_files(
            pair, out, truth=made["truth"], methods=METHODS, overwrite=overwrite
        )
        step(0.8, "drawing the report")
        page = report_files(
            pair,
            cleaned["recording"],
            cleaned["recording"].with_name(
                cleaned["recording"].name.replace("_recording.nc", "_report.html")
            ),
            truth=made["truth"],
            comparison=compared["table"],
            overwrite=overwrite,
        )
        step(0.95, "drawing the picture")
        picture = draw_picture(
            made["recording"],
            cleaned["recording"],
            made["truth"],
            out / "before_after.png",
            overwrite=overwrite,
        )
    console.print(f"A simulated {duration:g} s of EEG and fNIRS with head motion, then cleaned:")
    show(table, {"csv": compared["csv"]})
    for label, path in (
        ("with movement", made["eeg"]),
        ("", made["nirs"]),
        ("cleaned", cleaned["native"]),
        ("", cleaned["nirs"]),
        ("picture", picture),
        ("report", page),
    ):
        console.print(f"{label:>14}  {escape(str(path))}", highlight=False)
