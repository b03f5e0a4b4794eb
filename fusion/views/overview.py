"""A Recording at a glance: what a notebook shows instead of the whole tree."""

from collections import Counter
from dataclasses import dataclass
from html import escape
from itertools import groupby

import xarray as xr

from neurofuse.fusion.views.facts import motion_fraction
from neurofuse.fusion.views.phrases import duration_text, percent
from neurofuse.io.clock.dates import real_date
from neurofuse.io.clock_model import UNKNOWN, ClockModel
from neurofuse.io.lazy import is_lazy
from neurofuse.io.modality import MODALITIES, NIRS
from neurofuse.io.recording import check, provenance, stream_dataset, streams

MOST = 8  # names or kinds that are listed
HEAD = ("stream", "channels", "rate", "duration", "bad", "motion", "clock")


@dataclass(frozen=True)
class Overview:
    """What `neurofuse.summary` returns: text in a terminal, a table in a notebook.

    Attributes
    ----------
    rows : list of tuple of str
        One row for each modality and sensor.
    lines : list of str
        Events, processing steps and date of the whole recording.
    head : tuple of str
        The columns' headings.
    """

    rows: list[tuple[str, ...]]
    lines: list[str]
    head: tuple[str, ...] = HEAD

    def __repr__(self) -> str:
        table = [self.head, *self.rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        text = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) for r in table]
        return "\n".join([*(line.rstrip() for line in text), *self.lines])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.head)
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self.rows
        )
        lines = "".join(f"<div>{escape(line)}</div>" for line in self.lines)
        return f"<div><table><tr>{head}</tr>{rows}</table>{lines}</div>"


def summary(recording: xr.DataTree) -> Overview:
    """A Recording at a glance: modalities, rates, duration, bad channels, motion, clock, events.

    Motion is the fraction of the time in which the motion mask (`gate`) is above 0.5, or, without
    one, in which motion was injected; the mean over channels. Samples are not read.

    Parameters
    ----------
    recording : Recording
        As of `neurofuse.read`, `neurofuse.simulate` or `neurofuse.clean`.

    Returns
    -------
    Overview
        Text when printed, an HTML table in a notebook.

    Raises
    ------
    SchemaError
        If it is no Recording.

    Examples
    --------
    >>> import numpy as np
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> print(summary(build(eeg_dataset(np.zeros((2, 500)), 250.0, ["C3", "C4"]))))
    stream  channels  rate    duration  bad   motion  clock
    EEG     2         250 Hz  2 s       none  –       defines the time
    events: none
    done so far: nothing
    """
    check(recording)
    rows = [_stream(recording, stream) for stream in streams(recording)]
    if "aux" in recording.children:
        rows += [_sensor(name, node.to_dataset()) for name, node in recording["aux"].items()]
    lines = []
    if "events" in recording.children:
        kinds = Counter(map(str, stream_dataset(recording, "events").description.values))
        lines.append(f"events: {_listed([f'{n} × “{kind}”' for kind, n in kinds.most_common()])}")
    # each of two files that were joined has been read
    steps = [name for name, _ in groupby(str(s.get("step", "?")) for s in provenance(recording))]
    lines.append(f"done so far: {', '.join(steps) or 'nothing'}")
    if real_date(recording.attrs.get("measured_at", "")):  # formats put dummies in
        lines.append(f"measured at {recording.attrs['measured_at']}")
    return Overview(rows, lines)


def _stream(recording: xr.DataTree, stream: str) -> tuple[str, ...]:
    node = stream_dataset(recording, stream)
    channels = str(node.sizes["channel"])
    if stream == NIRS.name:
        waves = ", ".join(f"{w:g}" for w in node.wavelength.values)
        variable = "optical density" if "od" in node else "intensity"
        channels += f" at {waves} nm, {variable}"
        if int(node.short.sum()):
            channels += f", {int(node.short.sum())} short"
    elif (others := int((node.ch_type != "eeg").sum())) > 0:
        channels += f", {others} not EEG"
    if any(is_lazy(variable) for variable in node.data_vars.values()):
        channels += ", in its file"
    bad = node.channel.values[node.bad.values].astype(str).tolist()
    return (
        MODALITIES[stream].display,
        channels,
        f"{node.attrs['rate']:g} Hz",
        duration_text(node.sizes["time"] / node.attrs["rate"]),
        _listed(bad),
        _motion(node),
        _clock(recording, stream),
    )


def _sensor(name: str, node: xr.Dataset) -> tuple[str, ...]:
    count = str(node.sizes.get("channel", len(node.data_vars)))
    rate = float(node.attrs.get("rate", 0))
    known = rate > 0 and "time" in node.sizes
    length = duration_text(node.sizes["time"] / rate) if known else "–"
    return (str(name), count, f"{rate:g} Hz" if known else "–", length, "–", "–", "–")


def _motion(node: xr.Dataset) -> str:
    fraction, name = motion_fraction(node)
    if fraction is None:
        return "–"
    return f"{percent(fraction)} {'detected' if name == 'gate' else 'injected'}"


def _clock(recording: xr.DataTree, stream: str) -> str:
    if "clock" not in recording.children:
        return "–"
    node = stream_dataset(recording, "clock")
    if stream not in node.stream.values:
        return "–"
    row = node.sel(stream=stream)
    method = str(row.method.item())
    if method == "own":
        return "defines the time"
    return str(
        ClockModel(
            float(row.offset),
            float(row.drift),
            float(row.residual),
            int(row.anchors),
            method,
            _bounds(row, "offset_interval"),
            _bounds(row, "drift_interval"),
        )
    )


def _bounds(row: xr.Dataset, name: str) -> tuple[float, float]:
    if name not in row:  # stores of an older version
        return UNKNOWN
    low, high = map(float, row[name].values)
    return low, high


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - MOST} more" if len(words) > MOST else ""
    return ", ".join(words[:MOST]) + more if words else "none"
