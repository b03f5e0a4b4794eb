"""`neurofuse clean --overwrite`, killed by SIGKILL at any moment: all outputs are old, or all new.

    python -m benchmarks.kills --kills 60

Two small recordings are cleaned by one method, and then again by another with --overwrite; that
second process is killed, half of the time at a random moment and half of the time between two of
its final moves, which are counted in the process itself. Each case is done with and without --bids.
Then another command writes to the same folder. It must say that it repaired something if anything
was left, and every file must have the bytes of the first result, or every file those of the second.
The exit status is 1 if that failed once.
"""

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common.page import Table

NEXT = ["simulate", "--duration", "10", "--out"]  # the command after the kill
FROM_NEXT = "simulated_"  # how its outputs begin
LEFT = ".neurofuse-*"
MESSAGE = "interrupted run"
NEVER = -1
Files = dict[str, str]  # hashes of the bytes, by path
Start = Callable[[int, Path, list[str]], subprocess.Popen]


# ---- the process that is killed ------------------------------------------------------------------


def run_and_be_killed(step: int, steps_file: str, arguments: list[str]) -> None:
    """Run the command line; killed before the n-th change of the folder's entries in its end."""
    from neurofuse.cli.app import main
    from neurofuse.io import journal, recording

    done, move = 0, journal.move

    class Noon(recording.datetime):
        """One moment for all runs, so that equal results have equal bytes."""

        @classmethod
        def now(cls, tz=None):
            return cls(2024, 5, 17, 12, tzinfo=tz)

    def counted(work):
        def call(*args, **kwargs):
            nonlocal done
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
            Path(steps_file).write_text(str(done))
            return work(*args, **kwargs)

        return call

    def moved(transaction, names):
        if transaction.folder == Path(arguments[-1]):  # not one of a single file in the temporary
            for name in ("replace", "link", "unlink", "mkdir", "rmdir"):
                setattr(os, name, counted(getattr(os, name)))
        move(transaction, names)

    recording.datetime = Noon
    journal.move = moved
    sys.argv = ["neurofuse", *arguments]
    main()


# ---- the process that kills ----------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """A way to call `neurofuse clean`, with what it makes."""

    name: str
    arguments: list[str]
    old: Path
    new: Files
    seconds: float
    steps: int


@dataclass(frozen=True)
class Outcome:
    """What a kill left, and what came of it."""

    command: str
    moment: str
    before: str  # "old", "new" or "between": the files when the process was dead
    after: str  # "old", "new" or "mixture": after the next run
    killed: bool
    wrong: str


def commands(folder: Path) -> list[Command]:
    """Both ways to call it, each with its old and its new outputs; methods that need no torch."""
    import neurofuse as nf

    recording = nf.simulate(duration=15, seed=3)[0]
    eeg = nf.io.write_eeg(recording, folder / "sub-01_task-rest_eeg.vhdr")
    nirs = nf.io.write_nirs(recording, folder / "sub-01_task-rest_nirs.snirf")
    made = []
    for name, extra in (("clean", ["--no-report"]), ("clean --bids", ["--bids"])):
        arguments = ["clean", str(eeg), str(nirs), "--offset", "0", "--overwrite", *extra]
        old, new = folder / f"old{len(made)}", folder / f"new{len(made)}"
        _whole([*arguments, "--method", "uncorrected", "--out"], old)
        arguments += ["--method", "wavelet"]
        _whole([*arguments, "--out"], shutil.copytree(old, new))
        begun = time.monotonic()
        steps = _whole([*arguments, "--out"], shutil.copytree(old, folder / "timed"))
        seconds = time.monotonic() - begun
        if hashes(folder / "timed") != hashes(new) or hashes(old) == hashes(new):
            raise SystemExit("two equal runs differ, or two different ones do not")
        shutil.rmtree(folder / "timed")
        made.append(Command(name, arguments, old, hashes(new), seconds, steps))
    return made


def _whole(arguments: list[str], out: Path) -> int:
    """Let a run end; returns in how many steps it changed the folder."""
    steps = out.with_name("steps")
    process = start(NEVER, steps, [*arguments, str(out)])
    _, said = process.communicate()
    if process.returncode:
        raise SystemExit(said.decode())
    return int(steps.read_text())


