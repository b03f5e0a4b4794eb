"""The interactive strip chart: both modalities on one clock, recorded and cleaned, at any zoom.

What the page's script (`strip.js`) needs is embedded here: a JSON head, and for each modality the
layers of its pyramid as base64. The static figures below it are for paper, and for browsers
without scripts.
"""

import base64
import gzip
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.draw_lanes import Window, by_change, most_changed
from neurofuse.fusion.report.controls import controls
from neurofuse.fusion.report.pyramid import LARGEST, STEPS_PER_DEVIATION, Pyramid, centres, pyramid
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.changes import carpet, change, stretches, strongest
from neurofuse.fusion.views.haemoglobin import pairs
from neurofuse.io.modality import EEG, NIRS

BUDGET_BYTES = 1_430_000  # of all traces, before base64 makes them a third larger
BUDGET_SHARES = {"eeg": 0.6, "nirs": 0.2, "haemoglobin": 0.2}
SHOWN_AT_FIRST = 6  # channels of a modality
PAIRS = 3  # of HbO and HbR
DEVIATIONS = 5  # from the middle of a lane to its edge, at least
COLUMNS = 500  # of the overview
MOST_EVENTS = 5000  # the first of them, should a file contain more
SECONDS_APART = 1.0  # between two stretches with motion, else they count as one


def strip_chart(
    views: Sequence[View], events: xr.Dataset | None, haemoglobin: View | None = None
) -> str:
    """HTML of the chart, hidden until its script runs.

    Parameters
    ----------
    views : list of View
        Modalities, from `views_of`.
    events : Dataset, optional
        An `/events` node.
    haemoglobin : View, optional
        Drawn below the fNIRS that it is made of.
    """
    drawn = [*views, *([] if haemoglobin is None else [haemoglobin])]
    packed = {view.stream: pyramid(view, _budget(view, drawn)) for view in drawn}
    streams = [_stream(view, packed[view.stream]) for view in views]
    if haemoglobin is not None:
        own = _stream(haemoglobin, packed[haemoglobin.stream])
        nirs = next(view for view in views if view.modality is NIRS)
        shown = haemoglobin_rows(nirs, (-np.inf, np.inf))
        # the overview shows the fNIRS already
        streams.append({**own, "shown": shown, "overview": []})
    head = {
        "start": min(float(v.time[0]) for v in views),
        "stop": max(float(v.time[-1]) + 1 / v.rate for v in views),
        "events": _events(events),
        "motion": _motion(views),
        "strongest": strongest(views)[:2],
        "saturation": LARGEST,
        "streams": streams,
    }
    blobs = "".join(
        _blob(f"strip-{stream}-{number}", layer.packed)
        for stream, of in packed.items()
        for number, layer in enumerate(of.layers)
    )
    parts = files("neurofuse.fusion.report")
    own = ("layers.js", "clip.js", "sensors.js", "strip.js")
    script = "".join(parts.joinpath(f).read_text("utf-8") for f in own)
    return (
        f'<div id="strip-chart" hidden>{controls(drawn, packed)}</div>'
        f'<script type="application/json" id="strip-head">{embedded(head)}</script>{blobs}'
        f"{_blob('plotly', _plotly())}<script>{script}</script>"
    )


def haemoglobin_rows(nirs: View, window: Window) -> list[int]:
    """HbO and HbR of the most changed fNIRS channels, of long ones where there are any."""
    order = by_change(nirs, window)
    long = [index for index in order if not nirs.short[index]] or order
    return pairs(sorted(long[:PAIRS]))


def embedded(value: object) -> str:
    """JSON that may stand in an HTML script: nothing in it can end that script.

    Examples
    --------
    >>> embedded("</script>")
    '"\\\\u003c/script>"'
    """
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")


@cache
def _plotly() -> bytes:
    """plotly.js, compressed; the page's script inflates it."""
    from plotly.offline import get_plotlyjs

    return gzip.compress(get_plotlyjs().encode(), mtime=0)


def _blob(name: str, content: bytes) -> str:
    text = base64.b64encode(content).decode()
    return f'<script type="application/gzip" id="{name}">{text}</script>'


def _budget(view: View, views: Sequence[View]) -> int:
    shares = {one.stream: BUDGET_SHARES[one.stream] for one in views}
    return int(BUDGET_BYTES * shares[view.stream] / sum(shares.values()))


def _stream(view: View, of: Pyramid) -> dict[str, Any]:
    size = carpet(view, lambda i: change(view, i), columns=COLUMNS)[view.used]
    course = np.sqrt(size / size.max()).mean(axis=0) if size.size and size.max() else np.zeros(1)
    peak = course.max() or 1.0
    return {
        "key": view.stream,
        "name": view.name,
        "unit": view.modality.plot_unit,
        "quantum": of.quantum * view.modality.plot_scale,
        "lane": _lane(view, of),
        "rate": view.rate,
        "start": float(view.time[0]),
        "channels": view.channel,
        "bad": np.flatnonzero(view.bad).tolist(),
        "wavelengths": view.wavelength,
        "kinds": of.kinds,
        "mask": view.in_motion is not None or view.lost is not None,
        "layers": [[layer.first, layer.width, layer.bins] for layer in of.layers],
        "shown": most_changed(view, (-np.inf, np.inf), SHOWN_AT_FIRST),
        "overview": np.rint(255 * course / peak).astype(int).tolist(),
    }


def _lane(view: View, of: Pyramid) -> int:
    """Integers from the middle of a lane to its edge: EEG's rhythms, all of the slow fNIRS."""
    least = DEVIATIONS * STEPS_PER_DEVIATION[view.stream]
    if view.modality is EEG:
        return least
    centred = np.abs(view.after - centres(view)[..., None])[view.used]
    if view.lost is not None:
        centred = centred[~np.broadcast_to(view.lost[view.used][:, None], centred.shape)]
    finite = centred[np.isfinite(centred)]
    return max(least, int(np.percentile(finite, 98) / of.quantum) if finite.size else 0)


def _events(events: xr.Dataset | None) -> list[tuple[float, float, str]]:
    if events is None or not events.sizes.get("event", 0):
        return []
    columns = (events[name].values for name in ("onset", "duration", "description"))
    rows = {(float(o), max(float(d), 0.0), str(k)) for o, d, k in zip(*columns, strict=True)}
    return sorted(row for row in rows if np.isfinite(row[:2]).all())[:MOST_EVENTS]


def _motion(views: Sequence[View]) -> list[list[float]]:
    """Stretches [s] in which some channel of some modality is in motion, to step through."""
    spans = sorted(
        span
        for view in views
        if (mask := view.any_in_motion) is not None
        for span in stretches(mask, view.time, view.rate)
    )
    joined: list[list[float]] = []
    for start, stop in spans:
        if joined and start - joined[-1][1] < SECONDS_APART:
            joined[-1][1] = max(joined[-1][1], stop)
        else:
            joined.append([start, stop])
    return [[round(start, 3), round(stop, 3)] for start, stop in joined]
