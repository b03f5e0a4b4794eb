"""The section of a study's page on self-tests: errors of methods over participants."""

from collections.abc import Sequence
from html import escape

import numpy as np

from neurofuse.fusion.report.group_row import GroupRow
from neurofuse.fusion.report.group_self_test import GroupSelfTest, group_self_test
from neurofuse.fusion.report.html import table
from neurofuse.io.modality import MODALITIES

FEWEST_TO_TELL = 6  # participants; the signed ranks of five have a p of at least 0.0625


def errors_section(rows: Sequence[GroupRow]) -> str:
    """HTML of a table a modality; "" where fewer than three participants were tested."""
    found = [group_self_test(rows, modality) for modality in MODALITIES]
    return "".join(_table(one) for one in found if one is not None)


def _table(found: GroupSelfTest) -> str:
    body = [
        [
            one.method,
            f"{one.mean:+.1f} [{one.low:+.1f}, {one.high:+.1f}]".replace("-", "−"),
            "–" if np.isnan(one.difference) else f"{one.difference:+.1f}".replace("-", "−"),
            _p(one.p),
            f"{one.best} of {found.recordings}",
            f"{one.people}",
        ]
        for one in found.methods
    ]
    heads = [
        "Method",
        "Error in motion [dB], 95 % interval",
        f"Minus {found.against} [dB]",
        "p",
        "Best in",
        "Participants",
    ]
    caption = (
        "The recordings' own movements, moved into their own quiet stretches and cleaned; an "
        "output of zeros has an error of 0 dB. Means over participants, intervals by resampling "
        f"them; p of a Wilcoxon signed-rank test against {found.against} in the same participants, "
        "corrected by Holm's procedure."
    )
    if found.people < FEWEST_TO_TELL:
        caption += f" With fewer than {FEWEST_TO_TELL} participants p cannot fall below 0.05."
    return f"<h3>{escape(MODALITIES[found.modality].display)}</h3>{table(heads, body, caption)}"


def _p(value: float) -> str:
    if np.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
