"""A process that reads damaged recordings, watched: it may neither hang nor die unnoticed."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.fuzz.reading import Case

PATIENCE = 6  # times as much by the clock: other work may take the processor


class Worker:
    """A worker process; killed and replaced when it hangs or dies."""

    def __init__(self, folder: Path, command: list[str] | None = None, imports: float = 60.0):
        self.command = command or [sys.executable, "-m", "benchmarks.fuzz.reading"]
        self.imports = imports  # s that the first case may take longer
        self.errors = (folder / "stderr.txt").open("w+b")
        self.process: subprocess.Popen | None = None

    def ask(self, path: Path, out: Path | None, seconds: float) -> Case:
        """What came of reading `path` within `seconds` of processor time, and writing to `out`."""
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
        ready = _waited(process, seconds)
        line = process.stdout.readline() if ready else b""
        if line:
            return json.loads(line)
        if not ready:
            process.send_signal(signal.SIGUSR1)  # it says where it hangs
            time.sleep(0.5)
        self.stop()
        words = Path(self.errors.name).read_bytes()[said:].decode("utf-8", "replace")
        outcome = "crash" if ready else "hang"
        return {
            "outcome": outcome,
            "message": words[-3000:],
            "warned": [],
            "seconds": seconds,
            "peak": 0,
        }

    def stop(self) -> None:
        """End the process; the next case gets a new one."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def _waited(process: subprocess.Popen, seconds: float) -> bool:
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


def _processor_time(number: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
