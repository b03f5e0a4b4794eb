"""What stands around the strip chart: buttons, switches, lists of channels, keys.

The chart's script binds them by their `data-` attributes.
"""

from html import escape

from neurofuse.fusion.report.pyramid import Pyramid
from neurofuse.fusion.views.before_after import View
from neurofuse.io.recording import GATE_OPEN

KEYS = {
    "← →": "a quarter of the window back, on",
    "Home End": "first and last stretch",
    "+ −": "zoom in, out (also Ctrl + wheel)",
    "0": "whole recording",
    "n p": "next, previous movement",
    "m": "largest change",
    "↑ ↓": "lanes taller, flatter",
}


def controls(found: list[View], packed: dict[str, Pyramid]) -> str:
    """HTML of the chart's frame: buttons, switches, lists of channels, and words below."""
    names = " and ".join(view.name for view in found)
    return (
        f'<div class="bar" role="group" aria-label="Move and zoom">{_buttons(found)}</div>'
        f'<div class="bar" role="group" aria-label="What is drawn">{_switches(found)}</div>'
        '<canvas id="overview" height="44" role="img" aria-label="How much was changed over '
        'the whole recording; the frame is the stretch shown below"></canvas>'
        f'<div id="strip" tabindex="0" role="application" aria-describedby="shown" '
        f'aria-label="{names} before and after cleaning; arrow keys move, plus and minus zoom">'
        '</div><p id="shown" class="note" role="status" aria-live="polite"></p>'
        f"{''.join(_channels(view) for view in found)}"
        f'<details><summary>Keys</summary><dl class="keys">{_keys()}</dl></details>'
        f'<p class="note">{escape(resolution(found, packed))}</p>'
    )


def _buttons(found: list[View]) -> str:
    named = {"whole": "Whole recording", "largest": "Largest change"}
    if any(view.moving is not None for view in found):
        named |= {"previous": "◀ Movement", "next": "Movement ▶"}
    named |= {"in": "Zoom in", "out": "Zoom out", "taller": "Taller", "flatter": "Flatter"}
    return "".join(f'<button type="button" data-do="{k}">{v}</button>' for k, v in named.items())


def _switches(found: list[View]) -> str:
    drawn = {"before": any(v.treated for v in found), "after": True}
    drawn["truth"] = any(v.truth is not None for v in found)
    drawn["gate"] = any(v.moving is not None for v in found)
    drawn["events"] = True
    gate = any(v.gate is not None for v in found)
    title = {"gate": f"gate open (> {GATE_OPEN})" if gate else "injected movement"}
    if not drawn["before"]:
        title["after"] = "recorded"
    text = "".join(
        f'<label class="switch {kind}"><input type="checkbox" data-kind="{kind}" checked> '
        f"{title.get(kind, kind)}</label>"
        for kind, there in drawn.items()
        if there
    )
    if any(v.stream == "nirs" for v in found):
        text += (
            '<label class="switch"><input type="checkbox" data-kind="level" checked> '
            "fNIRS lines start at one level</label>"
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


def resolution(found: list[View], packed: dict[str, Pyramid]) -> str:
    """What is embedded, in a sentence: no page holds every sample of an hour."""
    parts = []
    for view in found:
        base, *finer = packed[view.stream].layers
        if base.width == 1:
            parts.append(f"{view.name} with every sample")
            continue
        text = f"{view.name} as smallest and largest value of every {base.width / view.rate:.2g} s"
        if finer:
            width = finer[0].width
            detail = "every sample" if width == 1 else f"those of every {width / view.rate:.2g} s"
            seconds = sum(layer.bins * layer.width for layer in finer) / view.rate
            text += f", with {detail} in the {seconds:.0f} s that were changed most"
        parts.append(text)
    return f"This page holds {'; '.join(parts)}."
