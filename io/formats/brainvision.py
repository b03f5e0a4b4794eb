"""A Raw → the three files of BrainVision, block by block: header, markers, samples."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io import lazy

if TYPE_CHECKING:
    import mne

TYPES = ("Stimulus", "Response", "Comment", "New Segment", "SyncStatus", "Time 0", "Event", "Optic")


def write_brainvision(raw: "mne.io.BaseRaw", path: str | Path) -> None:
    """Write an EEG Raw as BrainVision 1.0: `path` (.vhdr) with .vmrk and .eeg beside it.

    Samples are 32-bit floats: uV for channels in volts, as they are for others (unit "n/a", which
    MNE reads as type misc). Any rate, any length, names in UTF-8. Annotations become markers at
    the nearest sample, one for each channel that they name; "Stimulus/S  1" is a marker of that
    type, any other text a comment, which MNE reads back as "Comment/…".

    Parameters
    ----------
    raw : mne.io.Raw
        Read in blocks of a minute.
    path : path
        Ends in .vhdr; existing files are replaced.

    Examples
    --------
    >>> import tempfile
    >>> import mne
    >>> info = mne.create_info(["Cz"], 99.5, "eeg")
    >>> raw = mne.io.RawArray(np.full((1, 50), 1e-6), info, verbose="error")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_brainvision(raw, f"{folder}/a.vhdr")
    ...     again = mne.io.read_raw_brainvision(f"{folder}/a.vhdr", verbose="error")
    >>> round(again.info["sfreq"], 9)
    99.5
    """
    path = Path(path)
    volts = np.array([in_volts(channel) for channel in raw.info["chs"]])
    path.write_text(_header(raw, path, volts), encoding="utf-8")
    path.with_suffix(".vmrk").write_text(_markers(raw, path), encoding="utf-8")
    scale = np.where(volts, 1e6, 1.0)[:, None]
    step = max(round(lazy.BLOCK * raw.info["sfreq"]), 1)
    with path.with_suffix(".eeg").open("wb") as file:
        for first in range(0, raw.n_times, step):
            block = raw.get_data(start=first, stop=min(first + step, raw.n_times))
            file.write((np.asarray(block) * scale).T.astype("<f4").tobytes())


def _header(raw: "mne.io.BaseRaw", path: Path, volts: np.ndarray) -> str:
    lines = [
        "Brain Vision Data Exchange Header File Version 1.0",
        "; Written by neurofuse",
        "",
        "[Common Infos]",
        "Codepage=UTF-8",
        f"DataFile={path.with_suffix('.eeg').name}",
        f"MarkerFile={path.with_suffix('.vmrk').name}",
        "DataFormat=BINARY",
        "DataOrientation=MULTIPLEXED",
        f"DataPoints={raw.n_times}",
        f"NumberOfChannels={len(raw.ch_names)}",
        "; microseconds",
        f"SamplingInterval={1e6 / raw.info['sfreq']!r}",
        "",
        "[Binary Infos]",
        "BinaryFormat=IEEE_FLOAT_32",
        "",
        "[Channel Infos]",
        r"; Ch<number>=<name>,<reference>,<resolution>,<unit>; a comma in a name is \1",
    ]
    for number, (name, volt) in enumerate(zip(raw.ch_names, volts, strict=True), 1):
        lines.append(f"Ch{number}={_field(name)},,1,{'µV' if volt else 'n/a'}")
    return "\n".join([*lines, ""])


def _markers(raw: "mne.io.BaseRaw", path: Path) -> str:
    lines = [
        "Brain Vision Data Exchange Marker File, Version 1.0",
        "",
        "[Common Infos]",
        "Codepage=UTF-8",
        f"DataFile={path.with_suffix('.eeg').name}",
        "",
        "[Marker Infos]",
        r"; Mk<number>=<type>,<text>,<sample, from 1>,<samples>,<channel, 0: all>,<date>",
    ]
    marks, rate = raw.annotations, raw.info["sfreq"]
    date = raw.info["meas_date"]
    markers = []
    if date is not None:
        date += timedelta(seconds=float(raw.first_time))
        markers.append(f"New Segment,,1,1,0,{date:%Y%m%d%H%M%S%f}")
    for onset, duration, text, names in zip(
        marks.onset, marks.duration, marks.description, marks.ch_names, strict=True
    ):
        kind, _, rest = str(text).partition("/")
        kind, rest = (kind, rest) if kind in TYPES and rest else ("Comment", str(text))
        at = min(round(float(onset - raw.first_time) * rate), raw.n_times - 1)
        if str(text) == "New Segment/" and at == 0 and markers:
            continue  # the one with the date
        if str(text) == "New Segment/":
            kind, rest = "New Segment", ""
        rows = [raw.ch_names.index(name) + 1 for name in names or ()] or [0]
        markers += [
            f"{_field(kind)},{_field(rest)},{at + 1},{round(duration * rate)},{row}" for row in rows
        ]
    return "\n".join([*lines, *(f"Mk{i}={text}" for i, text in enumerate(markers, 1)), ""])


def in_volts(channel: dict[str, Any]) -> bool:
    """Whether a channel of an `mne.Info` is in volts."""
    from mne._fiff.constants import FIFF

    return int(channel["unit"]) == FIFF.FIFF_UNIT_V


def _field(text: str) -> str:
    return " ".join(text.replace(",", r"\1").splitlines())
