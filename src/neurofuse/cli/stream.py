"""`neurofuse stream`: clean both modalities while they are recorded, through LSL."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from neurofuse.cli import options
from neurofuse.cli.connect import Make, connected, live_cleaner
from neurofuse.cli.console import stderr, stdout
from neurofuse.io.errors import ParameterError

if TYPE_CHECKING:
    from neurofuse.cli.session import Session
    from neurofuse.io.live.player import Player

By = Literal["name", "type", "source_id"]
METHOD = "joint-live"
POLL = 0.01  # s between looks for new samples
TOLD_EVERY = 1.0  # s between status messages
DRAWN_EVERY = 0.25  # s between updates of the view
SETTLED_EVERY = 4.0  # s between looks at what has settled, which take about a second
LOOKED_EVERY = 300.0  # s between looks at whether movements are still found
FIRST_LOOK = 240.0  # s
ENDED = 2.0  # s of silence after which a played recording has been cleaned to its end

Show = Callable[["Session", dict[str, Any]], None]


def stream_live(
    *,
    eeg: str | None = None,
    nirs: str | None = None,
    imu: str | None = None,
    by: By = "name",
    method: str = METHOD,
    record: Path | None = None,
    play: Sequence[Path] = (),
    speed: float = 1.0,
    offset: float | None = None,
    align: str | None = None,
    settled: bool = False,
    overwrite: bool = False,
    seconds: float | None = None,
    wait: float = 10.0,
    show: Show | None = None,
    make: Make | None = None,
) -> dict[str, Any]:
    """Clean live streams until they are stopped, and send the cleaned ones.

    Parameters
    ----------
    eeg, nirs, imu : str, optional
        Streams to take, as `by` says; by default every kind of which there is one.
    by : {"name", "type", "source_id"}
        What the former are.
    method : str
        A live method of `neurofuse.LiveCleaner`.
    record : path, optional
        XDF file for what comes in; what goes out is recorded beside it, in `…_cleaned.xdf`.
    play : one or two paths
        A recording that is played through LSL and cleaned, instead of streams of a device.
    speed : float
        How much faster than real time it is played [1].
    offset, align
        As in `neurofuse.read`, of the recording that is played.
    settled : bool
        Also clean everything once more, some seconds later and better, into streams of their own.
    overwrite : bool
        Replace the files of `record`.
    seconds : float, optional
        How long to clean [s]; without it until Ctrl-C, or the end of what is played.
    wait : float
        How long streams are waited for [s].
    show : callable, optional
        Called with the session and its status every quarter of a second.
    make : callable, optional
        Makes another cleaner from a montage and rates [Hz].

    Returns
    -------
    dict
        The last status.

    Raises
    ------
    NeurofuseError
        If streams are not found or cannot be used, files cannot be read or made, or mne-lsl is not
        installed.
    """
    if seconds is not None and not seconds > 0:
        raise ParameterError(f"--seconds {seconds:g}", "a number above 0", "leave it out")
    if not wait < float("inf"):
        raise ParameterError(f"--wait {wait:g}", "a number of seconds", "leave it out for 10 s")
    if play and (eeg or nirs or imu):
        raise ParameterError("--play with --eeg, --nirs or --imu", "one of them", "leave one out")
    options.one_alignment(offset, align)
    from neurofuse.io.live.search import find_inlets

    with ExitStack() as stack:
        player = None
        if play:
            player = stack.enter_context(_playing(play, speed, offset, align))
            named, by = player.names, "name"
        else:
            named = {"eeg": eeg, "nirs": nirs, "imu": imu}
        session = connected(
            find_inlets(named, by=by, wait=wait),
            make or live_cleaner(method),
            method=method,
            settled=settled,
            record=record,
            overwrite=overwrite,
            real_time=speed == 1.0,
        )
        stack.callback(session.close)
        settling = stack.enter_context(ThreadPoolExecutor(1)) if settled else None
        looking = stack.enter_context(ThreadPoolExecutor(1))
        if player is not None:
            player.start()
        return _run(session, player, seconds, show, settling, looking)


@contextmanager
def _playing(
    paths: Sequence[Path], speed: float, offset: float | None, align: str | None
) -> "Iterator[Player]":
    from neurofuse.io import read
    from neurofuse.io.live.player import Player

    recording = read(*paths, offset=offset, align=align)
    player = Player(recording, f"rehearsal {os.getpid()}", speed=speed)
    try:
        yield player
    finally:
        player.close()


def _run(
    session: "Session",
    player: "Player | None",
    seconds: float | None,
    show: Show | None,
    settling: Executor | None,
    looking: Executor,
) -> dict[str, Any]:
    began = told = drawn = active = settled = time.monotonic()
    looked = began - LOOKED_EVERY + FIRST_LOOK
    later: Future[None] | None = None
    seen: Future[None] | None = None
    while seconds is None or time.monotonic() - began < seconds:
        if session.step():
            active = time.monotonic()
        else:
            time.sleep(POLL)
        now = time.monotonic()
        if now - told >= TOLD_EVERY:
            told = now
            session.tell()
        if show is not None and now - drawn >= DRAWN_EVERY:
            drawn = now
            show(session, session.facts())
        if settling is not None and now - settled >= SETTLED_EVERY and (not later or later.done()):
            if later is not None:
                later.result()  # raises what went wrong in it
            settled, later = now, settling.submit(session.settle)
        if now - looked >= LOOKED_EVERY:
            if seen is not None:
                seen.result()  # raises what went wrong in it
            looked, seen = now, looking.submit(session.look)
        if player is not None and not player.playing and now - active > ENDED:
            break
    return session.tell()


def command(
    *,
    eeg: Annotated[
        str | None, typer.Option(metavar="NAME", help="The EEG stream (default: the only one).")
    ] = None,
    nirs: Annotated[
        str | None, typer.Option(metavar="NAME", help="The fNIRS stream (default: the only one).")
    ] = None,
    imu: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Accelerometer and gyroscope on the head (default: the only one)."
        ),
    ] = None,
    by: Annotated[
        By, typer.Option(help="What --eeg, --nirs and --imu are: names, types or source_ids.")
    ] = "name",
    method: Annotated[str, typer.Option(metavar="NAME", help="The live method.")] = METHOD,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.xdf",
            help="Record what comes in, and beside it, in FILE_cleaned.xdf, what goes out.",
        ),
    ] = None,
    play: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Rehearse: play a recording and clean it. Give it twice for an EEG and an fNIRS "
            "file.",
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(metavar="X", help="How much faster than real time to play.")
    ] = 1.0,
    offset: options.Offset = None,
    align: options.AlignBy = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="N", help="Stop after so long (default: Ctrl-C).")
    ] = None,
    wait: Annotated[float, typer.Option(metavar="S", help="How long to wait for streams.")] = 10.0,
    settled: Annotated[
        bool,
        typer.Option(
            "--settled",
            help="Also send, and record, what is cleaned once more by the model that sees the "
            "future, 8 s later.",
        ),
    ] = False,
    overwrite: options.Overwrite = False,
    no_view: Annotated[
        bool, typer.Option("--no-view", help="Show nothing while cleaning.")
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print the status as a line of JSON every second.")
    ] = False,
) -> None:
    """Clean EEG and fNIRS while they are recorded: LSL streams in, cleaned LSL streams out."""
    settings: dict[str, Any] = {
        "eeg": eeg,
        "nirs": nirs,
        "imu": imu,
        "by": by,
        "method": method,
        "record": record,
        "play": play or (),
        "speed": speed,
        "offset": offset,
        "align": align,
        "seconds": seconds,
        "wait": wait,
        "settled": settled,
        "overwrite": overwrite,
    }
    with _shown(no_view, json_output) as show:
        facts = stream_live(**settings, show=show)
    if not json_output:
        stdout().print(_summary(facts), highlight=False, markup=False)


@contextmanager
def _shown(no_view: bool, as_json: bool) -> Iterator[Show | None]:
    """What is shown while it runs: a view, JSON lines, or nothing."""
    if as_json:
        yield _Lines()
    elif no_view or not stderr().is_terminal:
        yield None
    else:
        from rich.live import Live

        from neurofuse.cli.live_view import view

        with Live(console=stderr(), auto_refresh=False, transient=True) as live:
            yield lambda session, facts: live.update(view(session, facts), refresh=True)


class _Lines:
    """Prints a status a second."""

    def __init__(self) -> None:
        self._last = -TOLD_EVERY

    def __call__(self, session: "Session", facts: dict[str, Any]) -> None:
        now = time.monotonic()
        if now - self._last >= TOLD_EVERY:
            self._last = now
            typer.echo(json.dumps(facts))


def _summary(facts: dict[str, Any]) -> str:
    """One line a stream, and the delays."""
    lines = [
        f"{one['name']}: {one['received']} samples received, {one['lost']} lost"
        + (f", {one['sent']} cleaned" if "sent" in one else "")
        for one in facts["streams"].values()
    ]
    if facts["computing_ms"]:
        lines.append(
            "computing: p50 {p50:g}, p99 {p99:g}, max {max:g} ms".format(**facts["computing_ms"])
            + f"; {facts['late']} times late"
        )
    lines += facts["drifts"]
    if facts["recording"]:
        lines.append(f"recording: {facts['recording']}")
    return "\n".join(lines)
