"""All methods of `joint_gain.py` at a glance: error by person, interval, paired test, a picture."""

from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.joint_gain.facts import ASKED, FLOORS, JOINT, Facts, arms_of, within
from benchmarks.joint_gain.tables import TITLES, by_person, pooled
from neurofuse.fusion.metrics.statistics import summarise
from neurofuse.fusion.plot.draw_intervals import plot_intervals

VIEWS = [key for key in TITLES if key[1] != "slow"]
METRIC = "error"
SHOWN_TO = 20.0  # dB


def overview(facts: Facts, figure: Path | None = None) -> list[str]:
    """A table of all arms with p values against joint; the picture goes to `figure`."""
    found = {key: _summary(facts, *key) for key in VIEWS}
    arms = list(dict.fromkeys(a for s in facts.segments for a in arms_of(facts, s)))
    first = found[VIEWS[0]], found[VIEWS[1]]
    order = {
        a: min(
            (float(s["mean"].sel({"method": a}).squeeze()) for s in first if a in s.method),
            default=np.inf,
        )
        for a in arms
    }
    rows = [
        "| error [dB] | " + " | ".join(f"{TITLES[k]} | p" for k in VIEWS) + " |",
        "|---|" + "---|---|" * len(VIEWS),
    ]
    for arm in sorted(arms, key=lambda a: order[a]):
        cells = [text for key in VIEWS for text in _cells(found[key], arm)]
        rows.append(f"| {'**joint**' if arm == JOINT else arm} | {' | '.join(cells)} |")
    if figure is not None:
        _draw(found, figure)
        rows += ["", f"![Every method's error with its interval](figures/{figure.name})"]
    return rows


def _summary(facts: Facts, stream: str, view: str) -> xr.Dataset:
    own = within(facts.segments[stream], *ASKED)
    people = list(dict.fromkeys(s.person for s in own))
    arms = arms_of(facts, stream)
    value = np.full((len(people), len(arms)), np.nan)
    for i, person in enumerate(people):
        for j, arm in enumerate(arms):
            mine = [s for s in own if s.person == person]
            value[i, j] = (by_person(mine, pooled(arm, view), range(facts.seeds)) or [np.nan])[0]
    table = xr.Dataset(
        {"value": (("recording", "method", "modality", "metric"), value[:, :, None, None])},
        coords={
            "method": arms,
            "modality": [stream],
            "metric": [METRIC],
            "units": ("metric", ["dB"]),
            "subject": ("recording", people),
        },
    )
    return summarise(table, against=JOINT if JOINT in arms else FLOORS[0])


def _cells(summary: xr.Dataset, arm: str) -> tuple[str, str]:
    if arm not in summary.method.values:
        return "–", ""
    one = summary.sel({"method": arm}).squeeze()
    if not np.isfinite(one["mean"]):
        return "–", ""
    text = f"{float(one['mean']):.1f} [{float(one.low):.1f}, {float(one.high):.1f}]"
    return text, "" if np.isnan(one.p) else f"{float(one.p):.3f}"


def _draw(found: dict[tuple[str, str], xr.Dataset], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    most = max(s.sizes["method"] for s in found.values())
    figure = Figure(figsize=(15, 1 + 0.24 * most), layout="constrained")
    FigureCanvasAgg(figure)
    for ax, ((stream, view), summary) in zip(
        figure.subplots(1, len(found)), found.items(), strict=True
    ):
        plot_intervals(summary, stream, METRIC, ax=ax)
        ax.set_xlim(right=min(ax.get_xlim()[1], SHOWN_TO))
        ax.axvline(0, color="0.6", linewidth=0.8)
        ax.set_title(TITLES[stream, view])
        ax.set_xlabel("error in motion over the signal's energy [dB]")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=70)
