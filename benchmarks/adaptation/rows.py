"""Rows of the page on adaptation: errors without and with it, by participant.

Each part of the page saves its rows below `runs/adaptation`; `benchmarks.adaptation` joins
them.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.page import Table
from benchmarks.common.paths import ROOT, write
from benchmarks.common.statistics import interval, ratio

FOLDER = ROOT / "runs/adaptation"
COLUMNS = ["adaptation", "judged on", "people", "without [dB]", "with [dB]"]
COLUMNS += ["error with over without", "worst person"]
FEWEST = 3  # participants of an interval


def row(
    adaptation: str,
    judged_on: str,
    without: Mapping[str, float],
    adapted: Mapping[str, float],
) -> list[str]:
    """The cells of one adaptation.

    Parameters
    ----------
    adaptation : str
        What was done.
    judged_on : str
        On whose recordings.
    without, adapted : dict of float
        Errors [dB] by participant, without and with it.

    Returns
    -------
    list of str
        One for each of `COLUMNS`. The ratio of energies is the geometric mean over participants,
        with a 95 % bootstrap interval from three on; the worst is the largest of a participant.

    Examples
    --------
    >>> row("CORAL", "Muse", {"a": -3.0, "b": -5.0}, {"a": -4.0, "b": -5.0})
    ['CORAL', 'Muse', '2', '-4.0', '-4.5', '0.89', '1.00']
    """
    both = [person for person in without if person in adapted]
    change = [adapted[person] - without[person] for person in both]
    middle = f"{ratio(float(np.mean(change))):.2f}"
    if len(change) >= FEWEST:
        middle = "{:.2f} [{:.2f}, {:.2f}]".format(*map(ratio, interval(change)))
    means = (float(np.mean([one[person] for person in both])) for one in (without, adapted))
    cells = [adaptation, judged_on, str(len(both)), *(f"{value:.1f}" for value in means)]
    return [*cells, middle, f"{ratio(max(change)):.2f}"]


def save(name: str, text: str, rows: Sequence[Sequence[str]], limits: str = "") -> None:
    """Keep the rows of a part of the page, a sentence or two about them, and what limits them."""
    write(FOLDER / f"{name}.json", {"text": text, "rows": rows, "limits": limits})


def load(name: str) -> dict[str, Any]:
    """What `save` kept; without rows where it did not run yet."""
    target = FOLDER / f"{name}.json"
    if not Path(target).exists():
        return {"text": "", "rows": [], "limits": ""}
    return json.loads(target.read_text())


def joined(names: Sequence[str]) -> Table:
    """The rows of several parts in one table."""
    return Table(COLUMNS, [cells for name in names for cells in load(name)["rows"]])
