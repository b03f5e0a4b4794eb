"""Both montages on one head: how much each channel was changed, and how good it is."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.sensor_places import HEAD, Sensors, amount, places
from neurofuse.fusion.plot.style import AFTER, BEFORE, MASK
from neurofuse.fusion.report.html import table
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.changes import compared_unit
from neurofuse.fusion.views.phrases import listed
from neurofuse.io.modality import EEG

FILL = {"eeg": AFTER, "nirs": BEFORE}
MOST = 10  # rows of the table where no map can be drawn

Look = Callable[[View, int], tuple[str, float, str]]
"""How a channel is drawn: its fill, opacity, and description."""


def sensor_map(
    recording: xr.DataTree, views: Sequence[View], quality: Mapping[str, xr.Dataset]
) -> str:
    """HTML of two heads: how much was changed, and the quality of each channel.

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
    if any(np.isfinite(place.at).any() for place in placed.values()):
        panels = [
            _panel("How much was changed", views, placed, _changed(size)),
            _panel("Quality", views, placed, _quality(quality)),
        ]
        caption = _caption(views, placed, size)
        text = f'<figure><div class="heads">{"".join(panels)}</div>{caption}</figure>'
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


def _changed(size: Mapping[str, np.ndarray]) -> Look:
    def look(view: View, index: int) -> tuple[str, float, str]:
        top = size[view.stream].max() or 1.0
        value = size[view.stream][index]
        text = f"{value * view.modality.plot_scale:.3g} {view.modality.plot_unit} changed"
        return FILL[view.stream], float(value / top), text

    return look


def _quality(quality: Mapping[str, xr.Dataset]) -> Look:
    from neurofuse.io.quality.channels import MASKS

    def look(view: View, index: int) -> tuple[str, float, str]:
        if view.stream not in quality:
            return "none", 0.0, "quality unknown"
        one = quality[view.stream].isel(channel=index)
        masks = [m for m in MASKS[view.stream] if m != "short" and m in one and bool(one[m])]
        if view.bad[index] or not bool(one.usable):
            return BEFORE, 1.0, f"bad: {str(one.reason.item()) or 'marked as bad'}"
        if masks:
            return MASK, 0.8, f"usable, but {listed([m.replace('_', ' ') for m in masks])}"
        return "none", 0.0, "usable"

    return look


def _panel(title: str, views: Sequence[View], placed: Mapping[str, Sensors], look: Look) -> str:
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
            shapes.append(_sensor(view, index, place, look(view, index)))
    reach = [np.nanmax(np.abs(p.at), initial=0.0) for p in placed.values()]
    half = round(max(122.0, HEAD * max(reach) + 14))
    return (
        f'<div><p class="name">{title}</p><svg class="map" role="img" '
        f'viewBox="{-half} {-half} {2 * half} {2 * half}" aria-label="{title}: both montages '
        f'seen from above, nose up">{"".join(shapes)}</svg></div>'
    )


def _sensor(view: View, index: int, place: Sensors, look: tuple[str, float, str]) -> str:
    fill, opacity, words = look
    x, y = _xy(place.at[index])
    size = float(np.clip(60 / np.sqrt(len(view.channel)), 3, 10))
    style = f'fill="{fill}" fill-opacity="{opacity:.2f}"'
    name = view.channel[index]
    lines: list[str] = []
    shown = name if view.modality is EEG and size > 7 and len(name) <= 4 else ""
    if place.ends is None:
        shape = f'<circle cx="{x}" cy="{y}" r="{size:.1f}" {{}}/>'
    else:
        (a, b), (c, d) = _xy(place.ends[index, 0]), _xy(place.ends[index, 1])
        half = size * (0.4 if view.short[index] else 0.7)
        diamond = f"M{x} {y - half:.1f} l{half:.1f} {half:.1f} l-{half:.1f} {half:.1f} "
        diamond += f"l-{half:.1f} -{half:.1f} z"
        lines.append(f'<path d="M{a} {b} L{c} {d}" class="pair"/>')
        shape = f'<path d="{diamond}" {{}}/>'
    # on the page's colour, so that nothing beneath shines through
    lines += [shape.format('class="under"'), shape.format(style)]
    if view.bad[index]:
        s = size * 0.75
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
    views: Sequence[View], placed: Mapping[str, Sensors], size: Mapping[str, np.ndarray]
) -> str:
    parts = []
    for view in views:
        what = "circles" if view.modality is EEG else "diamonds between source and detector"
        top = size[view.stream].max() * view.modality.plot_scale
        parts.append(
            f"{view.name}: {what}, full colour is {top:.3g} {compared_unit(view.modality)} RMS"
        )
    place = (
        "The positions are not those of a head; they are drawn as in the file, x to the right."
        if any(place.flat for place in placed.values())
        else "Seen from above, nose up; the circle is at the height of the ears."
    )
    return (
        f"<figcaption>How much was changed: {'; '.join(parts)}. Quality: "
        f'<span style="color:{BEFORE}">■</span> bad or unusable, '
        f'<span style="color:{MASK}">■</span> usable with a measure beyond its limit, empty: '
        f"no problem found. × is marked bad; small diamonds are short channels. {place} Point at a "
        "sensor for its name; click it to show or hide its channel in the traces above (keys: tab, "
        "arrows, Enter)."
        "</figcaption>"
    )


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
