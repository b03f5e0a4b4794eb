"""What cleaning did to a recording, in numbers and in sentences made from them."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import xarray as xr

from neurofuse.fusion.views.before_after import View, amplitude, bouts, kept, untouched
from neurofuse.io.recording import GATE_OPEN, duration

PACKAGES = ("neurofuse", "mne", "mne-nirs", "torch", "numpy", "scipy", "xarray")


@dataclass(frozen=True)
class Summary:
    """Figures of one stream; amplitudes in µV (EEG) or OD per sample (fNIRS), NaN if unknown."""

    moved: float | None
    intervals: int
    kept: float
    identical: float
    in_movement: tuple[float, float]
    elsewhere: tuple[float, float]
    error: tuple[float, float] | None


def summarize(view: View) -> Summary:
    """Measure one stream.

    Examples
    --------
    >>> from neurofuse.fusion.views.before_after import views
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.ones((2, 500)), 250.0, ["C3", "C4"]))
    >>> summarize(views(recording, recording)[0]).kept
    1.0
    """
    moving = view.moving
    factor = 1e6 if view.stream == "eeg" else 1.0

    def pair(where: np.ndarray | None, suffix: str = "") -> tuple[float, float]:
        return (
            factor * amplitude(view, "before" + suffix, where),
            factor * amplitude(view, "after" + suffix, where),
        )

    anywhere = view.moving_anywhere
    return Summary(
        moved=None if anywhere is None else float(anywhere.sum() / view.rate),
        intervals=0 if anywhere is None else len(bouts(anywhere, view.time, view.rate)),
        kept=kept(view),
        identical=float(view.identical.mean()),
        in_movement=(np.nan, np.nan) if moving is None else pair(moving),
        elsewhere=pair(None if moving is None else ~moving),
        error=None if view.truth is None else pair(moving, "-truth"),
    )


def clock_time(seconds: float) -> str:
    """Seconds as people say them.

    Examples
    --------
    >>> clock_time(75.5), clock_time(3720)
    ('1 min 15.5 s', '1 h 2 min 0 s')
    """
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(hours or minutes)
    return " ".join([*parts, f"{tenths / 10:g} s"])


def percent(share: float) -> str:
    """A share in percent that says 100 % or 0 % only if it is that.

    Examples
    --------
    >>> percent(1), percent(0.99999), percent(0.5)
    ('100 %', '> 99.9 %', '50.0 %')
    """
    if share in (0, 1):
        return f"{share * 100:.0f} %"
    if share > 0.999:
        return "> 99.9 %"
    return "< 0.1 %" if share < 0.001 else f"{share * 100:.1f} %"


def listed(words: list[str]) -> str:
    """Words joined as in a sentence."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def contents(view: View) -> str:
    """A stream in a few words: "EEG (32 channels, 250 Hz)"."""
    count = len(view.channel)
    size = f"{count} channel{'s' * (count != 1)}"
    if view.wavelength:
        size += f" at {listed([f'{w:g}' for w in view.wavelength])} nm"
    return f"{view.name} ({size}, {view.rate:g} Hz)"


def headline(recording: xr.DataTree, found: list[View], measured: list[Summary]) -> list[str]:
    """Sentences that tell what was there, what moved, what was changed and what was left."""
    lines = [
        f"The recording lasts {clock_time(duration(recording))} and holds "
        f"{listed([contents(v) for v in found])}."
    ]
    if all(v.treated and untouched(v) for v in found):
        lines.append("Nothing was changed: every sample of every stream came back bit for bit.")
    else:
        lines += [_changed(v, s) for v, s in zip(found, measured, strict=True)]
    lines += [_bads(v) for v in found]
    return lines


def _moved(view: View, summary: Summary) -> str:
    if summary.moved is None:
        return "no gate came with the result, so where movement was seen is not known"
    if view.gate is not None:
        what = f"the gate was open (above {GATE_OPEN} on at least one channel)"
    else:
        what = "movement was injected (on at least one channel)"
    if not summary.moved:
        return what.replace("was", "was never", 1)
    count = f"{summary.intervals} interval{'s' * (summary.intervals != 1)}"
    share = percent(summary.moved / view.seconds)
    return f"{what} for {summary.moved:.1f} s ({share} of its time, {count})"


