"""Power spectra before and after cleaning."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import xarray as xr

from neurofuse.fusion.plot.canvas import chosen, panels, style
from neurofuse.fusion.plot.draw_spectra import WITH, WITHOUT, set_frequencies
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
    """Power spectra (Welch 1967), the median over channels, with or without motion.

    Parameters
    ----------
    before : Recording
        What was recorded.
    after, truth : Recording, optional
        The cleaned and the true recording, with the channels and times of `before`.
    stream : {"eeg", "nirs"}, optional
        Draw this modality only.
    moving : bool
        Segments (2 s of EEG, 20 s of fNIRS) with motion, or those without. Where no motion mask
        distinguishes them, or there is none of that kind, the whole recording is drawn.
    axes : Axes or sequence of Axes, optional
        One for each modality drawn; a new figure by default.

    Returns
    -------
    list of Axes
        One for each modality, over frequency [Hz]: µV²/Hz, or OD²/Hz.

    Raises
    ------
    ParameterError
        If the modality is not in the recording, is too short for a spectrum, or there are fewer
        or more `axes` than modalities.

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
        panel_axes = panels(axes, [2.4] * len(results))
        for ax, result in zip(panel_axes, results, strict=True):
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
            if result.frequency[-1] >= 10 * result.frequency[0]:
                set_frequencies(ax)
            ax.set_xlim(result.frequency[0], result.frequency[-1])
            ax.grid(alpha=0.25)
            ax.set_xlabel("Frequency [Hz]")
            ax.set_ylabel(f"{result.unit}²/Hz")
            ax.set_title(f"{result.name}, {part}")
            ax.legend(loc="upper right")
    return panel_axes
