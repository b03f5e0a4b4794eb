"""Channels × time: where a cleaner detected motion."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.canvas import chosen, panels, style
from neurofuse.fusion.plot.draw_carpets import named_rows
from neurofuse.fusion.plot.style import MASK, label
from neurofuse.fusion.views.changes import carpet
from neurofuse.io.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.09  # inches a channel


def gate(
    recording: xr.DataTree,
    *,
    stream: str | None = None,
    window: tuple[float, float] | None = None,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "list[Axes]":
    """The motion mask (`gate`, 0 to 1) of every channel over time.

    A modality without one is drawn with the true mask of injected motion, where it has that.

    Parameters
    ----------
    recording : Recording
        Cleaned by a learned model, or with injected motion.
    stream : {"eeg", "nirs"}, optional
        Draw this modality only.
    window : (float, float), optional
        Start and stop of the part that is drawn [s]; the whole recording by default.
    axes : Axes or sequence of Axes, optional
        One for each modality drawn; a new figure by default.

    Returns
    -------
    list of Axes
        One for each modality that has a mask.

    Raises
    ------
    ParameterError
        If there is neither mask, the modality or window is not in the recording, or there are
        fewer or more `axes` than modalities.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=20, seed=2, bouts_per_minute=9)
    >>> [ax.get_title() for ax in nf.plot.gate(contaminated)]
    ['EEG: injected motion', 'fNIRS: injected motion']
    """
    views = [v for v in chosen(recording, stream=stream, window=window) if v.in_motion is not None]
    if not views:
        raise ParameterError(
            "a recording with neither `gate` nor `motion`",
            "one that was cleaned by a learned model, or that has injected motion",
            "pass what neurofuse.clean or neurofuse.inject returned",
        )
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("gate", ["#ffffff", MASK, "#7a4b00"])
    minutes = max(view.seconds for view in views) > 600
    scale, unit = (60, "min") if minutes else (1, "s")
    with style():
        heights = [float(np.clip(ROW * len(v.channel), 1.0, 3.5)) for v in views]
        panel_axes = panels(axes, heights, sharex=True)
        for ax, view in zip(panel_axes, views, strict=True):
            mask = view.in_motion if view.gate is None else view.gate
            assert mask is not None  # others were left out above
            shown = np.nan_to_num(mask)
            count = len(view.channel)
            last = view.time[-1] + 1 / view.rate
            ax.imshow(
                carpet(view, lambda i, shown=shown: shown[i]),
                cmap=shades,
                vmin=0,
                vmax=1,
                aspect="auto",
                interpolation="nearest",
                extent=(view.time[0] / scale, last / scale, count - 0.5, -0.5),
            )
            ticks = named_rows(view)
            names = [label(view.channel[i], 12) + (" ×" if view.bad[i] else "") for i in ticks]
            ax.set_yticks(ticks, names, fontsize=6)
            ax.set_title(
                f"{view.name}: {'injected motion' if view.gate is None else 'motion mask (gate)'}"
            )
        panel_axes[0].figure.colorbar(panel_axes[0].images[0], ax=panel_axes, shrink=0.6)
        panel_axes[-1].set_xlabel(f"Time [{unit}]")
    return panel_axes
