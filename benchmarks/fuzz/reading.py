"""The process that reads damaged recordings, one after the other, and says what came of each.

Run by worker.py as `python -m benchmarks.fuzz.reading`, with requests as lines of JSON.
"""

import json
import logging
import os
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

SECONDS, MEMORY = 5.0, 2**30  # limits of a case: processor time, bytes
Case = dict[str, Any]
Samples = dict[str, tuple[int, int]]  # number and checksum of each channel's samples


class Warned(logging.Handler):
    """Collects what neurofuse warns of: the sentences without the names of files in them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.said.add(record.getMessage() if record.msg == "%s" else str(record.msg))


def main() -> None:
    """Answer requests {path, out} with lines {outcome, message, warned, samples, seconds, peak}."""
    import faulthandler
    import resource
    import signal

    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is not an answer
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)  # the parent asks where a case hangs
    import neurofuse.io as io

    warned = Warned()
    logging.getLogger("neurofuse").addHandler(warned)
    logging.getLogger("neurofuse").setLevel(logging.WARNING)  # however quiet MNE is set to be
    for line in sys.stdin:
        request = json.loads(line)
        Path("/proc/self/clear_refs").write_text("5")  # peak memory counts from here
        warned.said.clear()
        start = time.process_time()
        answer = attempt(io, Path(request["path"]), request["out"])
        answer["seconds"] = round(time.process_time() - start, 3)
        answer["warned"] = sorted(warned.said)
        status = Path("/proc/self/status").read_text()
        answer["peak"] = int(status.split("VmHWM:")[1].split()[0]) // 1024
        answers.write(json.dumps(answer) + "\n")


def attempt(io: Any, path: Path, out: str | None) -> Case:
    """Read a case, look at it, perhaps write it: {outcome, message, samples}."""
    import traceback

    stage = "read"
    try:
        recording = io.read(path)
        stage = "look"
        wrong = invalidity(io, recording)
        if wrong:
            return {"outcome": "invalid", "message": wrong}
        samples = samples_of(io, recording)
        if out is None:
            return {"outcome": "read", "message": "", "samples": samples}
        stage = "write"
        io.write(recording, out, stem="a")
        return {"outcome": "read", "message": "written", "samples": samples}
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


def samples_of(io: Any, recording: Any) -> Samples:
    """How many samples each channel has, and their checksum."""
    found: Samples = {}
    for stream in io.streams(recording):
        node = recording[stream].to_dataset()
        for variable in node.data_vars.values():
            if {"channel", "time"} <= set(variable.dims):
                for number, name in enumerate(node.channel.values.tolist()):
                    own = np.ascontiguousarray(variable.isel(channel=number).values, "<f8")
                    found[f"{stream} {name}"] = own.size, zlib.crc32(own.tobytes())
    return found


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


if __name__ == "__main__":
    main()
