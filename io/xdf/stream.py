"""The streams of an XDF file and what their headers hold: kind, channels, units, optodes."""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG, reading
from neurofuse.io.xdf.chunks import WANTED, whole_length

# what stream types, names and labels are searched for, in this order
KINDS = {
    "markers": r"marker|event|trigger|stim|annotation",
    "other": r"impedance|quality|contact|battery",  # of EEG, but no EEG
    "eeg": r"\beeg\b",
    "nirs": r"f?nirs\b|\boptic|\boptode",
}
# types that are neither, whatever the stream is called (github.com/sccn/xdf/wiki/Meta-Data)
OTHER_TYPES = (
    r"^(acc\w*|gyro\w*|magnet\w*|imu|motion|mocap|gaze|eye ?tracking|audio|video\w*|hr|heart ?rate"
    r"|gsr|eda|ppg|resp\w*|temperature|telemetry|diagnostics|band ?power|fft|psd|metrics|control"
    r"|mask)$"
)
LEAST_FILLED = 0.5  # of the samples that the announced rate promises; markers fill far less


@dataclass(frozen=True)
class Stream:
    """One stream: samples, stamps on the recorder's clock, and its header.

    Parameters
    ----------
    name, type, host : str
        As the sender called itself.
    nominal : float
        Announced rate [Hz], 0 for none.
    stamps : array (sample,)
        Times [s], corrected by the clock offsets.
    values : array (sample, channel) or list of lists of str
    offsets : int
        Clock offsets that were measured.
    channels : list of dict
        What the header says of each channel: "label", "unit", "type", "source" …; may be empty.
    optodes : dict
        Position [m] by optode label.
    source : str
        What the sender calls its device ("source_id"), "" for nothing.
    """

    name: str
    type: str
    host: str
    nominal: float
    stamps: np.ndarray
    values: Any
    offsets: int
    channels: list[dict[str, str]]
    optodes: dict[str, np.ndarray] = field(default_factory=dict)
    source: str = ""

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.stamps)

    @property
    def text(self) -> bool:
        """Whether the samples are text, as those of most markers."""
        return not isinstance(self.values, np.ndarray)

    @property
    def width(self) -> int:
        """Number of channels."""
        return len(self.values[0]) if self.text and self.count else np.shape(self.values)[-1]

    @property
    def title(self) -> str:
        """What the stream holds, for messages and files: names may be those of persons or devices.

        Its type, else its kind.
        """
        return self.type or {"eeg": "EEG", "nirs": "NIRS", "other": "sensor"}.get(
            self.kind, self.kind
        )

    @property
    def labels(self) -> list[str]:
        """A name for each channel: the header's, or the stream's type with a number."""
        labels = [self.field_of("label", i) or f"{self.title} {i + 1}" for i in range(self.width)]
        if len(set(labels)) < len(labels):
            labels = [f"{label} {i + 1}" for i, label in enumerate(labels)]
        return labels

    def field_of(self, what: str, channel: int) -> str:
        """A field of a channel's header, "" where it is missing."""
        return self.channels[channel].get(what, "") if channel < len(self.channels) else ""

    @property
    def sparse(self) -> bool:
        """Whether samples come one at a time, as markers do, whatever rate is announced."""
        span = float(self.stamps[-1] - self.stamps[0]) if self.count > 1 else 0.0
        return self.count < LEAST_FILLED * self.nominal * span or self.nominal == 0 or not span

    @property
    def line(self) -> bool:
        """Whether type or name say that these even samples are a line of triggers."""
        names = (self.type, self.name) if self.type else (self.name,)
        return any(re.search(KINDS["markers"], text, re.I) for text in names) and not self.sparse

    @property
    def kind(self) -> str:
        """ "eeg", "nirs", "markers" or "other": by type, else channel types, name, labels."""
        if self.text:
            return "markers"
        if re.search(OTHER_TYPES, re.sub(r"[_\-.]+", " ", self.type.lower())):
            return "other"
        for texts in (
            [self.type],
            [self.field_of("type", i) for i in range(len(self.channels))],
            [self.name],
            [self.field_of("label", i) for i in range(len(self.channels))],
        ):
            plain = [re.sub(r"[_\-.]+", " ", text.lower()) for text in texts]
            for kind, pattern in KINDS.items():
                hits = sum(bool(re.search(pattern, text)) for text in plain)
                if hits > len(plain) / 2 and (kind != "markers" or self.sparse):
                    return kind
        return "other"


