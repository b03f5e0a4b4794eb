"""One task of a study from its inputs to its outputs: the same on every engine."""

import logging
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from neurofuse.cli.names import FIGURES
from neurofuse.cli.study import record as records
from neurofuse.cli.study.crash import crash_file, failed
from neurofuse.cli.study.tasks import Outcome, Settings, Task
from neurofuse.io import journal
from neurofuse.io.bids.dataset import SHARED
from neurofuse.io.errors import ReadError, WriteError
from neurofuse.io.logs import LOG
from neurofuse.io.modality import MODALITIES
from neurofuse.io.staging import make_folder

if TYPE_CHECKING:
    from neurofuse.cli.clean import Made

try:
    import fcntl
except ImportError:  # Windows: two commands may do one task at the same time
    fcntl = None

TRACES = "_desc-clean_traces.png"
LONGEST_LOG = 2**20  # bytes
# files that all runs of a session have together
OF_SESSION = ("_electrodes.tsv", "_optodes.tsv", "_coordsystem.json")
_alone = threading.Lock()  # temporary folder, warnings and log are those of the process


def perform(task: Task, settings: Settings) -> Outcome:
    """Clean one recording into a data set, unless that is done.

    All its outputs appear together, and its record with them. A failure is an outcome too.

    Parameters
    ----------
    task : Task
        What is to be done.
    settings : Settings
        How.

    Returns
    -------
    Outcome

    Examples
    --------
    >>> task = Task({"sub": "01", "task": "rest"}, {"eeg": Path("no.edf").absolute()})
    >>> outcome = perform(task, Settings(Path(tempfile.mkdtemp())))
    >>> outcome.state, outcome.code
    ('failed', 66)
    """
    start = time.perf_counter()
    with _alone, _prepared(settings):
        try:
            with _claimed(records.logs_of(settings.out, task) / f"{task.name}.log"):
                return _done(task, settings, start)
        except Exception as error:
            return failed(
                task, settings, error, seconds=time.perf_counter() - start, memory=peak_memory()
            )


def _done(task: Task, settings: Settings, start: float) -> Outcome:
    out, path = settings.out, records.record_file(settings.out, task)
    with journal.locked(out):  # repairs what a killed process left
        old = records.read_record(path)
    inputs = _inputs(task, old)
    key = records.task_hash(task, settings, inputs)
    known = old is not None and not settings.overwrite and old.hash == key
    if old is not None and known and records.in_place(out, old):
        if inputs != old.inputs:  # copied or touched since
            records.write_record(replace(old, inputs=inputs), path)
        _forget_failure(task, out)
        return Outcome(task.name, "kept")
    _clean(task, settings, old, partial(_record, task, key, inputs, start))
    _remove_others(out, old, records.read_record(path))
    _forget_failure(task, out)
    return Outcome(task.name, "done", time.perf_counter() - start, peak_memory())


def _inputs(task: Task, old: records.Record | None) -> dict[str, records.Stamp]:
    try:
        return records.input_stamps(task, {} if old is None else old.inputs)
    except OSError as error:
        raise ReadError(
            f"{error.strerror or type(error).__name__} at {error.filename}",
            "the files that were there when the study was planned",
            "check that the disk is connected and that they may be read",
        ) from error


def _clean(
    task: Task,
    settings: Settings,
    old: records.Record | None,
    complete: Callable[[Path], None],
) -> None:
    """Write all outputs; `complete` adds the record to them."""
    from neurofuse.cli.clean import Made, clean_files
    from neurofuse.cli.study.summary import SUFFIX, summary, write_summary

    def also(made: Made) -> None:
        facts = summary(task, made.recording, made.cleaned, made.self_test, made.repaired)
        write_summary(facts, made.stage / task.folder / f"{task.name}{SUFFIX}")
        if settings.clean.get("report", True):
            _draw(made, made.stage / task.folder.parts[0] / FIGURES / f"{task.name}{TRACES}")
        complete(made.stage)

    further = dict(settings.clean)
    align = further.pop("align", None)  # where the plan knows no offset
    clean_files(
        [task.inputs[stream] for stream in MODALITIES if stream in task.inputs],
        settings.out,
        method=settings.method,
        offset=task.offset,
        align=align if task.offset is None else None,
        overwrite=settings.overwrite or _own(task, settings.out, old),
        self_test=settings.self_test,
        bids=True,
        entities=task.entities,
        sidecars=task.bids,
        also=also,
        **further,
    )


