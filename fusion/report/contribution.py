"""The report's section on what each modality contributed to the cleaning of the other."""

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.style import AFTER, BEFORE, INK, grid, style
from neurofuse.fusion.report.html import figure_block, table
from neurofuse.fusion.views.changes import compared_unit
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES, Modality

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALLEST = 1e-4  # of the largest value: what the partner contributes is small beside the artifact
ROWS = {
    "joint": "both modalities",
    "withheld": "the other modality withheld",
    "mismatched": "a mismatched partner",
}


def contribution_section(contribution: xr.Dataset) -> str:
    """HTML of a result of `neurofuse.contribution`.

    Raises
    ------
    ParameterError
        If it is something else.
    """
    if not {"from_partner", "course", "difference"} <= set(contribution.data_vars):
        raise ParameterError(
            f"a contribution of {sorted(map(str, contribution.data_vars))}",
            "`from_partner`, `course` and `difference`",
            "pass what neurofuse.contribution returned",
        )
    sentences = "".join(f"<li>{escape(line)}</li>" for line in sentences_of(contribution))
    tables = "".join(
        _table(contribution.sel(stream=name), MODALITIES[name]) for name in _names(contribution)
    )
    caption = (
        "Root mean square of what was removed in each second (blue), and of its difference from "
        "the result without the other modality (orange: with the true partner; dotted: with a "
        "mismatched partner). fNIRS from sample to sample."
    )
    figure = figure_block(
        draw_contribution(contribution),
        "contribution",
        "What was removed over time, and what the other modality contributed to it",
        caption,
    )
    return f"<ul>{sentences}</ul>{figure}{tables}"


def sentences_of(contribution: xr.Dataset) -> list[str]:
    """What the figures mean, in sentences."""
    lines = []
    for stream in _names(contribution):
        own = contribution.sel(stream=stream)
        name, other = MODALITIES[stream].display, MODALITIES[stream].other.display
        fraction = own.from_partner.sel(run="joint").item()
        chance = own.from_partner.sel(run="mismatched").item()
        if not np.isfinite(fraction):
            lines.append(f"{name}: nothing was removed, so {other} contributed nothing.")
            continue
        source = contribution.attrs.get("mismatched", "elsewhere")
        text = (
            f"{name}: {_percent(fraction)} of the correction's energy came from {other}; a "
            f"mismatched partner (from {source}) changed it by {_percent(chance)}."
        )
        if "error_db" in own:
            joint, alone, wrong = (own.error_db.sel(run=run).item() for run in ROWS)
            text += (
                f" Against the truth, the error with the true partner is {_lower(alone - joint)} "
                f"than without a partner, with the mismatched one {_lower(alone - wrong)}."
            )
        lines.append(text)
    lines.append(
        "A partner that helps changes the result more than a mismatched one does, and lowers the "
        "error. The size of the change alone does not show which result is closer to the truth."
    )
    return lines


def _lower(decibels: float) -> str:
    return f"{abs(decibels):.2f} dB {'lower' if decibels >= 0 else 'higher'}"


def _names(contribution: xr.Dataset) -> list[str]:
    return [str(stream) for stream in contribution.stream.values]


def _table(own: xr.Dataset, modality: Modality) -> str:
    head = [
        "Cleaned with",
        f"Removed, RMS [{compared_unit(modality)}]",
        "In motion",
        "From the partner",
    ]
    head += ["Error [dB]"] if "error_db" in own else []
    body = []
    for run, title in ROWS.items():
        one = own.sel(run=run)
        fractions = [_percent(one[name].item()) for name in ("motion_fraction", "from_partner")]
        row = [title, f"{one.changed.item() * modality.plot_scale:.3g}", *fractions]
        if "error_db" in own:
            error = one.error_db.item()
            row.append(f"{error:.2f}".replace("-", "−") if np.isfinite(error) else "–")
        body.append(row)
    return f"<h3>{modality.display}</h3>{table(head, body)}"


def _percent(fraction: float) -> str:
    """A fraction in percent, small ones too: energies span orders of magnitude.

    Examples
    --------
    >>> _percent(0.25), _percent(0.000567), _percent(1e-9), _percent(0.0), _percent(np.nan)
    ('25 %', '0.057 %', '< 0.001 %', '0 %', '–')
    """
    if not np.isfinite(fraction):
        return "–"
    return "< 0.001 %" if 0 < fraction < 1e-5 else f"{100 * fraction:.2g} %"


def draw_contribution(contribution: xr.Dataset) -> "Figure":
    """One row per modality: the correction, and what of it came from a partner.

    Returns
    -------
    Figure
    """
    from matplotlib.ticker import NullLocator

    names = _names(contribution)
    scale, unit = (60, "min") if float(contribution.second.max()) > 600 else (1, "s")
    with style():
        figure, axes = grid([1.4] * len(names), 1, gap=0.45)
        for (ax,), stream in zip(axes, names, strict=True):
            own, modality = contribution.sel(stream=stream), MODALITIES[stream]
            time = own.second.values / scale
            lines = [
                ("removed", own.course.sel(run="joint"), AFTER, "-"),
                ("from the partner", own.difference.sel(run="joint"), BEFORE, "-"),
                ("from a mismatched partner", own.difference.sel(run="mismatched"), INK, ":"),
            ]
            top = max(float(values.max()) for _, values, *_ in lines) * modality.plot_scale or 1.0
            ax.set_yscale("log")
            ax.set_ylim(SMALLEST * top, 10 * top)  # the legend lies above the lines
            ax.yaxis.set_minor_locator(NullLocator())
            ax.yaxis.set_major_formatter("{x:g}")
            for text, values, colour, dashes in lines:
                ax.plot(
                    time,
                    # zero has no logarithm: below the axis, where nothing is drawn
                    np.maximum(values * modality.plot_scale, SMALLEST / 2 * top),
                    color=colour,
                    linestyle=dashes,
                    linewidth=1,
                    label=text,
                    rasterized=len(time) > 1500,
                )
            ax.set_xlim(time[0], time[-1])
            ax.set_title(f"{modality.display} [{compared_unit(modality)}]")
            ax.legend(loc="upper left", ncols=3, fontsize=7)
        axes[-1][0].set_xlabel(f"Time [{unit}]")
    return figure
