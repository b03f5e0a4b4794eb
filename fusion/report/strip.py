"""The interactive strip chart: all streams on one clock, before and after, at any zoom.

What the page's script (`strip.js`) needs is embedded here: a JSON head, and for each stream the
layers of its pyramid as base64. The static figures below it are for paper, and for browsers
without scripts.
"""

import base64
import gzip
import json
from functools import cache
from importlib.resources import files

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.draw_traces import most_changed
from neurofuse.fusion.plot.style import UNITS
from neurofuse.fusion.report.controls import controls
from neurofuse.fusion.report.pyramid import STEPS, Pyramid, centres, pyramid
from neurofuse.fusion.views.before_after import View, bouts, carpet, change, strongest

BUDGET = {"eeg": 880_000, "nirs": 550_000}  # bytes, before base64 makes them a third larger
SHOWN = 6  # channels of a stream at first
DEVIATIONS = 5  # from the middle of a lane to its edge, at least
COLUMNS = 500  # of the overview
EVENTS = 5000  # the first of them, should a file hold more
APART = 1.0  # s between two movements, else they count as one


def strip_chart(found: list[View], events: xr.Dataset | None) -> str:
    """HTML of the chart, hidden until its script runs.

    Parameters
    ----------
    found : list of View
        Streams, from `views`.
    events : Dataset, optional
        An `/events` node.
    """
    packed = {view.stream: pyramid(view, _budget(view, found)) for view in found}
    head = {
        "start": min(float(v.time[0]) for v in found),
        "stop": max(float(v.time[-1]) + 1 / v.rate for v in found),
        "events": _events(events),
        "movements": _movements(found),
        "strongest": strongest(found)[:2],
        "streams": [_stream(view, packed[view.stream]) for view in found],
    }
    blobs = "".join(
        _blob(f"strip-{stream}-{number}", layer.packed)
        for stream, of in packed.items()
        for number, layer in enumerate(of.layers)
    )
    parts = files("neurofuse.fusion.report")
    own = ("layers.js", "sensors.js", "strip.js")
    script = "".join(parts.joinpath(f).read_text("utf-8") for f in own)
    return (
        f'<div id="strip-chart" hidden>{controls(found, packed)}</div>'
        f'<script type="application/json" id="strip-head">{embedded(head)}</script>{blobs}'
        f"{_blob('plotly', _plotly())}<script>{script}</script>"
    )


def embedded(value) -> str:
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


def _budget(view: View, found: list[View]) -> int:
    return BUDGET[view.stream] if len(found) > 1 else sum(BUDGET.values())


def _stream(view: View, of: Pyramid) -> dict:
    unit, factor = UNITS[view.stream]
    size = carpet(view, lambda i: change(view, i), columns=COLUMNS)[view.used]
    course = np.sqrt(size / size.max()).mean(axis=0) if size.size and size.max() else np.zeros(1)
    peak = course.max() or 1.0
    return {
        "key": view.stream,
        "name": view.name,
        "unit": unit,
        "quantum": of.quantum * factor,
        "lane": _lane(view, of),
        "rate": view.rate,
        "start": float(view.time[0]),
        "channels": view.channel,
        "bad": np.flatnonzero(view.bad).tolist(),
        "wavelengths": view.wavelength,
        "kinds": of.kinds,
        "gate": view.moving is not None,
        "layers": [[layer.first, layer.width, layer.bins] for layer in of.layers],
        "shown": most_changed(view, (-np.inf, np.inf), SHOWN),
        "overview": np.rint(255 * course / peak).astype(int).tolist(),
    }


def _lane(view: View, of: Pyramid) -> int:
    """Integers from the middle of a lane to its edge: EEG's rhythms, all of the slow fNIRS."""
    least = DEVIATIONS * STEPS[view.stream]
    if view.stream == "eeg":
        return least
    centred = np.abs(view.after - centres(view)[..., None])[view.used]
    finite = centred[np.isfinite(centred)]
    return max(least, int(np.percentile(finite, 98) / of.quantum) if finite.size else 0)


def _events(events: xr.Dataset | None) -> list[tuple]:
    if events is None or not events.sizes.get("event", 0):
        return []
    columns = (events[name].values for name in ("onset", "duration", "description"))
    rows = {(float(o), max(float(d), 0.0), str(k)) for o, d, k in zip(*columns, strict=True)}
    return sorted(row for row in rows if np.isfinite(row[:2]).all())[:EVENTS]


def _movements(found: list[View]) -> list[list[float]]:
    """Stretches [s] in which some channel of some stream moves, to walk through."""
    spans = sorted(
        span
        for view in found
        if (moving := view.moving_anywhere) is not None
        for span in bouts(moving, view.time, view.rate)
    )
    joined: list[list[float]] = []
    for start, stop in spans:
        if joined and start - joined[-1][1] < APART:
            joined[-1][1] = max(joined[-1][1], stop)
        else:
            joined.append([start, stop])
    return [[round(start, 3), round(stop, 3)] for start, stop in joined]
