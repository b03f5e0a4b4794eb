"""Damaged recordings of every format: each is read, or refused by an error of our own.

    python -m benchmarks.fuzz --per-format 2000 --log runs/fuzz.jsonl
    python -m benchmarks.fuzz --formats EDF --case 17 --keep /tmp/case    # one again

A case is a copy of a small whole recording (seeds.py), damaged by mutations.py from the numbers
(seed, format, case) alone. A worker process reads it, checks whether the Recording is valid, and
writes some of them. It fails if anything but a NeurofuseError leaves `neurofuse.read` or
`neurofuse.write`, the process dies, it takes over 10 s (of processor time; six times as much by
the clock) or over 2 GB, a Recording is not valid, or a refused write leaves files behind. A run
that was stopped goes on where its log ends; `--again` repeats the failed cases. The exit status is
1 if a case failed.
"""

import argparse
import contextlib
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.page import Page, Table

SECONDS, MEMORY = 10.0, 2 * 2**30  # limits of a case: processor time, bytes
PATIENCE = 6  # times as much by the clock: other work may take the processor
WRITTEN = 8  # every so many-th case that is read is written too
Case = dict[str, Any]


# ---- the worker: one process that reads case after case -----------------------------------------


def work() -> None:
    """Answer requests {path, out} on stdin with lines {outcome, message, seconds, peak}."""
    import faulthandler
    import resource

    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is not an answer
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    faulthandler.enable()
    import neurofuse.io as io

    for line in sys.stdin:
        request = json.loads(line)
        Path("/proc/self/clear_refs").write_text("5")  # peak memory counts from here
        faulthandler.dump_traceback_later(SECONDS)
        start = time.process_time()
        answer = attempt(io, Path(request["path"]), request["out"])
        answer["seconds"] = round(time.process_time() - start, 3)
        faulthandler.cancel_dump_traceback_later()
        status = Path("/proc/self/status").read_text()
        answer["peak"] = int(status.split("VmHWM:")[1].split()[0]) // 1024
        answers.write(json.dumps(answer) + "\n")


def attempt(io: Any, path: Path, out: str | None) -> Case:
    """Read a case, look at it, perhaps write it: {outcome, message}."""
    import traceback

    stage = "read"
    try:
        recording = io.read(path)
        stage = "look"
        wrong = invalidity(io, recording)
        if wrong:
            return {"outcome": "insane", "message": wrong}
        if out is None:
            return {"outcome": "read", "message": ""}
        stage = "write"
        io.write(recording, out, stem="a")
        return {"outcome": "read", "message": "written"}
    except io.NeurofuseError as error:
        message = str(error)
        if any(word in message for word in ("allocate", "more memory", "RecursionError")):
            return {"outcome": "memory", "message": message}
        if stage == "write":
            left = [str(p) for p in Path(out).rglob("*")] if out and Path(out).exists() else []
            return {"outcome": "partial" if left else "read", "message": f"{message} {left}"}
        return {"outcome": "refused" if stage == "read" else "traceback", "message": message}
    except MemoryError:
        return {"outcome": "memory", "message": traceback.format_exc()[-3000:]}
    except BaseException:
        return {"outcome": "traceback", "message": traceback.format_exc()[-3000:]}


def invalidity(io: Any, recording: Any) -> str:
    """What is invalid in a Recording, or ""."""
    io.check(recording)
    nodes = {s: recording[s] for s in io.streams(recording)}
    if "aux" in recording.children:
        nodes |= {f"aux/{name}": node for name, node in recording["aux"].children.items()}
    for name, node in nodes.items():
        times, rate = np.asarray(node.time.values), node.attrs["rate"]
        variable = next(v for v in node.data_vars.values() if "time" in v.dims)
        if not (np.isfinite(rate) and rate > 0):
            return f"/{name} at {rate} Hz"
        if times.ndim != 1 or not np.isfinite(times).all() or not (np.diff(times) > 0).all():
            return f"/{name}, whose time is not an ascending axis"
        if times.size == 0 or node.sizes["channel"] == 0:
            return f"/{name} of size {dict(node.sizes)}"
        if len(set(node.channel.values.tolist())) < node.sizes["channel"]:
            return f"/{name} with two channels of one name"
        for a in range(0, times.size, 100_000):
            block = variable.isel(time=slice(a, a + 100_000)).values
            if block.dtype.kind != "f":
                return f"/{name} of type {block.dtype}"
        for place in ("position", "source_position", "detector_position"):
            if place in node.coords and np.isinf(node[place].values).any():
                return f"/{name} with an infinite {place}"
    events = recording["events"]
    if not np.isfinite(events.onset.values).all() or not (events.duration.values >= 0).all():
        return f"events at {events.onset.values} for {events.duration.values}"
    return ""


