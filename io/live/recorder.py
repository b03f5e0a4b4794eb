"""What came in and what went out, in XDF files that a killed process leaves readable."""

import struct
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from neurofuse.io.errors import WriteError
from neurofuse.io.logs import LOG
from neurofuse.io.xdf.chunks import BOUNDARY, MAGIC

FILE_HEADER, STREAM_HEADER, SAMPLES, OFFSET, BOUND, FOOTER = range(1, 7)  # tags of XDF 1.0
RECEIVED = ""  # ending of the file of what came in
BOUND_EVERY = 2**20  # bytes between marks by which readers find their way in a damaged file
FORMATS = {"float32": "<f4", "double64": "<f8", "float64": "<f8"} | {
    f"int{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)
}


class XdfWriter:
    """An XDF file that grows by whole chunks, each written at once.

    Parameters
    ----------
    path : Path
        The file to make.
    overwrite : bool
        Whether one that is there may be replaced.

    Raises
    ------
    WriteError
        If it is there already, or cannot be made.
    """

    def __init__(self, path: Path, *, overwrite: bool = False):
        self.path = path
        try:
            self._file = path.open("wb" if overwrite else "xb", buffering=0)
        except FileExistsError as error:
            raise WriteError(f"{path} already", "a new file", "add --overwrite") from error
        except OSError as error:
            raise WriteError(f"{path}: {error.strerror}", "a file that can be made", "choose "
                             "another place (--record)") from error  # fmt: skip
        self._types: list[np.dtype] = []
        self._counts: list[int] = []
        self._spans: list[tuple[float, float] | None] = []
        self._since_bound = 0
        self._file.write(MAGIC)
        date = datetime.now().astimezone().isoformat(timespec="seconds")
        header = f"<info><version>1.0</version><datetime>{date}</datetime></info>"
        self._chunk(FILE_HEADER, header.encode())

    def add(self, header: str) -> int:
        """A stream with this header (XML); returns its number."""
        info = ElementTree.fromstring(header)
        width = int(float(info.findtext("channel_count") or 0))
        form = FORMATS[info.findtext("channel_format") or "float32"]
        self._types.append(np.dtype([("size", "u1"), ("stamp", "<f8"), ("values", form, (width,))]))
        self._counts.append(0)
        self._spans.append(None)
        number = len(self._types)
        self._chunk(STREAM_HEADER, struct.pack("<I", number) + header.encode())
        return number

    def samples(self, number: int, values: np.ndarray, stamps: np.ndarray) -> None:
        """Samples (time, channel) of a stream with their stamps [s]."""
        if not len(stamps):
            return
        rows = np.empty(len(stamps), self._types[number - 1])
        rows["size"], rows["stamp"], rows["values"] = 8, stamps, values
        head = struct.pack("<IBI", number, 4, len(stamps))
        self._chunk(SAMPLES, head + rows.tobytes())
        self._counts[number - 1] += len(stamps)
        span = self._spans[number - 1]
        self._spans[number - 1] = (span[0] if span else float(stamps[0]), float(stamps[-1]))

    def offset(self, number: int, at: float, seconds: float) -> None:
        """What is to be added to a stream's stamps [s], measured at a time of our clock [s]."""
        sender_time = at - seconds  # as other recorders of LSL write it
        self._chunk(OFFSET, struct.pack("<Idd", number, sender_time, seconds))

    def close(self) -> None:
        """End the file; what was written before is whole without this, too."""
        for number, (count, span) in enumerate(zip(self._counts, self._spans, strict=True), 1):
            first, last = span or (0.0, 0.0)
            text = (
                f"<info><first_timestamp>{first!r}</first_timestamp><last_timestamp>{last!r}"
                f"</last_timestamp><sample_count>{count}</sample_count></info>"
            )
            self._chunk(FOOTER, struct.pack("<I", number) + text.encode())
        self._file.close()

    def _chunk(self, tag: int, content: bytes) -> None:
        chunk = struct.pack("<BIH", 4, len(content) + 2, tag) + content
        if self._since_bound > BOUND_EVERY and tag != FOOTER:
            chunk += struct.pack("<BIH", 4, len(BOUNDARY) + 2, BOUND) + BOUNDARY
            self._since_bound = 0
        self._file.write(chunk)
        self._since_bound += len(chunk)


class Recorder:
    """The files of one session: FILE.xdf as received, FILE_cleaned.xdf as sent, and others.

    A full disk ends the recording with a warning, not the cleaning.

    Parameters
    ----------
    path : Path
        The first file.
    received : mapping of name to header (XML)
        The streams of the first file.
    made : mapping of ending to mapping of name to header (XML)
        The streams of further files, FILE_ENDING.xdf.
    overwrite : bool

    Raises
    ------
    WriteError
        If a file is there already, or cannot be made.
    """

    def __init__(
        self,
        path: Path,
        received: Mapping[str, str],
        made: Mapping[str, Mapping[str, str]],
        *,
        overwrite: bool = False,
    ):
        path = Path(path).with_suffix(".xdf")
        streams = {RECEIVED: received, **made}
        self.paths: dict[str, Path] = {
            ending: path.with_name(f"{path.stem}_{ending}.xdf") if ending else path
            for ending in streams
        }
        for one in self.paths.values():  # none is touched if one is there
            if one.exists() and not overwrite:
                raise WriteError(f"{one} already", "a new file", "add --overwrite")
        self._writers = {
            ending: XdfWriter(one, overwrite=overwrite) for ending, one in self.paths.items()
        }
        self._numbers = {
            (ending, name): self._writers[ending].add(header)
            for ending, headers in streams.items()
            for name, header in headers.items()
        }
        self.failed = ""

    def write(
        self, name: str, values: np.ndarray, stamps: np.ndarray, ending: str = RECEIVED
    ) -> None:
        """Samples (time, column) of a stream with their stamps [s], those of its sender."""
        if self.failed:
            return
        try:
            self._writers[ending].samples(self._numbers[ending, name], values, stamps)
        except OSError as error:
            self._fail(error)

    def offset(self, name: str, at: float, seconds: float) -> None:
        """How far this computer's clock is ahead of the sender's [s], measured at `at` [s]."""
        if self.failed:
            return
        try:
            self._writers[RECEIVED].offset(self._numbers[RECEIVED, name], at, seconds)
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """End the files."""
        for writer in self._writers.values():
            try:
                writer.close()
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        if not self.failed:
            self.failed = f"recording stopped: {error.strerror}"
            path = self.paths[RECEIVED]
            LOG.warning("%s: %s; what was recorded before is kept", path, self.failed)
