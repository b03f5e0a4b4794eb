"""Both montages on one head: how much each channel was changed, its quality, its scalp coupling."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.sensor_places import HEAD, Sensors, amount, apart, places
from neurofuse.fusion.plot.style import BEFORE, MASK
from neurofuse.fusion.report.html import table
from neurofuse.fusion.report.sensor_looks import BLUE, Look, changed, coupled, graded
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.changes import compared_unit
from neurofuse.fusion.views.phrases import listed
from neurofuse.io.modality import EEG, NIRS

MOST = 10  # rows of the table where no map can be drawn
GAP = 1.0  # between markers, in the units of the drawing


def sensor_map(
    recording: xr.DataTree, views: Sequence[View], quality: Mapping[str, xr.Dataset]
) -> str:
    """HTML of heads: how much was changed, the quality of each channel, the coupling of optodes.

    Parameters
    ----------
    recording : Recording
        With positions [m, head frame]; channels without one are named, not drawn.
    views : list of View
        Its modalities.
    quality : dict of Dataset
        `channel_quality` of each modality, where it could be computed.
    """
    placed = places(recording, [view.stream for view in views])
    text, size = "", {view.stream: amount(view) for view in views}
    sci = quality[NIRS.name].sci if NIRS.name in quality else None
    coupling = sci is not None and bool(sci.notnull().any())
    if any(np.isfinite(place.at).any() for place in placed.values()):
        looks = {"How much was changed": changed(size), "Quality": graded(quality)}
        if coupling:
            looks["Scalp coupling"] = coupled(quality[NIRS.name])
        spread, radius = _spread(views, placed)
        panels = [_panel(title, views, spread, radius, look) for title, look in looks.items()]
        caption = _caption(views, placed, size, quality if coupling else {})
        text = f'<figure><div class="heads">{"".join(panels)}</div>{caption}</figure>'
    if sci is not None and not coupling:
        why = sci.attrs.get("missing_because") or "no channel shows a heart beat to judge it by"
        text += f'<p class="note">No map of scalp coupling: {escape(str(why))}.</p>'
    for view in views:
        place = placed[view.stream]
        lost = np.flatnonzero(~np.isfinite(place.at).all(axis=1))
        if len(lost) == len(view.channel):
            text += f"<p>No position of any {view.name} channel is known, so none is on a map.</p>"
            text += _most_changed(view, size[view.stream])
        elif len(lost):
            names = listed([view.channel[i] for i in lost[:MOST]])
            more = f" and {len(lost) - MOST} more" if len(lost) > MOST else ""
            text += f'<p class="note">{view.name}, position unknown: {escape(names)}{more}.</p>'
    return text


def _spread(
    views: Sequence[View], placed: Mapping[str, Sensors]
) -> tuple[dict[str, Sensors], dict[str, float]]:
    """Places at which no marker lies on another, and the radius of each modality's markers."""
    radius = {}
    for view in views:
        size = float(np.clip(60 / np.sqrt(len(view.channel)), 3, 10))
        radius[view.stream] = size if view.modality is EEG else 0.7 * size
    at = np.concatenate([HEAD * placed[view.stream].at for view in views])
    room = np.concatenate([np.full(len(v.channel), radius[v.stream] + GAP / 2) for v in views])
    at, shrink = apart(at, room)
    spread, first = {}, 0
    for view in views:
        place = placed[view.stream]
        last = first + len(view.channel)
        spread[view.stream] = replace(place, at=at[first:last] / HEAD)
        first = last
    return spread, {stream: shrink * size for stream, size in radius.items()}


def _panel(
    title: str,
    views: Sequence[View],
    placed: Mapping[str, Sensors],
    radius: Mapping[str, float],
    look: Look,
) -> str:
    shapes = []
    if not any(place.flat for place in placed.values()):
        shapes = [
            f'<circle r="{HEAD:g}" class="head"/>',
            '<path d="M-12 -99 L0 -116 L12 -99" class="head"/>',
            '<path d="M-100 -14 q-11 14 0 28 M100 -14 q11 14 0 28" class="head"/>',
        ]
    # lines of fNIRS beneath, so that no electrode is hidden
    for view in sorted(views, key=lambda v: v.modality is EEG):
        place = placed[view.stream]
        for index in np.flatnonzero(np.isfinite(place.at).all(axis=1)).tolist():
            shapes.append(_sensor(view, index, place, radius[view.stream], look(view, index)))
    every = [p.at if p.ends is None else p.ends.reshape(-1, 2) for p in placed.values()]
    every += [p.at for p in placed.values()]
    least = 0.0 if any(place.flat for place in placed.values()) else 122.0  # the head itself
    x, y = (
        round(max(least, HEAD * max(np.nanmax(np.abs(at[:, k]), initial=0.0) for at in every) + 14))
        for k in (0, 1)
    )
    return (
        f'<div><p class="name">{title}</p><svg class="map" role="img" '
        f'viewBox="{-x} {-y} {2 * x} {2 * y}" aria-label="{title}: both montages '
        f'seen from above, nose up">{"".join(shapes)}</svg></div>'
    )


