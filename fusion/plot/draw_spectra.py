"""Power spectra of a modality before and after, of the parts with and without motion."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurofuse.fusion.plot.style import COLOURS, INK, LABELS, grid, style
from neurofuse.fusion.signal.bands import spectrum, windows
from neurofuse.fusion.views.before_after import View
from neurofuse.io.modality import EEG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEGMENT_SECONDS = {"eeg": 2.0, "nirs": 20.0}  # 0.5 Hz and 0.05 Hz between lines
CHANNELS = 64  # spread evenly over the montage: enough for a median, quick for 300
WITH, WITHOUT, WHOLE = "with motion", "without motion", "whole recording"
MAINS = (50.0, 60.0)  # Hz; both are marked where neither is known
LOWEST = 1e-7  # of the largest power, that is drawn: beneath are rounding and filters


@dataclass(frozen=True)
class Spectra:
    """Median spectra of a modality.

    Attributes
    ----------
    name : str
        Of the modality, in texts.
    unit : str
        Of the samples; power is in its square per Hz.
    frequency : array (frequency)
        [Hz], up to half the sampling rate.
    parts : dict of dict of array (frequency)
        Power of "before", "after" and "truth" in each part of the recording.
    seconds : float
        Length of a segment [s].
    channels : int
        How many the median is of.
    treated : bool
        Whether there is a result.
    """

    name: str
    unit: str
    frequency: np.ndarray
    parts: dict[str, dict[str, np.ndarray]]
    seconds: float
    channels: int
    treated: bool


def spectra(view: View) -> Spectra | None:
    """Welch spectra: median over channels of the mean over half-overlapping Hann segments.

    A segment counts as "with motion" for a channel if any of its samples is in motion there, else
    as "without motion"; segments with missing or lost samples are left out. None if none is whole.

    Examples
    --------
    >>> from neurofuse.fusion.views.before_after import views_of
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> t = np.arange(2500) / 250
    >>> recording = build(eeg_dataset(1e-5 * np.sin(2 * np.pi * 10 * t)[None], 250.0, ["Oz"]))
    >>> result = spectra(views_of(recording)[0])
    >>> float(result.frequency[result.parts["whole recording"]["before"].argmax()])
    10.0
    """
    seconds = SEGMENT_SECONDS[view.stream]
    length = int(min(round(seconds * view.rate), len(view.time)))
    channels = np.flatnonzero(view.used)
    if length < 8 or not channels.size:
        return None
    channels = channels[np.unique(np.linspace(0, len(channels) - 1, CHANNELS).astype(int))]
    kinds = ["before", *["after"] * view.treated, *["truth"] * (view.truth is not None)]
    frequency = np.fft.rfftfreq(length, 1 / view.rate)
    shown = frequency > 0
    mask = view.in_motion
    gathered: dict[str, dict[str, list[np.ndarray]]] = {}
    for index in channels:
        motion = None
        if mask is not None:
            motion = np.any(windows(mask[index], view.rate, seconds), axis=1)
        lost = None
        if view.lost is not None:
            lost = np.any(windows(view.lost[index], view.rate, seconds), axis=1)
        for kind in kinds:
            for series in getattr(view, kind)[index]:
                for part, mean in _means(series, seconds, view.rate, motion, lost):
                    rows = gathered.setdefault(part, {kind: [] for kind in kinds})
                    rows[kind].append(view.modality.plot_scale**2 * mean[shown])
    if not gathered:
        return None
    return Spectra(
        name=view.name,
        unit=view.modality.plot_unit,
        frequency=frequency[shown],
        parts={
            part: {kind: np.median(rows, axis=0) for kind, rows in lines.items() if rows}
            for part, lines in sorted(gathered.items())
        },
        seconds=length / view.rate,
        channels=len(channels),
        treated=view.treated,
    )


def _means(
    values: np.ndarray,
    seconds: float,
    rate: float,
    motion: np.ndarray | None,
    lost: np.ndarray | None,
) -> Iterator[tuple[str, np.ndarray]]:
    """Mean spectrum of the whole segments of a series, by part."""
    whole = np.all(np.isfinite(windows(values, rate, seconds)), axis=1)
    if lost is not None:
        whole &= ~lost
    chosen = {WHOLE: whole}
    if motion is not None:
        chosen = {WITH: whole & motion, WITHOUT: whole & ~motion}
    for part, pick in chosen.items():
        if pick.any():
            yield part, spectrum(values, rate, seconds, pick)[1]


def draw_spectra(results: Mapping[str, Spectra], mains: float = np.nan) -> "Figure":
    """Power spectra before and after, of the parts with and without motion.

    Parameters
    ----------
    results : dict of Spectra
        By modality.
    mains : float
        Frequency [Hz] that is marked in EEG with its multiples; NaN marks 50 and 60 Hz.

    Returns
    -------
    Figure
    """
    columns = max(len(result.parts) for result in results.values())
    with style():
        figure, axes = grid([2.1] * len(results), columns, gap=0.65)
        for row, result in zip(axes, results.values(), strict=True):
            for ax in row[len(result.parts) :]:
                ax.set_visible(False)
            for ax in row[1 : len(result.parts)]:
                ax.sharey(row[0])  # before anything is drawn: the limits then hold all of it
            for ax, part in zip(row, result.parts, strict=False):
                _draw_spectrum(ax, result, part)
                if result.name == EEG.display:
                    _mark_mains(ax, result.frequency[-1], mains)
    return figure


def _draw_spectrum(ax: "Axes", result: Spectra, part: str) -> None:
    frequency, lines = result.frequency, result.parts[part]
    for kind, power in lines.items():
        alone = kind == "before" and not result.treated
        ax.plot(
            frequency,
            power,
            color=COLOURS["after" if alone else kind],
            linewidth=0.9 if kind == "truth" else 1.4,
            linestyle="--" if kind == "after" else "-",
            label=LABELS[kind],
        )
    largest = max(float(np.max(p)) for part in result.parts.values() for p in part.values())
    if largest > 0:  # not of a constant
        ax.set_yscale("log")
        ax.set_ylim(bottom=max(ax.get_ylim()[0], LOWEST * largest))
        ax.yaxis.set_major_formatter(_power_of_ten)
        ax.yaxis.minorticks_off()
    if frequency[-1] >= 10 * frequency[0]:
        set_frequencies(ax)
    ax.set_xlim(frequency[0], frequency[-1])
    ax.grid(True, which="major", alpha=0.25)
    ax.set_xlabel("Frequency [Hz]")
    ax.set_ylabel(f"{result.unit}²/Hz")
    ax.set_title(f"{result.name}: {part}")
    ax.legend(loc="lower left")  # spectra fall


def set_frequencies(ax: "Axes") -> None:
    """A logarithmic axis, so that rhythms and mains have room side by side: 1, 2, 5, 10, … Hz."""
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())


def _mark_mains(ax: "Axes", highest: float, mains: float) -> None:
    """Dotted lines at the mains frequency and its multiples."""
    marks = MAINS if np.isnan(mains) else np.arange(mains, highest, mains)
    for number, frequency in enumerate(f for f in marks if f < highest):
        ax.axvline(frequency, color=INK, linewidth=0.6, linestyle=":")
        text = f"{frequency:g} Hz" if np.isnan(mains) else "mains" if number == 0 else ""
        place = {"transform": ax.get_xaxis_transform(), "rotation": 90, "ha": "right"}
        ax.text(frequency, 0.03, text, fontsize=6.5, va="bottom", **place)


def _power_of_ten(value: float, _position: float) -> str:
    exponent = str(round(np.log10(value))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{exponent}"
