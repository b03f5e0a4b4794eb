"""The frame of the interactive chart: buttons, switches, lists of channels, keys.

The chart's script binds them by their `data-` attributes.
"""

from collections.abc import Mapping, Sequence
from html import escape

from neurofuse.fusion.plot.style import labels
from neurofuse.fusion.report.pyramid import Pyramid
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.phrases import listed
from neurofuse.io.modality import NIRS

KEYS = {
    "← →": "a quarter of the window back, forward",
    "Home End": "first and last stretch",
    "+ −": "zoom in, out (also Ctrl + wheel)",
    "0": "whole recording",
    "n p": "next, previous motion",
    "m": "largest change",
    "↑ ↓": "lanes taller, flatter",
}


def controls(views: Sequence[View], packed: Mapping[str, Pyramid]) -> str:
    """HTML of the chart's frame: buttons, switches, lists of channels, and words below."""
    names = ", ".join(view.name for view in views)
    return (
        f'<div class="bar" role="group" aria-label="Move and zoom">{_buttons(views)}</div>'
        f'<div class="bar" role="group" aria-label="What is drawn">{_switches(views)}</div>'
        '<canvas id="overview" height="44" role="img" aria-label="How much was changed over '
        'the whole recording; the frame is the stretch shown below"></canvas>'
        f'<div id="strip" tabindex="0" role="application" aria-describedby="shown" '
        f'aria-label="{names}, recorded and cleaned; arrow keys move, plus and minus zoom">'
        '</div><p id="shown" class="note" role="status" aria-live="polite"></p>'
        f"{''.join(_channels(view) for view in views)}"
        f'<details><summary>Keys</summary><dl class="keys">{_keys()}</dl></details>'
        f'<p class="note">{escape(resolution(views, packed))}</p>'
    )


def _buttons(views: Sequence[View]) -> str:
    named = {"whole": "Whole recording", "largest": "Largest change"}
    if any(view.in_motion is not None for view in views):
        named |= {"previous": "◀ Motion", "next": "Motion ▶"}
    named |= {"in": "Zoom in", "out": "Zoom out", "taller": "Taller", "flatter": "Flatter"}
    return "".join(f'<button type="button" data-do="{k}">{v}</button>' for k, v in named.items())


def _switches(views: Sequence[View]) -> str:
    titles = labels(views) | {"events": "events"}
    text = "".join(
        f'<label class="switch {kind}"><input type="checkbox" data-kind="{kind}" checked> '
        f"{title}</label>"
        for kind, title in titles.items()
    )
    if any(view.modality is NIRS for view in views):
        text += (
            '<label class="switch"><input type="checkbox" data-kind="level" checked> '
            "fNIRS lines start at the same value</label>"
        )
    return text


def _channels(view: View) -> str:
    boxes = "".join(
        f'<label><input type="checkbox" data-stream="{view.stream}" data-channel="{i}"> '
        f"{escape(name)}{' ×' if bad else ''}</label>"
        for i, (name, bad) in enumerate(zip(view.channel, view.bad, strict=True))
    )
    picks = {"most": "Most changed", "all": "All", "none": "None"}
    buttons = "".join(
        f'<button type="button" data-stream="{view.stream}" data-pick="{k}">{v}</button>'
        for k, v in picks.items()
    )
    waves = ""
    if len(view.wavelength) > 1:
        options = "".join(
            f'<option value="{i}">{w:g} nm</option>' for i, w in enumerate(view.wavelength)
        )
        waves = f'<label>Wavelength <select data-stream="{view.stream}">{options}</select></label>'
    return (
        f'<details class="channels"><summary>{view.name} channels '
        f'(<span data-count="{view.stream}"></span> of {len(view.channel)})</summary>'
        f'<div class="bar">{buttons}{waves}</div><fieldset><legend>{view.name} channels drawn'
        f"{' (× is bad)' if view.bad.any() else ''}</legend>{boxes}</fieldset></details>"
    )


def _keys() -> str:
    rows = []
    for keys, what in KEYS.items():
        caps = " ".join(f"<kbd>{key}</kbd>" for key in keys.split())
        rows.append(f"<div><dt>{caps}</dt><dd>{what}</dd></div>")
    return "".join(rows)


def resolution(views: Sequence[View], packed: Mapping[str, Pyramid]) -> str:
    """What the page contains, in a sentence: none contains every sample of an hour."""
    parts = []
    for view in views:
        base, *finer = packed[view.stream].layers
        if base.width == 1:
            parts.append(f"every sample of {view.name}")
            continue
        text = f"the minimum and maximum of every {base.width / view.rate:.2g} s of {view.name}"
        if finer:
            width = finer[0].width
            detail = "every sample" if width == 1 else f"those of every {width / view.rate:.2g} s"
            seconds = sum(layer.bins * layer.width for layer in finer) / view.rate
            text += f", with {detail} in the {seconds:.0f} s that were changed most"
        parts.append(text)
    return f"This page contains {listed(parts)}."