def _sensor(
    view: View, index: int, place: Sensors, size: float, look: tuple[str, float, str]
) -> str:
    fill, opacity, words = look
    x, y = _xy(place.at[index])
    style = f'fill="{fill}" fill-opacity="{opacity:.2f}"'
    name = view.channel[index]
    lines: list[str] = []
    shown = name if view.modality is EEG and size > 7 and len(name) <= 4 else ""
    if place.ends is None:
        shape = f'<circle cx="{x}" cy="{y}" r="{size:.1f}" {{}}/>'
    else:
        (a, b), (c, d) = _xy(place.ends[index, 0]), _xy(place.ends[index, 1])
        half = size * (0.6 if view.short[index] else 1.0)
        diamond = f"M{x} {y - half:.1f} l{half:.1f} {half:.1f} l-{half:.1f} {half:.1f} "
        diamond += f"l-{half:.1f} -{half:.1f} z"
        lines.append(f'<path d="M{a} {b} L{c} {d}" class="pair"/>')
        shape = f'<path d="{diamond}" {{}}/>'
    # on the page's colour, so that nothing beneath shines through
    lines += [shape.format('class="under"'), shape.format(style)]
    if view.bad[index]:
        s = size * 0.7
        lines.append(
            f'<path d="M{x - s:.1f} {y - s:.1f} l{2 * s:.1f} {2 * s:.1f} '
            f'm0 -{2 * s:.1f} l-{2 * s:.1f} {2 * s:.1f}" class="cross"/>'
        )
    if shown:
        lines.append(f'<text x="{x}" y="{y + 2.6:.1f}" class="tag">{escape(shown)}</text>')
    short = ", short" if view.short[index] else ""
    title = f"<title>{escape(name)}{short}: {escape(words)}</title>"
    return f'<g data-sensor="{view.stream}-{index}">{title}{"".join(lines)}</g>'


def _xy(point: np.ndarray) -> tuple[float, float]:
    return round(float(point[0]) * HEAD, 1), round(-float(point[1]) * HEAD, 1)


def _caption(
    views: Sequence[View],
    placed: Mapping[str, Sensors],
    size: Mapping[str, np.ndarray],
    coupling: Mapping[str, xr.Dataset],
) -> str:
    from neurofuse.io.quality.nirs import SCI_WEAK

    parts = []
    for view in views:
        what = "circles" if view.modality is EEG else "diamonds between source and detector"
        top = size[view.stream].max() * view.modality.plot_scale
        full = f"full colour is {top:.3g} {compared_unit(view.modality)} RMS"
        parts.append(f"{view.name}: {what}, {full if top else 'nothing was changed'}")
    place = (
        "The positions are not those of a head; they are drawn as in the file, x to the right."
        if any(place.flat for place in placed.values())
        else "Seen from above, nose up; the circle is at the height of the ears."
    )
    place += " Sensors that would lie on each other are moved apart."
    text = f"How much was changed: {'; '.join(parts)}. Quality: {_key(BEFORE)} bad or unusable, "
    text += f"{_key(MASK)} usable with a measure beyond its limit, empty: no problem found. "
    if coupling:
        text += (
            f"Scalp coupling index: {_key(BLUE)} above {SCI_WEAK:g}, full colour is 1; "
            f"{_key(BEFORE)} below, where optodes hardly touch the scalp; empty: unknown, or EEG. "
        )
    text += f"× is marked bad; small diamonds are short channels. {place}{_bad(views)}"
    text += (
        '<span class="live-only"> Point at a sensor for its name; click it to show or hide its '
        "channel in the traces above (keys: tab, arrows, Enter).</span>"
    )
    return f"<figcaption>{text}</figcaption>"


def _key(colour: str) -> str:
    return f'<span style="color:{colour}">■</span>'


def _bad(views: Sequence[View]) -> str:
    """Names of bad channels: on paper nobody can point at a sensor."""
    names = [n for view in views for n, bad in zip(view.channel, view.bad, strict=True) if bad]
    return f" Bad: {escape(listed(names))}." if names else ""


def _most_changed(view: View, size: np.ndarray) -> str:
    order = np.argsort(-size, kind="stable")[:MOST]
    rows = [
        [
            view.channel[i],
            f"{size[i] * view.modality.plot_scale:.3g}",
            "yes" if view.bad[i] else "no",
        ]
        for i in order
    ]
    head = ["Channel", f"Change, RMS [{compared_unit(view.modality)}]", "bad"]
    return table(head, rows, "Most changed channels")