def _changed(view: View, summary: Summary) -> str:
    if not view.treated:
        return f"{view.name}: the result does not hold this stream; it is shown as recorded."
    moved = _moved(view, summary)
    if untouched(view):
        return f"{view.name}: nothing was changed, every sample came back bit for bit; {moved}."
    if view.stream == "eeg":
        left = f"{percent(summary.kept)} of the samples came back bit for bit"
        size, unit = "RMS amplitude", "µV"
    else:
        left = f"{percent(summary.kept)} of the steps between samples came back unchanged"
        size, unit = "RMS step between samples", "OD"
    text = f"{view.name}: {moved}; {left}."
    inside, outside = summary.in_movement, summary.elsewhere
    changes = [
        f"{where} {_number(a)} → {_number(b)} {unit}"
        for where, (a, b) in (("in movement", inside), ("elsewhere", outside))
        if np.isfinite(a) and np.isfinite(b)
    ]
    if summary.moved is None:
        changes = [c.removeprefix("elsewhere ") for c in changes]
    if changes:
        text += f" {size}, before → after: {'; '.join(changes)}."
    return text


def _number(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{value:.3g}"


def _bads(view: View) -> str:
    names = [n for n, bad in zip(view.channel, view.bad, strict=True) if bad]
    if not names:
        return f"No {view.name} channel is marked bad."
    text = f"Bad {view.name} channel{'s' * (len(names) != 1)}: {', '.join(names)}"
    if not view.treated:
        return text + "."
    same = bool((view.identical[view.bad] == 1).all())
    return f"{text} ({'passed through unchanged' if same else 'changed all the same'})."


def rows(found: list[View], measured: list[Summary]) -> list[list[str]]:
    """The figures as a table: one row a figure, one column a stream."""

    def pairs(values):
        if values is None or not np.isfinite(values).any():
            return "–"
        return f"{_number(values[0])} → {_number(values[1])}"

    def mean_open(view: View) -> str:
        moving = view.moving
        return "–" if moving is None or not view.used.any() else percent(moving[view.used].mean())

    masked = any(s.moved is not None for s in measured)
    where = " in movement" if masked else ""
    table = [
        ["Duration", *(clock_time(v.seconds) for v in found)],
        ["Channels (used / bad)", *(f"{v.used.sum()} / {v.bad.sum()}" for v in found)],
    ]
    if masked:
        moved = ["–" if s.moved is None else f"{s.moved:.1f} s" for s in measured]
        table.append(["Time with movement on some channel", *moved])
        table.append(["Time with movement, mean over used channels", *map(mean_open, found)])
    results = [
        ["Unchanged (EEG samples; fNIRS steps, to 1e-6 OD)", *(percent(s.kept) for s in measured)],
        ["Stored samples identical bit for bit", *(percent(s.identical) for s in measured)],
    ]
    if masked:
        pair = [pairs(s.in_movement) for s in measured]
        results.append(["RMS in movement, before → after ¹", *pair])
    name = "RMS elsewhere, before → after ¹" if masked else "RMS, before → after ¹"
    results.append([name, *(pairs(s.elsewhere) for s in measured)])
    if any(s.error is not None for s in measured):
        name = f"RMS distance from the truth{where}, before → after ¹"
        results.append([name, *(pairs(s.error) for s in measured)])
    for name, *cells in results:
        shown = [c if v.treated else "–" for c, v in zip(cells, found, strict=True)]
        table.append([name, *shown])
    return table


def versions() -> list[tuple[str, str]]:
    """Names and versions of what the result depends on, as installed."""
    installed = []
    for name in PACKAGES:
        try:
            installed.append((name, version(name)))
        except PackageNotFoundError:  # a stripped installation may lack optional parts
            continue
    return [*installed, ("Python", platform.python_version())]