# ---- the parent: makes cases and watches the worker ---------------------------------------------


class Worker:
    """A worker process; killed and replaced when it hangs or dies."""

    def __init__(self, folder: Path, command: list[str] | None = None, imports: float = 60.0):
        self.command, self.imports = (
            command or [sys.executable, "-m", "benchmarks.fuzz", "--work"],
            imports,
        )
        self.errors = (folder / "stderr.txt").open("w+b")
        self.process: subprocess.Popen | None = None

    def ask(self, path: Path, out: Path | None, seconds: float) -> Case:
        if self.process is None:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
            seconds += self.imports
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        said = os.fstat(self.errors.fileno()).st_size
        request = {"path": str(path), "out": None if out is None else str(out)}
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        ready = self._waited(process, seconds)
        line = process.stdout.readline() if ready else b""
        if line:
            return json.loads(line)
        self.stop()
        words = Path(self.errors.name).read_bytes()[said:].decode("utf-8", "replace")
        outcome = "crash" if ready else "hang"
        return {"outcome": outcome, "message": words[-3000:], "seconds": seconds, "peak": 0}

    def _waited(self, process: subprocess.Popen, seconds: float) -> bool:
        """Whether the process answers or ends within `seconds` of its own processor time."""
        begun, used = time.monotonic(), _processor_time(process.pid)
        with selectors.DefaultSelector() as selector:
            assert process.stdout is not None
            selector.register(process.stdout, selectors.EVENT_READ)
            while not selector.select(0.5):
                asleep = time.monotonic() - begun > PATIENCE * seconds
                if asleep or _processor_time(process.pid) - used > seconds:
                    return False
        return True

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def _processor_time(number: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_case(worker: Worker, seeds: list, name: str, case: int, seed: int, folder: Path) -> Case:
    """Make one damaged recording, have it read, and judge what came of it."""
    from benchmarks.fuzz.mutations import fresh, mutate

    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), case])
    whole, entry = seeds[int(rng.integers(len(seeds)))]
    copy = fresh(whole, folder / "case")
    said = mutate(copy, entry, rng)
    before = sorted(str(p) for p in copy.rglob("*"))
    out = folder / "out" if rng.integers(WRITTEN) == 0 else None
    answer = worker.ask(copy / entry, out, SECONDS + 3)
    if answer["seconds"] > SECONDS and answer["outcome"] in ("read", "refused"):
        answer["outcome"] = "hang"
    if answer["peak"] * 2**20 > MEMORY:
        answer["outcome"] = "memory"
    if sorted(str(p) for p in copy.rglob("*")) != before:
        answer.update(outcome="partial", message="reading changed the folder")
    if out is not None:
        shutil.rmtree(out, ignore_errors=True)
    return {"format": name, "case": case, "seed": seed, "mutation": said, **answer}


def fuzz(formats: list[str], cases: list[int], seed: int, log: Path | None, again: bool) -> list:
    """Run cases of every format; returns all results, those of the log included."""
    from benchmarks.fuzz.seeds import SEEDS

    results: list[Case] = []
    if log is not None and log.exists():
        results = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        if again:
            results = [r for r in results if r["outcome"] in ("read", "refused")]
            log.write_text("".join(json.dumps(r) + "\n" for r in results), encoding="utf-8")
    done = {(r["format"], r["case"]) for r in results if r["seed"] == seed}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-")))
        sink = stack.enter_context(log.open("a", encoding="utf-8")) if log else None
        worker = Worker(folder)
        stack.callback(worker.stop)
        for name in formats:
            left = [case for case in cases if (name, case) not in done]
            if not left:
                continue
            seeds = SEEDS[name](folder / name)
            whole = [worker.ask(path / entry, None, 120) for path, entry in seeds]
            if not seeds or any(answer["outcome"] != "read" for answer in whole):
                why = [answer["message"] for answer in whole] or "no whole recording to start from"
                print(f"{name}: skipped, {why}", file=sys.stderr)
                continue
            for case in left:
                result = run_case(worker, seeds, name, case, seed, folder)
                results.append(result)
                if sink is not None:
                    sink.write(json.dumps(result) + "\n")
                    sink.flush()
                if result["outcome"] not in ("read", "refused"):
                    print(json.dumps(result), file=sys.stderr)
    return results


