"""All methods of `joint_gain` side by side: error by participant, interval, paired test, figure."""

from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.common.methods import JOINT, NETWORKS, UNCORRECTED
from benchmarks.common.page import Table
from benchmarks.joint_gain.facts import FLOORS, LEARNED, TARGETED, UNTOLD, Facts, arms_of, within
from benchmarks.joint_gain.tables import TITLES, by_participant, pooled
from neurofuse.fusion.plot.draw_intervals import plot_intervals
from neurofuse.fusion.results.statistics import summarise

VIEWS = [key for key in TITLES if key[1] != "slow"]
METRIC = "error"
LARGEST_DRAWN = 20.0  # dB
UNSPARED = f"{JOINT}, nothing left out"
BEST = 2  # baseline methods of each view that stand on the page


def summaries(facts: Facts) -> dict[tuple[str, str], xr.Dataset]:
    """Mean, interval and paired test of every arm, for each modality and view."""
    return {key: _summary(facts, *key) for key in VIEWS}


def overview(by_view: dict[tuple[str, str], xr.Dataset]) -> Table:
    """A table of all arms, the least error first, with p values against joint."""
    arms = list(dict.fromkeys(a for s in by_view.values() for a in s.method.values.tolist()))
    ranked = sorted(arms, key=lambda arm: _rank(by_view, arm))
    columns = ["method"]
    for key in VIEWS:
        columns += [error_column(key), f"p, {TITLES[key]}"]
    rows = [[arm, *(text for key in VIEWS for text in _cells(by_view[key], arm))] for arm in ranked]
    return Table(columns, rows)


def shown(table: Table, everything: Table) -> Table:
    """The rows for the page: joint and its controls, the floors, the networks, the best others.

    Of the table in which nothing is left out, joint that is told that nothing is lost.
    """
    first = (*LEARNED, *FLOORS)
    names = {row[0] for row in table.rows if row[0] in first or row[0].startswith("joint_")}
    names.discard(UNTOLD)
    names |= {row[0] for row in table.rows if row[0] in NETWORKS}
    for key in VIEWS:
        at = table.columns.index(error_column(key))
        others = [row for row in table.rows if row[0] not in first and row[at][0] != "–"]
        others.sort(key=lambda row: float(row[at].split()[0]))
        names |= {row[0] for row in others[:BEST]}
    spared = table.only("method", sorted(names))
    unspared = [[UNSPARED, *row[1:]] for row in everything.rows if row[0] == UNTOLD]
    rows = [r for row in spared.rows for r in (row, *(unspared if row[0] == JOINT else ()))]
    chosen = Table(table.columns, rows).without(*(f"p, {TITLES[key]}" for key in VIEWS))
    return Table(chosen.columns, [row for row in chosen.rows if set(row[1:]) != {"–"}])


def draw(by_view: dict[tuple[str, str], xr.Dataset], path: Path) -> None:
    """Every method's error with its interval, a panel for each modality and view."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    most = max(s.sizes["method"] for s in by_view.values())
    figure = Figure(figsize=(15, 1 + 0.24 * most), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(by_view))
    for ax, ((stream, view), summary) in zip(panels, by_view.items(), strict=True):
        plot_intervals(summary, stream, METRIC, ax=ax)
        ax.set_xlim(right=min(ax.get_xlim()[1], LARGEST_DRAWN))
        ax.axvline(0, color="0.6", linewidth=0.8)
        ax.set_title(TITLES[stream, view])
        ax.set_xlabel("error in motion over the signal's energy [dB]")
    figure.savefig(path, dpi=70)


def _summary(facts: Facts, stream: str, view: str) -> xr.Dataset:
    own = within(facts.segments[stream], *TARGETED)
    participants = list(dict.fromkeys(s.participant for s in own))
    arms = arms_of(facts, stream)
    value = np.full((len(participants), len(arms)), np.nan)
    for i, participant in enumerate(participants):
        for j, arm in enumerate(arms):
            mine = [s for s in own if s.participant == participant]
            errors = by_participant(mine, pooled(arm, view), range(facts.seeds))
            value[i, j] = (errors or [np.nan])[0]
    table = xr.Dataset(
        {"value": (("recording", "method", "modality", "metric"), value[:, :, None, None])},
        coords={
            "method": arms,
            "modality": [stream],
            "metric": [METRIC],
            "units": ("metric", ["dB"]),
            "subject": ("recording", participants),
        },
    )
    return summarise(table, against=JOINT if JOINT in arms else UNCORRECTED)


def error_column(key: tuple[str, str]) -> str:
    """The heading of a modality's and view's errors."""
    return f"{TITLES[key]} [dB]"


def _rank(by_view: dict[tuple[str, str], xr.Dataset], arm: str) -> float:
    """The lesser of an arm's errors in EEG and in fNIRS."""
    errors = [
        float(by_view[key]["mean"].sel({"method": arm}).squeeze())
        for key in VIEWS[:2]
        if arm in by_view[key].method
    ]
    return float(np.nanmin([*errors, np.inf]))


def _cells(summary: xr.Dataset, arm: str) -> tuple[str, str]:
    if arm not in summary.method.values:
        return "–", ""
    one = summary.sel({"method": arm}).squeeze()
    if not np.isfinite(one["mean"]):
        return "–", ""
    text = f"{float(one['mean']):.1f} [{float(one.low):.1f}, {float(one.high):.1f}]"
    return text, "" if np.isnan(one.p) else f"{float(one.p):.3f}"
