"""Tables of figures by method: means over participants with intervals, beside medians and targets.

One line is one figure of an evaluation; a participant counts once, however many recordings.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.common.page import Table
from benchmarks.common.statistics import cell, interval

FEWEST = 3  # participants of an interval
MISSING, MORE = "–", "…"


@dataclass(frozen=True)
class Figure:
    """A line of a table: which rows of an evaluation, and which of their columns."""

    group: str  # which recordings
    title: str  # what is measured, with its unit
    column: str
    chosen: Callable[[pd.DataFrame], pd.Series]  # which rows count
    target: str = ""
    digits: int = 1
    factor: float = 1.0  # from the unit of the evaluation to that of the title

    def values(self, rows: pd.DataFrame) -> list[float]:
        """The means of participants, in the unit of the title; without those of whom none is known.

        Examples
        --------
        >>> table = pd.DataFrame({"participant": ["a", "a", "b"], "open": [0.1, 0.3, np.nan]})
        >>> Figure("EEG", "open [%]", "open", lambda t: t.open >= 0, factor=100).values(table)
        [20.0]
        """
        if self.column not in rows:
            return []
        known = rows[self.chosen(rows) & rows[self.column].notna()]
        means = known.groupby("participant")[self.column].mean()
        return (self.factor * np.asarray(means, float)).tolist()


def side_by_side(figures: list[Figure], results: dict[str, pd.DataFrame]) -> Table:
    """Figures down, methods across; a mean over participants, with its interval from three on."""
    rows, before = [], ""
    for figure in figures:
        values = {name: figure.values(table) for name, table in results.items()}
        cells = [_cell(values[name], figure.digits) for name in results]
        people = max((len(one) for one in values.values()), default=0)
        title = f"{MORE if figure.group == before else figure.group + ':'} {figure.title}"
        before = figure.group
        rows.append([title, figure.target or MISSING, str(people), *cells])
    return Table(["figure", "target", "people", *results], rows)


def one_by_one(figures: list[Figure], results: dict[str, pd.DataFrame]) -> Table:
    """A row a figure and method: mean, interval and median over participants."""
    columns = [
        "recordings",
        "figure",
        "target",
        "method",
        "people",
        "mean",
        "low",
        "high",
        "median",
    ]
    rows = []
    for figure in figures:
        for name, table in results.items():
            values = figure.values(table)
            if values:
                mean, low, high = interval(values)
                ends = (low, high) if len(values) >= FEWEST else ()
                numbers = [f"{x:.4g}" for x in (mean, *ends)] + [""] * (2 - len(ends))
                what = [figure.group, figure.title, figure.target, name, str(len(values))]
                rows.append([*what, *numbers, f"{np.median(values):.4g}"])
    return Table(columns, rows)


def by_device(results: dict[str, pd.DataFrame]) -> Table:
    """A row a device, rate, kind of recording and method: means over participants of all columns.

    Examples
    --------
    >>> rows = {"stream": "nirs", "device": "x", "rate": 10.0, "kind": "native", "name": "run"}
    >>> table = pd.DataFrame([rows | {"participant": p, "gain": g} for p, g in ("a1", "b0")])
    >>> by_device({"tddr": table.astype({"gain": float})}).rows
    [['tddr', 'nirs', 'x', '10', 'native', '2', '0.5']]
    """
    keys = ["method", "stream", "device", "rate", "kind"]
    groups: dict[tuple, dict[str, list[dict]]] = {}
    columns: dict[str, None] = {}
    for name, table in results.items():
        columns |= dict.fromkeys(table.select_dtypes("number").columns)
        for row in table.assign(method=name).to_dict("records"):
            persons = groups.setdefault(tuple(row[key] for key in keys), {})
            persons.setdefault(row["participant"], []).append(row)
    columns.pop("rate", None)
    rows = []
    for group, persons in groups.items():
        values = [
            _mean([_mean([row.get(column, np.nan) for row in own]) for own in persons.values()])
            for column in columns
        ]
        rows.append([_text(value) for value in (*group, len(persons), *values)])
    return Table([*keys, "people", *columns], rows)


def every_row(results: dict[str, pd.DataFrame]) -> Table:
    """A row a recording and method, as the evaluation made it."""
    whole = pd.concat([one.assign(method=name) for name, one in results.items()])
    columns = ["method", *(c for c in whole.columns if c != "method")]
    return Table(columns, [[_text(value) for value in row] for row in whole[columns].to_numpy()])


def _mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else np.nan


def _cell(values: list[float], digits: int) -> str:
    if not values or len(values) >= FEWEST:
        return cell(values, digits=digits)
    return f"{np.mean(values):.{digits}f}"


def _text(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.4g}"
    return str(value)