def load_streams(path: str | Path) -> tuple[list[Stream], str]:
    """All streams of an XDF file, and the date of the file as its header has it ("" for none).

    Stamps are on the recorder's clock (pyxdf's synchronised stamps) and as they came: not evened.

    Raises
    ------
    ReadError
        If the file is damaged. One that is cut off at its end is read up to there, with a warning.
    """
    import pyxdf

    whole, size = whole_length(path), Path(path).stat().st_size
    with reading(path, WANTED), _complaints(path):
        try:
            source: Any = str(path)
            if whole < size:
                LOG.warning(
                    "%s is cut off: read up to byte %d of %d, its last whole chunk",
                    path,
                    whole,
                    size,
                )
                with Path(path).open("rb") as file:
                    source = io.BytesIO(file.read(whole))
            loaded, header = pyxdf.load_xdf(source, dejitter_timestamps=False)
        except MemoryError as error:
            raise ReadError(
                f"{path}, whose headers ask for more memory than there is", WANTED, "copy it again"
            ) from error
        date = ((header or {}).get("info") or {}).get("datetime") or [""]
        streams = _reunited([stream_from_header(item) for item in loaded], path)
        return _named_apart(streams), str(date[0] or "")


def _reunited(streams: list[Stream], path: str | Path) -> list[Stream]:
    """Streams of one device that was connected anew are one, if they follow each other."""
    made: list[Stream] = []
    for stream in streams:
        known = next((i for i, other in enumerate(made) if _restarted(other, stream)), None)
        if known is None:
            made.append(stream)
            continue
        first, second = sorted((made[known], stream), key=lambda part: part.stamps[0])
        values = (
            [*first.values, *second.values]
            if first.text
            else np.concatenate([first.values, second.values])
        )
        LOG.warning(
            "%s: stream %s was interrupted for %.3g s: its two parts are read as one",
            path,
            stream.title,
            second.stamps[0] - first.stamps[-1],
        )
        made[known] = replace(
            first,
            stamps=np.concatenate([first.stamps, second.stamps]),
            values=values,
            offsets=first.offsets + second.offsets,
        )
    return made


def _restarted(one: Stream, other: Stream) -> bool:
    """Whether two streams are the same device's, one after the other."""
    if not one.source or not one.count or not other.count:
        return False
    same = all(
        getattr(one, what) == getattr(other, what)
        for what in ("source", "name", "type", "nominal", "channels", "text", "width")
    )
    return same and (one.stamps[-1] < other.stamps[0] or other.stamps[-1] < one.stamps[0])


def _named_apart(streams: list[Stream]) -> list[Stream]:
    """Streams of one name get a number."""
    names = [stream.name for stream in streams]
    return [
        stream if names.count(stream.name) == 1 else replace(stream, name=f"{stream.name} {i + 1}")
        for i, stream in enumerate(streams)
    ]


def stream_from_header(item: dict) -> Stream:
    """The Stream of one item of pyxdf's: `info`, `time_series`, `time_stamps`, `clock_times`."""
    info = item["info"]
    description = _first(info.get("desc"))
    channels = [
        {tag: _text(value) for tag, value in channel.items()}
        for channel in _children(description, "channels", "channel")
    ]
    return Stream(
        name=_text(info.get("name")) or f"stream {info['stream_id']}",
        type=_text(info.get("type")),
        host=_text(info.get("hostname")),
        nominal=float(_text(info.get("nominal_srate")) or 0),
        stamps=np.asarray(item["time_stamps"], float),
        values=item["time_series"],
        offsets=len(item["clock_times"]),
        channels=channels,
        optodes=_optodes(description),
        source=_text(info.get("source_id")),
    )


def _optodes(description: dict) -> dict[str, np.ndarray]:
    """Positions by label; the metadata convention of XDF says millimetres."""
    positions = {}
    for optode in _children(description, "optodes", "optode"):
        place = _first(optode.get("location"))
        try:
            at = [float(_text(place.get(axis)) or (0 if axis == "Z" else "nan")) for axis in "XYZ"]
        except ValueError:
            continue
        label = _text(optode.get("label"))
        if label and np.isfinite(at).all():
            positions[label] = np.array(at) / 1e3
    return positions


def _children(node: dict, group: str, tag: str) -> list[dict]:
    """The elements `tag` in all elements `group`, each as a dict."""
    groups = [g for g in node.get(group) or [] if hasattr(g, "get")]
    return [c for g in groups for c in g.get(tag) or [] if hasattr(c, "get")]


def _first(values: Any) -> dict:
    """pyxdf keeps each element as a list: its first entry, if that has children."""
    first = values[0] if isinstance(values, list) and values else None
    return first if isinstance(first, dict) else {}


def _text(values: Any) -> str:
    first = values[0] if isinstance(values, list) and values else values
    return first.strip() if isinstance(first, str) else ""


class _Keeper(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, level: int):
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)


@contextmanager
def _complaints(path: str | Path) -> Iterator[None]:
    """pyxdf only logs damage: its errors become a ReadError, its warnings ours."""
    handler = _Keeper(logging.WARNING)
    logger = logging.getLogger("pyxdf.pyxdf")
    passed, level = logger.propagate, logger.level
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = passed
        logger.setLevel(level)
    for record in handler.records:
        message = " ".join(record.getMessage().split())
        if record.levelno >= logging.ERROR:
            raise ReadError(f"{path}, damaged ({message})", WANTED, "copy the recording again")
        if "Segments and clock-segments" not in message:  # its own bookkeeping
            LOG.warning("%s: %s", path, message)