def _draw(made: "Made", path: Path) -> None:
    """The channels that were changed most, before and after, as a picture for slides and papers."""
    from matplotlib import pyplot

    from neurofuse.fusion.plot import traces

    figure = traces(made.recording, made.cleaned)[0].get_figure(root=True)
    assert figure is not None
    figure.savefig(path)
    pyplot.close(figure)


def _own(task: Task, out: Path, old: records.Record | None) -> set[str]:
    """What an earlier run of this task made, which this one may replace."""
    names = {records.record_file(Path(), task).as_posix()}
    if old is not None:
        unchanged = (n for n, s in old.shared.items() if records.are_there(out, {n: s}))
        names |= {*old.outputs, *unchanged}
    return names


def _record(
    task: Task, key: str, inputs: dict[str, records.Stamp], start: float, stage: Path
) -> None:
    names = [p.relative_to(stage).as_posix() for p in sorted(stage.rglob("*")) if p.is_file()]
    names = [name for name in names if not name.startswith(".")]
    of_session = {name for name in names if name.endswith(OF_SESSION)}
    own = set(names) - of_session - set(SHARED)
    done = records.Record(
        task.name,
        key,
        time.perf_counter() - start,
        peak_memory(),
        inputs,
        records.output_stamps(stage, sorted(own)),
        records.output_stamps(stage, sorted(of_session)),
    )
    records.write_record(done, records.record_file(stage, task))


def _remove_others(out: Path, old: records.Record | None, new: records.Record | None) -> None:
    """Remove what an earlier run of the task made and this one did not, by another method say."""
    for name, stamp in ({} if old is None else old.outputs).items():
        if new is not None and name not in new.outputs and records.are_there(out, {name: stamp}):
            (out / name).unlink(missing_ok=True)


def _forget_failure(task: Task, out: Path) -> None:
    with suppress(OSError):
        crash_file(out, task).unlink(missing_ok=True)


def peak_memory() -> int:
    """The largest memory that this process has had [B]; 0 if the system does not tell."""
    with suppress(OSError, ValueError):  # Linux: of this program, not of the one that started it
        for line in Path("/proc/self/status").read_text("ascii", "ignore").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import psutil

    info = psutil.Process().memory_info()
    return int(getattr(info, "peak_wset", info.rss))


@contextmanager
def _prepared(settings: Settings) -> Iterator[None]:
    """Temporary files where they are wanted, and libraries that neither draw nor warn."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.environ.setdefault("MNE_LOGGING_LEVEL", "ERROR")
    place, level = tempfile.tempdir, LOG.level
    with warnings.catch_warnings():
        if settings.debug:
            warnings.simplefilter("default")
            warnings.showwarning = lambda message, *_, **__: LOG.warning("%s", message)
        else:
            warnings.simplefilter("ignore")
        try:
            if settings.work is not None:
                settings.work.mkdir(parents=True, exist_ok=True)
                tempfile.tempdir = str(settings.work)
            LOG.setLevel(logging.INFO)
            yield
        finally:
            tempfile.tempdir = place
            LOG.setLevel(level)


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """Write the log of a task, and wait until no other process does the same task."""
    make_folder(path.parent)
    try:
        log = path.open("a", encoding="utf-8")
    except OSError as error:
        raise WriteError(
            f"{error.strerror} at {path}", "a folder that can be written", "choose another folder"
        ) from error
    with log as file:
        if fcntl is not None:
            with suppress(OSError):  # a disk without locks
                fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        handler = _Bounded(file)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        LOG.addHandler(handler)
        try:
            yield
        except Exception as error:
            LOG.error("%s: %s", type(error).__name__, error)
            raise
        finally:
            LOG.removeHandler(handler)


class _Bounded(logging.StreamHandler):
    """A log that stops at its greatest length."""

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream.tell() < LONGEST_LOG:
            super().emit(record)
