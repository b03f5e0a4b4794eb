"""Carpets (channels × time) and spectra of a Recording before and after cleaning.

Each function takes the views of `neurofuse.fusion.views.before_after.views` and returns a matplotlib Figure.
"""

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.draw_traces import envelope
from neurofuse.fusion.plot.style import AFTER, BEFORE, GATE, INK, TRUTH, UNITS, grid, label, style
from neurofuse.fusion.views.before_after import View, carpet, change


def draw_carpets(found: list[View]):
    """Channels × time: how far the gate was open, and how much was changed.

    Returns
    -------
    matplotlib.figure.Figure
    """
    gated = any(v.gate is not None for v in found)
    sizes = [min(3.2, max(0.7, 0.11 * len(v.channel))) for v in found]
    minutes = max(v.seconds for v in found) > 600
    scale = 60 if minutes else 1
    with style():
        figure, axes = grid(sizes, 1 + gated, gap=0.38, bar=0.2)
        for row, view in zip(axes, found, strict=True):
            unit, factor = UNITS[view.stream]
            if view.gate is not None:
                gate = view.gate
                image = carpet(view, lambda i, gate=gate: np.nan_to_num(gate[i]))
                _draw_carpet(figure, row[0], view, image, 1.0, GATE, scale, f"{view.name}: gate")
            elif gated:
                row[0].set_axis_off()
                row[0].set_title(f"{view.name}: no gate")
            size = carpet(view, lambda i, view=view: change(view, i)) * factor
            positive = size[size > 0]
            top = float(np.percentile(positive, 98)) if positive.size else 1.0
            what = "|after − before|" if view.stream == "eeg" else "|changed step|"
            title = f"{view.name}: {what} [{unit}{'/sample' if view.stream == 'nirs' else ''}]"
            _draw_carpet(figure, row[-1], view, size, top, AFTER, scale, title)
        start = min(v.time[0] for v in found)
        stop = max(v.time[-1] + 1 / v.rate for v in found)
        for row in axes:
            for ax in row:
                ax.set_xlim(start / scale, stop / scale)
                ax.tick_params(labelbottom=row is axes[-1])
        for ax in axes[-1]:
            ax.set_xlabel("Time [min]" if minutes else "Time [s]")
    return figure


def draw_before_after(found: list[View], variance: list[xr.DataArray]):
    """Channels × time before and after cleaning on one scale, below GVTD of both.

    Parameters
    ----------
    found : list of View
        Streams, from `views`; those without an `after` have one panel.
    variance : list of DataArray
        `neurofuse.io.optics.gvtd.global_variance` before and after; empty without fNIRS.

    Returns
    -------
    matplotlib.figure.Figure
    """
    heights = [0.8] * bool(variance)
    heights += [min(3.2, max(0.7, 0.11 * len(v.channel))) for v in found]
    start = min(v.time[0] for v in found)
    stop = max(v.time[-1] + 1 / v.rate for v in found)
    minutes = stop - start > 600
    scale = 60 if minutes else 1
    with style():
        figure, axes = grid(heights, 2, gap=0.38, bar=0.2)
        if variance:
            top = max((float(np.nanmax(v, initial=0.0)) for v in variance), default=0.0) or 1.0
            named = zip(axes[0], ("before", "after"), variance, strict=False)
            for ax, which, course in named:
                time, values = envelope(course.time.values / scale, course.values)
                colour = BEFORE if which == "before" else AFTER
                ax.plot(time, values, color=colour, linewidth=0.8)
                ax.axhline(course.threshold, color=INK, linewidth=0.6, linestyle=":")
                ax.set_ylim(0, 1.05 * top)
                ax.set_title(f"fNIRS: GVTD {which} [OD/sample]")
            for ax in axes[0][len(variance) :]:
                ax.set_axis_off()
        for row, view in zip(axes[bool(variance) :], found, strict=True):
            unit, factor = UNITS[view.stream]
            steps = view.stream == "nirs"
            what = f"|step| [{unit}/sample]" if steps else f"|value − median| [{unit}]"
            images = {
                which: factor * carpet(view, lambda i, w=which, v=view: deviation(v, w, i))
                for which in (("before", "after") if view.treated else ("before",))
            }
            used = images["before"][view.used] if view.used.any() else images["before"]
            top = float(np.percentile(used, 98)) if used.size else 0.0
            for ax, (which, image) in zip(row, images.items(), strict=False):
                colour = BEFORE if which == "before" else AFTER
                title = f"{view.name} {which}: {what}"
                _draw_carpet(figure, ax, view, image, top or 1.0, colour, scale, title)
            for ax in row[len(images) :]:
                ax.set_axis_off()
        for row in axes:
            for ax in row:
                ax.set_xlim(start / scale, stop / scale)
                ax.tick_params(labelbottom=row is axes[-1])
        for ax in axes[-1]:
            ax.set_xlabel("Time [min]" if minutes else "Time [s]")
    return figure


