"""What the public plots share: which modalities are drawn, on which axes, in which style."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofuse.fusion.views.before_after import View, views_of
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import check, streams

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE = 10.0  # inches
STYLE: dict[Any, Any] = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "legend.frameon": False,
    "text.parse_math": False,  # a channel may be called "$x$"
}


@contextmanager
def style() -> Iterator[None]:
    """The look of plots, for as long as they are drawn."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        yield
        showing = matplotlib.is_interactive()
    # the first figure loads a notebook's backend, which turns this on; the context turned it off
    matplotlib.interactive(showing)


def chosen(
    before: xr.DataTree,
    after: xr.DataTree | None = None,
    truth: xr.DataTree | None = None,
    *,
    stream: str | None = None,
    window: tuple[float, float] | None = None,
) -> list[View]:
    """Views of one modality or of all, of the whole recording or of a window [s].

    Raises
    ------
    ParameterError
        If the recording lacks the modality, or the window contains no sample of it.
    """
    check(before)
    if stream is not None and stream not in streams(before):
        raise ParameterError(
            f"the stream {stream!r}",
            f"one of {', '.join(streams(before))}",
            "choose a modality of the recording, or leave `stream` out",
        )
    if window is not None:
        start, stop = window
        part = {"time": slice(start, stop)}
        before = before.sel(part)
        after, truth = (None if one is None else one.sel(part) for one in (after, truth))
        empty = [s for s in streams(before) if not before[s].sizes["time"]]
        if start >= stop or empty:
            raise ParameterError(
                f"a window from {start:g} to {stop:g} s", "one inside the recording", "move it"
            )
    return [v for v in views_of(before, after, truth) if stream in (None, v.stream)]


def panels(
    axes: "Axes | Sequence[Axes] | None", heights: Sequence[float], *, sharex: bool = False
) -> "list[Axes]":
    """One axes for each panel: those given, or those of a new figure with panels below each other.

    Raises
    ------
    ParameterError
        If fewer or more axes are given than there are panels.
    """
    count = len(heights)
    if axes is None:
        from matplotlib import pyplot

        _, made = pyplot.subplots(
            count,
            figsize=(WIDE, sum(heights) + 0.6),
            height_ratios=list(heights),
            layout="constrained",
            sharex=sharex,
            squeeze=False,
        )
        return list(made[:, 0])
    given = list(np.ravel(np.array(axes, dtype=object)))
    if len(given) != count:
        raise ParameterError(
            f"{len(given)} axes for {count} panels",
            "one axes for each panel",
            f"choose a stream ({', '.join(MODALITIES)}), or give as many axes",
        )
    return given