def table(results: list[Case]) -> Table:
    """The outcomes of each format."""
    columns = ["format", "cases", "read", "refused", "failed", "slowest [s]", "largest [MB]"]
    rows = []
    for name in dict.fromkeys(r["format"] for r in results):
        own = [r for r in results if r["format"] == name]
        count = Counter(r["outcome"] for r in own)
        failed = len(own) - count["read"] - count["refused"]
        slowest, largest = (max(r[key] for r in own) for key in ("seconds", "peak"))
        parts = [f"{100 * count[key] / len(own):.0f} %" for key in ("read", "refused")]
        rows.append([name, str(len(own)), *parts, str(failed), f"{slowest:.1f}", str(largest)])
    return Table(columns, rows)


QUESTION = """Is every damaged file read, or refused by an error of neurofuse? Small whole
recordings, made on the spot (NIRx: cut from shared ones), were damaged in one to three places: cut
off anywhere, bytes changed, blanked, shifted, doubled or taken out, numbers overwritten by extreme
ones, header fields and words of texts replaced, lines dropped or swapped, HDF5 groups, datasets and
attributes removed, emptied or of another type, shape or size, MATLAB fields likewise, FIF tags and
XDF chunks changed, companion files missing. Each was opened with `neurofuse.read`; one in eight of
those that could be read was written again."""
LIMITS = """A case fails if anything but a `NeurofuseError` is raised, the process dies, it takes
more than {seconds:g} s of processor time or {memory:g} GB of memory, the Recording is not valid
(time that does not ascend, no rate, two channels of one name, events without a time …), or a
refused write leaves files behind. "Read" means that the damage cannot be distinguished from data,
such as a changed sample, or does no harm. The tests run 20 cases a format by another seed."""


def page(rows: Table, cases: int, seed: int) -> Page:
    return Page(
        title="Damaged files",
        question=QUESTION,
        table=rows,
        limits=LIMITS.format(seconds=SECONDS, memory=MEMORY / 2**30),
        command=f"python -m benchmarks.fuzz --per-format {cases} --seed {seed} "
        "--log runs/fuzz.jsonl \\\n    --page docs/measured/fuzzing.md",
        data={"": rows},
    )


def main() -> int:
    from benchmarks.fuzz.seeds import SEEDS

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--per-format", type=int, default=2000)
    parser.add_argument("--formats", nargs="+", choices=list(SEEDS), default=list(SEEDS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, help="JSON lines; a stopped run goes on from them")
    parser.add_argument("--again", action="store_true", help="repeat the log's failed cases")
    parser.add_argument("--case", type=int, help="this case only")
    parser.add_argument("--keep", type=Path, help="with --case: a folder to leave the files in")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    given = parser.parse_args()
    if given.keep is not None:
        from benchmarks.fuzz.mutations import fresh, mutate

        (name,) = given.formats
        seeds = SEEDS[name](given.keep / "seed")
        rng = np.random.default_rng([given.seed, zlib.crc32(name.encode()), given.case])
        whole, entry = seeds[int(rng.integers(len(seeds)))]
        print(mutate(fresh(whole, given.keep / "case"), entry, rng))
        print(given.keep / "case" / entry)
        return 0
    cases = [given.case] if given.case is not None else list(range(given.per_format))
    if given.log is not None:
        given.log.parent.mkdir(parents=True, exist_ok=True)
    results = fuzz(given.formats, cases, given.seed, given.log, given.again)
    rows = table(results)
    print(rows.markdown())
    if given.page:
        most = max(Counter(r["format"] for r in results).values())
        page(rows, most, min(r["seed"] for r in results)).write(given.page)
    return int(any(r["outcome"] not in ("read", "refused") for r in results))


if __name__ == "__main__":
    if sys.argv[1:] == ["--work"]:
        work()
    else:
        sys.exit(main())
