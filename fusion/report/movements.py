"""The movements of a recording: when, where, how large, and what became of them."""

import math
from collections.abc import Sequence

from neurofuse.fusion.movements import Movement
from neurofuse.fusion.report.html import table
from neurofuse.fusion.views.phrases import significant
from neurofuse.io.modality import MODALITIES

LISTED = 50  # movements; with more the longest, as the whole list is in a file
LIKELY = 0.5  # probability of a kind, above which it is named
UNKNOWN, UNCLEAR = "–", "unclear"
NAMED = 3  # channels of a movement; more are counted


def movements_section(found: Sequence[Movement]) -> str:
    """A table of movements, in order of time; nothing where there are none."""
    if not found:
        return ""
    shown = sorted(found, key=lambda one: one.duration, reverse=True)[:LISTED]
    head = ["Onset [s]", "Duration [s]", "Modality", "Channels", "Before", "After", "Verdict"]
    rows = [
        [
            f"{one.onset:.1f}",
            f"{one.duration:.1f}",
            MODALITIES[one.modality].display,
            _channels(one.channels),
            _size(one.size_before, one.modality),
            _size(one.size_after, one.modality),
            one.verdict,
        ]
        for one in sorted(shown, key=lambda one: one.onset)
    ]
    kinds = [_kind(one) for one in sorted(shown, key=lambda one: one.onset)]
    told = not {*kinds} <= {UNKNOWN, UNCLEAR}
    if told:
        for row, kind in zip(rows, kinds, strict=True):
            row.insert(-1, kind)
        head.insert(-1, "Looks like")
    lost = {number for number, row in enumerate(rows) if row[-1] == "lost"}
    caption = "Peak-to-peak amplitude of the worst channel, before and after cleaning."
    if told:
        caption += (
            " Looks like: the kind of movement that is likelier than all other known kinds "
            f"together, with its probability; {UNCLEAR}: none is."
        )
    if len(found) > LISTED:
        caption = f"The {LISTED} longest of {len(found)} movements. {caption}"
    return table(head, rows, caption, poor=lost)


def _kind(one: Movement) -> str:
    """The kind, where it is more likely than all other known ones together."""
    if not one.kind:
        return UNKNOWN
    if math.isnan(one.kind_probability):
        return one.kind
    likely = one.kind_probability > LIKELY
    return f"{one.kind} ({100 * one.kind_probability:.0f} %)" if likely else UNCLEAR


def _channels(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= NAMED else f"{len(names)} channels"


def _size(value: float, modality: str) -> str:
    one = MODALITIES[modality]
    return f"{significant(one.plot_scale * value)}\N{NO-BREAK SPACE}{one.plot_unit}"
