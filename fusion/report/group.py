"""The page of a study: what became of every recording, which need a look, and how they compare."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from neurofuse.fusion.report.group_errors import errors_section
from neurofuse.fusion.report.group_outliers import (
    FARTHEST,
    FEW_USABLE,
    LEAST,
    MUCH_LOST,
    Outlier,
    beyond_limits,
    measures_of,
    outliers,
)
from neurofuse.fusion.report.group_row import STATES, GroupRow
from neurofuse.fusion.report.group_strips import strips_section
from neurofuse.fusion.report.group_table import FAR, LIMIT, in_words, table_section
from neurofuse.fusion.views.cleaning_text import versions
from neurofuse.fusion.views.phrases import duration_text, listed, percent
from neurofuse.io.errors import ParameterError, WriteError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.staging import staged

NAMED = 6  # recordings in a line of the overview; more are counted
REASONS = 5  # reasons of a kind in the overview
UNUSUAL = 8  # recordings in the overview that are cleaned and unusual


def group_page(
    rows: Sequence[GroupRow],
    path: str | os.PathLike[str],
    *,
    title: str = "Cleaning of a study",
    trouble: Iterable[str] = (),
    overwrite: bool = False,
) -> Path:
    """Write the HTML page of a study.

    Parameters
    ----------
    rows : sequence of GroupRow
        All recordings, in the order in which they are shown.
    path : path
        HTML file to write; links of the rows are relative to its folder.
    title : str
        Heading of the page.
    trouble : iterable of str
        What is wrong with the study as a whole.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path
        The file written. Equal rows make equal bytes.

    Raises
    ------
    ParameterError
        If there is no row.
    WriteError
        If the file exists and `overwrite` is false, or cannot be written.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> rows = [GroupRow("sub-01_task-rest", "failed", "half a file")]
    >>> page = group_page(rows, Path(mkdtemp()) / "index.html")
    >>> "half a file" in page.read_text("utf-8")
    True
    """
    path = Path(path)
    if not rows:
        raise ParameterError("no recording", "at least one", "run the level participant first")
    if path.exists() and not overwrite:
        raise WriteError(f"an existing {path}", "a new file name", "pass overwrite=True")
    far = outliers(rows)
    sections = [
        ("look", "What needs your eyes", _overview(rows, far)),
        ("compared", "Recordings compared", strips_section(rows, far)),
        ("recordings", "All recordings", table_section(rows, far)),
        ("self-test", "Self-tests", errors_section(rows)),
        ("terms", "Terms", _terms()),
    ]
    parts = files("neurofuse.fusion.report")
    style, script = (
        "".join(parts.joinpath(name).read_text("utf-8") for name in names)
        for names in (("style.css", "group.css"), ("page.js", "group.js"))
    )
    text = Template(parts.joinpath("page.html").read_text("utf-8")).substitute(
        style=style,
        script=script,
        title=escape(title),
        subtitle=escape(_subtitle(rows)),
        headline="\n".join(f"<li>{escape(line)}</li>" for line in _headline(rows, trouble)),
        navigation=" ".join(
            f'<a href="#{name}">{head}</a>' for name, head, content in sections if content
        ),
        sections="\n".join(_section(*section) for section in sections if section[2]),
        version=escape(dict(versions()).get("neurofuse", "")),
    )
    with staged(path.parent, [path.name], overwrite=overwrite) as stage:
        (stage / path.name).write_text(text, encoding="utf-8", errors="replace", newline="\n")
    return path


def _section(name: str, title: str, content: str) -> str:
    return f'<section id="{name}"><h2>{title}</h2>{content}</section>'


def _subtitle(rows: Sequence[GroupRow]) -> str:
    people = len({row.participant for row in rows})
    sites, devices = ({getattr(row, key) for row in rows} - {""} for key in ("site", "device"))
    counts = ((people, "participant"), (len(sites), "site"), (len(devices), "device"))
    told = [f"{n} {word}{'s' * (n != 1)}" for n, word in counts if n]
    return f"{', '.join(told)}; {duration_text(sum(row.seconds or 0 for row in rows))} in all"


def _headline(rows: Sequence[GroupRow], trouble: Iterable[str]) -> list[str]:
    """Did it work, in the first sentence; then what was found in each modality."""
    count = Counter(row.state for row in rows)
    others = [f"{count[state]} {state}" for state in STATES if state != "done" and count[state]]
    first = f"{count['done']} of {len(rows)} recordings are cleaned"
    lines = [f"{first}; {listed(others)}." if others else f"{first}.", *trouble]
    for modality in MODALITIES.values():
        own = [row.streams[modality.name] for row in rows if modality.name in row.streams]
        if not own:
            continue
        usable = sum(of.usable for of in own) / sum(of.channels for of in own)
        facts = [f"{percent(usable)} of channels usable"]
        for key, words in (("moving", "of the time in motion"), ("lost", "of channel-time lost")):
            known = [value for of in own if (value := getattr(of, key)) is not None]
            if known:
                median, most = float(np.median(known)), max(known)
                share = f"{percent(median)} {words} (median; at most {percent(most)})"
                facts.append(share if most else f"none {words}")
        lines.append(f"{modality.display}, {len(own)} recordings: {'; '.join(facts)}.")
    return lines


def _overview(rows: Sequence[GroupRow], far: Sequence[Outlier]) -> str:
    """What did not work, and what worked and is unusual, side by side."""
    left = [
        line
        for state in STATES
        if state != "done"
        for line in _reasons(state, [n for n, row in enumerate(rows) if row.state == state], rows)
    ]
    right = _unusual(rows, far)
    blocks = (
        ("Not cleaned", left, "Everything that was planned is cleaned."),
        ("Cleaned, but look at these", right, "No recording stands out."),
    )
    told = "".join(
        f"<div><h3>{head}</h3><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul></div>"
        if lines
        else f"<div><h3>{head}</h3><p>{nothing}</p></div>"
        for head, lines, nothing in blocks
    )
    return f'<div class="halves">{told}</div>'


def _reasons(state: str, numbers: list[int], rows: Sequence[GroupRow]) -> list[str]:
    """Recordings in a state, together where the reason is the same but for names and numbers."""
    alike: dict[str, list[int]] = defaultdict(list)
    for number in numbers:
        alike[re.sub(r"\S*\d\S*", "…", rows[number].reason)].append(number)
    groups = sorted(alike.values(), key=lambda group: (-len(group), group[0]))
    lines = []
    for group in groups[:REASONS]:
        reason = rows[group[0]].reason
        lines.append(
            f'<span class="state {state.replace(" ", "-")}">{len(group)} {state}</span> '
            f"{_links(group, rows)}{f': {escape(reason)}' if reason else ''}"
        )
    if len(groups) > REASONS:
        more = sum(map(len, groups[REASONS:]))
        lines.append(f"{more} {state} for {len(groups) - REASONS} other reasons: see the table")
    return lines


def _unusual(rows: Sequence[GroupRow], far: Sequence[Outlier]) -> list[str]:
    """Recordings beyond a limit, then outliers, each with all that is unusual about it."""
    found: dict[int, dict[tuple[str, str], str]] = defaultdict(dict)
    for number, row in enumerate(rows):
        for modality, keys in beyond_limits(row).items():
            for measure in measures_of(modality):
                value = measure.value(row.streams[modality])
                if measure.key in keys and value is not None:
                    words = f"{measure.title} {in_words(modality, measure, value)}"
                    found[number][modality, measure.key] = words
    beyond = set(found)
    for one in far:
        value, usual = (in_words(one.modality, one.measure, v) for v in (one.value, one.median))
        words = f"{one.measure.title} {value} (usual {usual})"
        found[one.row][one.modality, one.measure.key] = words
    lines = []
    for number in list(found)[:UNUSUAL]:
        kind, badge = (LIMIT, "beyond limits") if number in beyond else (FAR, "outlier")
        told = []
        for modality in MODALITIES.values():
            own = [words for (name, _), words in found[number].items() if name == modality.name]
            told += [f"{modality.display} {', '.join(own)}"] if own else []
        lines.append(
            f'<span class="state {kind}">{badge}</span> {_link(number, rows)}: {"; ".join(told)}'
        )
    if len(found) > UNUSUAL:
        lines.append(f"{len(found) - UNUSUAL} more: see the table")
    return lines


def _links(group: Sequence[int], rows: Sequence[GroupRow]) -> str:
    shown = ", ".join(_link(number, rows) for number in group[:NAMED])
    return shown + (f" and {len(group) - NAMED} more" if len(group) > NAMED else "")


def _link(number: int, rows: Sequence[GroupRow]) -> str:
    return f'<a href="#r{number}">{escape(rows[number].name)}</a>'


def _terms() -> str:
    states = "".join(f"<dt>{state}</dt><dd>{words}</dd>" for state, words in STATES.items())
    return (
        f'<dl class="note">{states}'
        "<dt>in motion</dt><dd>fraction of the time in which some channel is in motion</dd>"
        "<dt>lost</dt><dd>fraction of channel-time, of channels that are not bad, that measured "
        "nothing of the participant</dd>"
        "<dt>attenuation</dt><dd>RMS before over after cleaning, within detected motion; without a "
        "motion mask, in the whole recording</dd>"
        "<dt>size (EEG)</dt><dd>standard deviation in 1–50 Hz before cleaning, median over "
        "channels</dd>"
        "<dt>SCI (fNIRS)</dt><dd>scalp coupling index before cleaning, median over channels; 1 is "
        "best</dd>"
        f"<dt>outlier</dt><dd>robust z = 0.6745 × (value − median) / MAD beyond {FARTHEST} within "
        f"the same modality and device, on the side that is worse, of at least {LEAST} recordings; "
        "small differences that do not matter are left out</dd>"
        "<dt>beyond limits</dt><dd>fewer than "
        f"{100 * FEW_USABLE:.0f} % of channels usable, or more than {100 * MUCH_LOST:.0f} % of "
        "channel-time lost</dd></dl>"
    )