def deviation(view: View, which: str, index: int) -> np.ndarray:
    """(time): distance of a channel from its median (EEG), or size of its step from sample to
    sample (fNIRS, the largest wavelength); `which` is "before", "after" or "truth"."""
    values = getattr(view, which)[index]
    if view.stream == "nirs":
        values = np.diff(values, axis=-1, prepend=values[:, :1])
    elif np.isfinite(values).any():
        values = values - np.nanmedian(values)
    return np.nan_to_num(np.abs(values)).max(axis=0)


def _draw_carpet(figure, ax, view: View, image, top, colour, scale, title) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgba

    # transparent where nothing is, so that it reads on a light and on a dark page
    shades = LinearSegmentedColormap.from_list("shade", [to_rgba(colour, 0), to_rgba(colour, 1)])
    count = len(view.channel)
    extent = (view.time[0] / scale, (view.time[-1] + 1 / view.rate) / scale, count - 0.5, -0.5)
    norm = Normalize(0, top, clip=True)
    ax.imshow(image, shades, norm, aspect="auto", interpolation="nearest", extent=extent)
    every = int(np.ceil(count / 24))
    ticks = np.arange(0, count, every)
    names = [label(view.channel[i], 12) + (" ×" if view.bad[i] else "") for i in ticks]
    ax.set_yticks(ticks, names, fontsize=6.5)  # wider ones reach the bar of the panel to the left
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(True)
    ax.set_title(title)
    box = ax.get_position()
    beside = figure.add_axes((box.x1 + 0.008, box.y0, 0.012, box.height))
    bar = figure.colorbar(ScalarMappable(norm, shades), cax=beside)
    bar.set_ticks([0, top / 2, top], labels=[f"{v:.3g}" for v in (0, top / 2, top)])
    bar.ax.tick_params(labelsize=6.5)
    bar.outline.set_linewidth(0.5)


def draw_spectra(spectra: dict[str, dict]):
    """Power spectra before and after, of the parts with and without movement.

    Parameters
    ----------
    spectra : dict
        For each stream the result of `neurofuse.fusion.plot.draw_spectra.spectra`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = max(len(s["parts"]) for s in spectra.values())
    with style():
        figure, axes = grid([2.1] * len(spectra), columns, gap=0.65)
        for row, result in zip(axes, spectra.values(), strict=True):
            for ax in row:
                ax.set_visible(False)
            for ax, (part, lines) in zip(row, result["parts"].items(), strict=False):
                ax.set_visible(True)
                _draw_spectrum(ax, result, part, lines)
            shown = [ax for ax in row if ax.get_visible()]
            for ax in shown[1:]:
                ax.sharey(shown[0])
    return figure


def _power_of_ten(value: float, _position: int) -> str:
    exponent = str(round(np.log10(value))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{exponent}"


def _draw_spectrum(ax, result: dict, part: str, lines: dict) -> None:
    colours = {"before": BEFORE, "after": AFTER, "truth": TRUTH, "recorded": AFTER}
    frequency = result["frequency"]
    for name, power in lines.items():
        thin = 0.9 if name == "truth" else 1.4
        dashes = "--" if name == "after" else "-"
        style = {"color": colours[name], "linewidth": thin, "label": name, "linestyle": dashes}
        ax.plot(frequency, power, **style)
    if any(np.any(power > 0) for power in lines.values()):  # not of a constant
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(_power_of_ten)
        ax.yaxis.minorticks_off()
    if result["log_frequency"] and frequency[-1] >= 10 * frequency[0]:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
    ax.set_xlim(frequency[0], frequency[-1])
    ax.grid(True, which="major", alpha=0.25)
    ax.set_xlabel("Frequency [Hz]")
    ax.set_ylabel(f"{result['unit']}²/Hz")
    ax.set_title(f"{result['name']}: {part}")
    ax.legend(loc="upper right")
