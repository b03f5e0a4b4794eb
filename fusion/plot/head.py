"""Both montages on one head, seen from above."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.canvas import chosen, panels, style
from neurofuse.fusion.plot.sensor_places import Sensors, amount, places
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.changes import compared_unit
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import EEG, NIRS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHADES = {"eeg": "Blues", "nirs": "Oranges"}
MARKERS = {"eeg": "o", "nirs": "D"}
OUTLINE: dict[str, Any] = {"color": "0.4", "linewidth": 1.2}


def sensors(
    before: xr.DataTree,
    after: xr.DataTree | None = None,
    *,
    value: xr.DataArray | None = None,
    stream: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Electrodes (circles) and fNIRS channels (diamonds between source and detector) on a head.

    Colour is how much cleaning changed a channel: the root mean square of cleaned − recorded (EEG),
    or of its steps from sample to sample (fNIRS). A cross marks a bad channel, a small diamond a
    short one. The nose is up; the circle is at the height of the ears.

    Parameters
    ----------
    before : Recording
        What was recorded, with positions [m].
    after : Recording, optional
        The cleaned recording; without it (and without `value`) the montage alone is drawn.
    value : DataArray (channel), optional
        Something else to colour by, such as `neurofuse.io.channel_quality(before, "nirs").sci`.
    stream : {"eeg", "nirs"}, optional
        Draw this modality only.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        With one colour bar for each modality that is coloured.

    Raises
    ------
    ParameterError
        If no position is known, the modality is not in the recording, or `value` has none of its
        channels.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=20, seed=2, bouts_per_minute=9)
    >>> nf.plot.sensors(contaminated, truth).get_title()
    'How much was changed'
    """
    views = chosen(before, after, stream=stream)
    placed = places(before, [view.stream for view in views])
    if not any(np.isfinite(place.at).any() for place in placed.values()):
        raise ParameterError(
            "sensors without positions",
            "positions of electrodes or optodes",
            "set a montage with MNE (raw.set_montage) before neurofuse.from_mne",
        )
    colours = {view.stream: _amounts(view, value) for view in views}
    if value is not None and all(c is None for c in colours.values()):
        raise ParameterError(
            f"values of {', '.join(map(str, value.channel.values[:5]))}",
            "values of channels of this recording",
            "pass a table of the same recording",
        )
    with style():
        if ax is None:
            (ax,) = panels(None, [5.0])
        _draw_head(ax)
        # fNIRS beneath, so that no electrode is hidden
        for view in sorted(views, key=lambda v: v.modality is EEG):
            _draw_stream(ax, view, placed[view.stream], colours[view.stream], value)
        title = "Montage" if all(c is None for c in colours.values()) else "How much was changed"
        ax.set_title(title if value is None else str(value.name or "value").replace("_", " "))
        ax.legend(loc="upper left", fontsize=8)
    return ax


def _amounts(view: View, value: xr.DataArray | None) -> np.ndarray | None:
    if value is None:
        return amount(view) * view.modality.plot_scale if view.treated else None
    known = dict(zip(value.channel.values.tolist(), np.asarray(value, float), strict=True))
    if not set(known) & set(view.channel):
        return None
    return np.array([known.get(name, np.nan) for name in view.channel])


def _draw_head(ax: "Axes") -> None:
    angle = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(angle), np.sin(angle), **OUTLINE)
    ax.plot([-0.12, 0, 0.12], [0.99, 1.16, 0.99], **OUTLINE)
    ax.set_aspect("equal")
    ax.set_axis_off()


def _draw_stream(
    ax: "Axes", view: View, place: Sensors, colour: np.ndarray | None, value: xr.DataArray | None
) -> None:
    at, short = place.at, view.short
    if place.ends is not None:
        for source, detector in place.ends:
            ax.plot(*zip(source, detector, strict=True), color="0.7", linewidth=0.8, zorder=1)
    size = np.where(short, 18, 45 if view.modality is NIRS else 110)
    fill = "white" if colour is None else colour
    look: dict[str, Any] = {"marker": MARKERS[view.stream], "edgecolors": "0.3", "linewidths": 0.8}
    look |= {"label": view.name, "zorder": 2 + (view.modality is EEG)}
    shades = None if colour is None else SHADES[view.stream]
    bottom = 0 if colour is not None and np.nanmin(colour) >= 0 else None
    points = ax.scatter(*at.T, s=size, c=fill, cmap=shades, vmin=bottom, plotnonfinite=True, **look)
    ax.scatter(*at[view.bad].T, s=60, marker="x", color="black", zorder=4)
    if colour is not None:
        unit = compared_unit(view.modality) if value is None else str(value.attrs.get("units", "1"))
        text = view.name if unit == "1" else f"{view.name} [{unit}]"
        ax.figure.colorbar(points, ax=ax, shrink=0.6, label=text)
