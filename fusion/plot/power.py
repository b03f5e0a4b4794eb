"""Power spectra before and after cleaning."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import xarray as xr

from neurofuse.fusion.plot.canvas import chosen, panels, style
from neurofuse.fusion.plot.draw_spectra import WITH, WITHOUT
from neurofuse.fusion.plot.draw_spectra import spectra as spectra_of
from neurofuse.fusion.plot.style import COLOURS, LABELS
from neurofuse.io.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def spectra(
    before: xr.DataTree,
    after: xr.DataTree | None = None,
    truth: xr.DataTree | None = None,
    *,
    stream: str | None = None,
    moving: bool = True,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "list[Axes]":
    """Welch spectra, the median over channels, of the time with or without movement.

    Parameters
    ----------
    before, after, truth : Recording
        The same channels and times; `after` and `truth` may be left out.
    stream : {"eeg", "nirs"}, optional
        Draw this stream only.
    moving : bool
        Segments (2 s of EEG, 20 s of fNIRS) with movement, or those without. Where nothing tells
        them apart, or one of them is empty, all of the recording is drawn.
    axes : Axes, optional
        One for each stream drawn; a new figure by default.

    Returns
    -------
    list of Axes
        One for each stream.

    Raises
    ------
    ParameterError
        If the stream is not there, or too short for a spectrum.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=60, seed=2)
    >>> ax, = nf.plot.spectra(contaminated, truth=truth, stream="eeg")
    >>> ax.get_ylabel()
    'µV²/Hz'
    """
    results = []
    for view in chosen(before, after, truth, stream=stream):
        result = spectra_of(view)
        if result is None:
            raise ParameterError(
                f"{view.name} of {view.seconds:.3g} s", "a whole segment", "take more of it"
            )
        results.append(result)
    wanted = WITH if moving else WITHOUT
    with style():
        drawn = panels(axes, [2.4] * len(results))
        for ax, result in zip(drawn, results, strict=True):
            part = wanted if wanted in result.parts else next(iter(result.parts))
            for kind, power in result.parts[part].items():
                alone = kind == "before" and not result.treated
                ax.plot(
                    result.frequency,
                    power,
                    color=COLOURS["after" if alone else kind],
                    linestyle="--" if kind == "after" else "-",
                    linewidth=1.0 if kind == "truth" else None,
                    label=LABELS[kind],
                )
            ax.set_yscale("log")
            ax.set_xscale("log" if result.log_frequency else "linear")
            ax.set_xlim(result.frequency[0], result.frequency[-1])
            ax.grid(alpha=0.25)
            ax.set_xlabel("Frequency [Hz]")
            ax.set_ylabel(f"{result.unit}²/Hz")
            ax.set_title(f"{result.name}, {part}")
            ax.legend(loc="upper right")
    return drawn
