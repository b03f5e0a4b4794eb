"""The form of a page of results: one screen of text, and every row as CSV beside it.

A page asks one question and answers it by one table and at most one figure; it says what limits
the answer and which command makes it anew. All rows stand in CSV files, for other programs.
"""

import csv
import io
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

WIDTH = 100
NO_RUN = "did not run"
INTERVAL = re.compile(r"([+-]?[\d.]+) \[([+-]?[\d.]+), ([+-]?[\d.]+)\]")


@dataclass(frozen=True)
class Table:
    """Cells of text under unique headings; a cell may hold a mean with its interval.

    Examples
    --------
    >>> table = Table(["method", "error"], [["joint", "-7.6 [-8.6, -6.6]"], ["zero", "–"]])
    >>> print(table.markdown())
    | method | error |
    |---|---|
    | joint | -7.6 [-8.6, -6.6] |
    | zero | – |
    >>> print(table.csv(), end="")
    method,error,error low,error high
    joint,-7.6,-8.6,-6.6
    zero,,,
    """

    columns: list[str]
    rows: list[list[str]]

    def __post_init__(self) -> None:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError(f"headings {self.columns} that are not unique")
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{len(row)} cells ({row}) under {len(self.columns)} headings")

    def markdown(self) -> str:
        lines = [self.columns, *self.rows]
        text = ["| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines]
        return "\n".join([text[0], "|" + "---|" * len(self.columns), *text[1:]])

    def csv(self) -> str:
        """Comma-separated values; an interval has columns of its own, what is missing is empty."""
        spread = [any(INTERVAL.fullmatch(row[k]) for row in self.rows) for k in self._places]
        heads = [
            [name, f"{name} low", f"{name} high"] if wide else [name]
            for name, wide in zip(self.columns, spread, strict=True)
        ]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([name for head in heads for name in head])
        for row in self.rows:
            cells = zip(row, spread, strict=True)
            writer.writerow([value for cell, wide in cells for value in _values(cell, wide)])
        return text.getvalue()

    def only(self, column: str, values: list[str]) -> "Table":
        """The rows whose cell in a column is one of some values."""
        at = self.columns.index(column)
        return Table(self.columns, [row for row in self.rows if row[at] in values])

    def without(self, *columns: str) -> "Table":
        """The table without some columns."""
        left = [k for k in self._places if self.columns[k] not in columns]
        rows = [[row[k] for k in left] for row in self.rows]
        return Table([self.columns[k] for k in left], rows)

    @property
    def _places(self) -> range:
        return range(len(self.columns))


def _values(cell: str, wide: bool) -> list[str]:
    cell = "" if cell == "–" else cell
    if not wide:
        return [cell]
    results = INTERVAL.fullmatch(cell)
    return list(results.groups()) if results else [cell, "", ""]


def no_run(name: str, reason: str, columns: int) -> list[str]:
    """The row of a method that did not run."""
    return [name, f"{NO_RUN}: {reason}", *[""] * (columns - 2)]


def stacked(tables: dict[str, Table], column: str) -> Table:
    """Tables with the same headings below each other, their names in a column ahead.

    Examples
    --------
    >>> stacked({"EEG": Table(["a"], [["1"]]), "fNIRS": Table(["a"], [["2"]])}, "modality").rows
    [['EEG', '1'], ['fNIRS', '2']]
    """
    columns = list(dict.fromkeys(name for one in tables.values() for name in one.columns))
    rows = []
    for name, one in tables.items():
        for row in one.rows:
            cells = dict(zip(one.columns, row, strict=True))
            rows.append([name, *(cells.get(head, "") for head in columns)])
    return Table([column, *columns], rows)


@dataclass(frozen=True)
class Page:
    """What a page says; `write` gives all pages the same form."""

    title: str
    question: str  # what is asked, of which recordings, by which measure
    table: Table
    limits: str
    command: str
    data: dict[str, Table] = field(default_factory=dict)  # all rows, by the ending of their file
    figure: str = ""  # what the figure shows; the figure is figures/NAME.png
    further: dict[str, str] = field(default_factory=dict)  # links to other files, by their text

    def markdown(self, name: str) -> str:
        """The page; its CSV files and its figure are named after `name`."""
        parts = [f"# {self.title}", _filled(self.question), self.table.markdown()]
        if self.figure:
            parts.append(f"![{self.figure}](figures/{name}.png)")
        parts.append(_filled(f"**Limits.** {self.limits}"))
        links = {_file(name, ending): f"data/{_file(name, ending)}" for ending in self.data}
        links |= self.further
        listed = ", ".join(f"[{text}]({target})" for text, target in links.items())
        parts.append(f"All rows: {listed}. Made by\n\n```shell\n{self.command}\n```")
        return "\n\n".join(parts) + "\n"

    def write(self, target: Path) -> None:
        """Write the page, and its rows into the folder `data` beside it."""
        (target.parent / "data").mkdir(parents=True, exist_ok=True)
        target.write_text(self.markdown(target.stem), encoding="utf-8")
        for ending, table in self.data.items():
            file = target.parent / "data" / _file(target.stem, ending)
            file.write_text(table.csv(), encoding="utf-8")


def figure_of(page: Path) -> Path:
    """Where the figure of a page lies."""
    folder = page.parent / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{page.stem}.png"


def _file(name: str, ending: str) -> str:
    return f"{name}_{ending}.csv" if ending else f"{name}.csv"


def _filled(text: str) -> str:
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(
        textwrap.fill(" ".join(p.split()), WIDTH, break_long_words=False, break_on_hyphens=False)
        for p in paragraphs
    )
