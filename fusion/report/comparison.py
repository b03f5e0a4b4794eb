"""The report's comparison of methods: verdict, errors, preservation, legend, what did not run."""

from html import escape

import numpy as np
import xarray as xr

from neurofuse.fusion.report.comparison_verdict import (
    CONTROLS,
    best_rows,
    in_order,
    verdict,
)
from neurofuse.fusion.report.html import cell, table
from neurofuse.fusion.report.metric_words import METRICS, PRESERVED, heading, meaning, name_of
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES


def comparison_section(comparison: xr.Dataset) -> str:
    """HTML of a comparison: for each modality a table of errors and one of preservation.

    Raises
    ------
    ParameterError
        If it is not what `neurofuse.compare` returns.
    """
    if not {"method", "modality", "metric"} <= set(comparison.get("value", xr.DataArray()).dims):
        raise ParameterError(
            f"a comparison of {sorted(map(str, comparison.variables))}",
            "`value` over method, modality and metric",
            "pass what neurofuse.compare returned",
        )
    text = f"<p><strong>{escape(verdict(comparison))}</strong></p>"
    shown: list[str] = []
    for modality in comparison.modality.values:
        value = comparison.value.sel(modality=modality).transpose("method", "metric")
        name = MODALITIES[str(modality)].display
        preserved = np.char.startswith(value.metric.values.astype(str), PRESERVED)
        order = in_order(value)
        errors, brain = (_rows(value[:, part], order) for part in (~preserved, preserved))
        text += f"<h3>{escape(name)}</h3>{errors or '<p>No figure.</p>'}"
        text += f"<h4>Preservation of brain signals in {escape(name)}</h4>{brain}" if brain else ""
        known = value.metric.values[value.notnull().any("method").values]
        shown += [n for n in known.tolist() if n not in shown]
    text += _cost(comparison)
    if "failure" in comparison.coords:
        pairs = zip(comparison.method.values, comparison.failure.values, strict=True)
        failed = [f"<li>{escape(f'{m}: {reason}')}</li>" for m, reason in pairs if reason]
        text += f"<h3>Did not run</h3><ul>{''.join(failed)}</ul>" if failed else ""
    if comparison.attrs.get("truth") == "unknown":
        text += (
            "<p>Truth unknown: these no-reference metrics show what became smaller, not what was "
            "artifact.</p>"
        )
    return text + _legend(comparison, shown)


def _legend(comparison: xr.Dataset, metrics: list[str]) -> str:
    """What columns and controls mean."""
    rows = [str(method) for method in comparison.method.values]
    entries = [
        (f"{'preserved: ' * n.startswith(PRESERVED)}{name_of(n)}", meaning(n))
        for n in metrics
        if n in METRICS
    ]
    entries += [(name, f"row: {text}") for name, text in CONTROLS.items() if name in rows]
    terms = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in entries)
    how = "<p>Bold: the best of a column. ↓ lower, ↑ higher, → 1 nearest to 1 is better.</p>"
    return f'<h3>Legend</h3>{how}<dl class="note">{terms}</dl>' if terms else ""


def _cost(comparison: xr.Dataset) -> str:
    """What methods cost: time, memory, and how much of the future they need."""
    if not {"seconds", "memory", "delay"} <= set(comparison.variables):
        return ""
    body = [
        [
            str(row.method.item()),
            cell(row.seconds.item()),
            cell(row.memory.item() / 1e6),
            "whole recording" if np.isinf(row.delay) else cell(row.delay.item()),
        ]
        for row in (comparison.isel(method=m) for m in range(comparison.sizes["method"]))
        if np.isfinite(row.seconds)
    ]
    head = ["Method", "time [s]", "memory [MB]", "delay [s]"]
    caption = "Time and peak memory of this run; delay is how much of the future a method needs."
    return f"<h3>Cost</h3>{table(head, body, caption)}" if body else ""


def _rows(value: xr.DataArray, order: list[str]) -> str:
    """A table of (method, metric) without empty rows and columns; "" if nothing is known."""
    known = value.notnull()
    metrics = np.flatnonzero(known.any("method").values)
    head = ["Method"]
    for metric in value.metric[metrics]:
        unit = str(metric.units.item()) if "units" in metric.coords else "1"
        head.append(heading(str(metric.item()), unit))
    rows = [name for name in order if known.loc[name].any()]
    body = [[row, *(cell(v) for v in value.loc[row].values[metrics])] for row in rows]
    best = {
        (rows.index(name), column)
        for column, metric in enumerate(value.metric.values[metrics], start=1)
        for name in best_rows(str(metric), value.sel(metric=metric))
    }
    return table(head, body, kind="wide", best=best) if body else ""