def start(step: int, steps: Path, arguments: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.kills", "--child", str(step), str(steps), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def hashes(folder: Path) -> Files:
    """The files below a folder without those of temporary folders."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(LEFT[:-1]) for part in path.parts)
    }


def kill(
    command: Command, folder: Path, step: int, seconds: float, start: Start = start
) -> Outcome:
    """One kill, before a step or (step < 0) after so many seconds, and the run after it."""
    out = shutil.copytree(command.old, folder / "out")
    process = start(step, folder / "steps", [*command.arguments, "--out", str(out)])
    if step == NEVER:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.communicate()
    old, files, left = hashes(command.old), hashes(out), list(out.glob(LEFT))
    before = "old" if files == old else "new" if files == command.new else "between"
    wrong = []
    if before == "between" and not list(out.glob(f"{LEFT}/.*.json")):
        wrong.append(f"a mixture without a journal: {_odd(files, old, command.new)}")
    again = [sys.executable, "-m", "neurofuse", *NEXT, str(out), "--overwrite"]
    said = subprocess.run(again, capture_output=True, text=True, check=False)
    if said.returncode:
        wrong.append(said.stderr)
    if bool(left) != (MESSAGE in said.stderr):
        wrong.append(f"{len(left)} left, and it said {said.stderr!r}")
    files = {n: h for n, h in hashes(out).items() if not n.startswith(FROM_NEXT)}
    after = "old" if files == old else "new" if files == command.new else "mixture"
    if after == "mixture":
        wrong.append(f"a mixture: {_odd(files, old, command.new)}")
    if list(out.rglob(LEFT)):
        wrong.append(f"left over: {[p.name for p in out.rglob(LEFT)]}")
    shutil.rmtree(out)
    moment = "at random" if step == NEVER else f"at one of {command.steps} moves"
    killed = process.returncode == -signal.SIGKILL
    return Outcome(command.name, moment, before, after, killed, "; ".join(wrong))


def _odd(files: Files, old: Files, new: Files) -> str:
    sides = {
        name: "old" if files.get(name) == old.get(name) else "new"
        for name in sorted({*files, *old, *new})
        if files.get(name) in (old.get(name), new.get(name)) and old.get(name) != new.get(name)
    }
    others = [name for name in files if files[name] not in (old.get(name), new.get(name))]
    return f"{sides}, neither: {others}"


def outcomes(count: int, seed: int, folder: Path) -> Iterator[Outcome]:
    """So many kills: half of them between moves, half of each with --bids."""
    rng = np.random.default_rng(seed)
    ways = commands(folder)
    for way, command in enumerate(ways):
        forced = len(range(way, count // 2, len(ways)))
        for step in np.linspace(0, command.steps - 1, forced).round().astype(int):
            yield kill(command, folder, int(step), 0.0)
        for _ in range(len(range(way, count - count // 2, len(ways)))):
            yield kill(command, folder, NEVER, float(rng.uniform(0, command.seconds)))


def table(results: list[Outcome]) -> Table:
    """What was there after the kills, and after the runs that followed."""
    columns = ["command", "killed", "times", "in between", "then old", "then new", "failed"]
    rows = []
    for key in dict.fromkeys((r.command, r.moment) for r in results):
        own = [r for r in results if (r.command, r.moment) == key]
        counts = [
            sum(r.killed for r in own),
            sum(r.before == "between" for r in own),
            sum(r.after == "old" for r in own),
            sum(r.after == "new" for r in own),
            sum(bool(r.wrong) for r in own),
        ]
        rows.append([*key, *map(str, counts)])
    return Table(columns, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        for outcome in outcomes(given.kills, given.seed, Path(folder)):
            results.append(outcome)
            print(f"{len(results)} of {given.kills}: {outcome.after}", file=sys.stderr)
            if outcome.wrong:
                print(outcome, file=sys.stderr)
    print(table(results).markdown())
    return int(any(outcome.wrong for outcome in results))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        run_and_be_killed(int(sys.argv[2]), sys.argv[3], sys.argv[4:])
    else:
        sys.exit(main())
