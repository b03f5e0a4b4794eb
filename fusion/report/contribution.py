"""The report's page of what each stream contributed to the other."""

from html import escape

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.style import AFTER, BEFORE, INK, UNITS, grid, style
from neurofuse.fusion.report.html import figure_block, table
from neurofuse.fusion.views.before_after import NAMES
from neurofuse.io.errors import ParameterError

SMALLEST = 1e-4  # of the largest value: what the partner brings is small beside the artifact
ROWS = {
    "joint": "both streams",
    "withheld": "the other stream withheld",
    "shuffled": "beside a shuffled partner",
}


def contribution_section(found: xr.Dataset) -> str:
    """HTML of a result of `neurofuse.fusion.contribution.contribution`.

    Raises
    ------
    ParameterError
        If it is something else.
    """
    if not {"from_partner", "course", "difference"} <= set(found.data_vars):
        raise ParameterError(
            f"a contribution of {sorted(map(str, found.data_vars))}",
            "`from_partner`, `course` and `difference`",
            "pass what neurofuse.fusion.contribution.contribution returned",
        )
    sentences = "".join(f"<li>{escape(line)}</li>" for line in sentences_of(found))
    tables = "".join(_table(found, str(stream)) for stream in found.stream.values)
    caption = (
        "Root mean square of what was taken out in each second, and how far that differs from the "
        "result without the other stream: blue is the correction, orange what the partner brought, "
        "dotted what a partner that knows nothing brought. fNIRS from sample to sample."
    )
    drawn = figure_block(
        draw_contribution(found),
        "contribution",
        "What was taken out over time, and what of it the other stream brought",
        caption,
    )
    return f"<ul>{sentences}</ul>{drawn}{tables}"


def sentences_of(found: xr.Dataset) -> list[str]:
    """What the figures say, in words."""
    lines = []
    for stream in found.stream.values:
        own = found.sel(stream=stream)
        name = NAMES[str(stream)]
        other = next(n for s, n in NAMES.items() if s != stream)
        share = own.from_partner.sel(run="joint").item()
        chance = own.from_partner.sel(run="shuffled").item()
        if not np.isfinite(share):
            lines.append(f"{name}: nothing was taken out, so nothing came from {other}.")
            continue
        text = (
            f"{name}: {_share(share)} of the correction's energy came from {other}; a partner "
            f"from {found.attrs.get('shuffled', 'elsewhere')} moved it by {_share(chance)}."
        )
        if "error_db" in own:
            joint, alone, wrong = (own.error_db.sel(run=run).item() for run in ROWS)
            gain = alone - joint
            better = "less" if gain >= 0 else "more"
            text += (
                f" Against the truth the true partner left {abs(gain):.2f} dB {better} error than "
                f"none, the shuffled one {abs(alone - wrong):.2f} dB "
                f"{'less' if alone >= wrong else 'more'}."
            )
        lines.append(text)
    lines.append(
        "A partner that helps changes the result more than a shuffled one does, and for the "
        "better. The share alone does not tell which of the two results is nearer to the truth."
    )
    return lines


def _table(found: xr.Dataset, stream: str) -> str:
    own = found.sel(stream=stream)
    unit, factor = UNITS[stream]
    step = "/sample" if stream == "nirs" else ""
    head = ["Cleaned with", f"Taken out, RMS [{unit}{step}]", "Gate open", "From the partner"]
    head += ["Error [dB]"] if "error_db" in own else []
    body = []
    for run, title in ROWS.items():
        one = own.sel(run=run)
        shares = [_share(one[name].item()) for name in ("opened", "from_partner")]
        row = [title, f"{one.changed.item() * factor:.3g}", *shares]
        if "error_db" in own:
            error = one.error_db.item()
            row.append(f"{error:.2f}".replace("-", "−") if np.isfinite(error) else "–")
        body.append(row)
    return f"<h3>{NAMES[stream]}</h3>{table(head, body)}"


def _share(value: float) -> str:
    """A share in percent, small ones too: energies span orders of magnitude.

    Examples
    --------
    >>> _share(0.25), _share(0.000567), _share(1e-9), _share(0.0), _share(np.nan)
    ('25 %', '0.057 %', '< 0.001 %', '0 %', '–')
    """
    if not np.isfinite(value):
        return "–"
    return "< 0.001 %" if 0 < value < 1e-5 else f"{100 * value:.2g} %"


def draw_contribution(found: xr.Dataset):
    """One row a stream: the correction, and what of it came from a partner.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = [str(stream) for stream in found.stream.values]
    minutes = float(found.second.max()) > 600
    scale = 60 if minutes else 1
    from matplotlib.ticker import NullLocator

    with style():
        figure, axes = grid([1.4] * len(names), 1, gap=0.45)
        for (ax,), stream in zip(axes, names, strict=True):
            own = found.sel(stream=stream)
            unit, factor = UNITS[stream]
            time = own.second.values / scale
            lines = [
                ("taken out", own.course.sel(run="joint"), AFTER, "-"),
                ("from the partner", own.difference.sel(run="joint"), BEFORE, "-"),
                ("from a shuffled partner", own.difference.sel(run="shuffled"), INK, ":"),
            ]
            top = max(float(values.max()) for _, values, *_ in lines) * factor or 1.0
            ax.set_yscale("log")
            ax.set_ylim(SMALLEST * top, 10 * top)  # the legend lies above the lines
            ax.yaxis.set_minor_locator(NullLocator())
            ax.yaxis.set_major_formatter("{x:g}")
            for text, values, colour, dashes in lines:
                ax.plot(
                    time,
                    np.maximum(values * factor, SMALLEST / 2 * top),
                    color=colour,
                    linestyle=dashes,
                    linewidth=1,
                    label=text,
                    rasterized=len(time) > 1500,
                )
            ax.set_xlim(time[0], time[-1])
            ax.set_title(f"{NAMES[stream]} [{unit}{'/sample' if stream == 'nirs' else ''}]")
            ax.legend(loc="upper left", ncols=3, fontsize=7)
        axes[-1][0].set_xlabel("Time [min]" if minutes else "Time [s]")
    return figure
