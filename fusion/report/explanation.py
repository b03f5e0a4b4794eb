"""The report's section on why stretches were taken for movement."""

from html import escape

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.sensor_places import HEAD, places
from neurofuse.fusion.report.html import table
from neurofuse.fusion.views.phrases import listed
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import EVIDENCE_INPUTS

LISTED = 30  # movements; with more those of the most evidence
NAMED = 2  # channels, bands and kinds in a sentence
DOT = 6.0  # radius, in the units of the drawing
NAMES = {**{name: one.display for name, one in MODALITIES.items()}, "imu": "IMU"}


def explanation_section(recording: xr.DataTree, explained: xr.Dataset) -> str:
    """HTML of a result of `neurofuse.explain`: a head for each movement looked at, and a table.

    Raises
    ------
    ParameterError
        If it is something else.
    """
    if not {"share", "probability", "incomplete"} <= set(explained.data_vars):
        raise ParameterError(
            f"an explanation of {sorted(map(str, explained.data_vars))}",
            "`share`, `probability` and `incomplete`",
            "pass what neurofuse.explain returned",
        )
    if not explained.sizes["movement"]:
        return "<p>No movement was found.</p>"
    heads = [
        _head(recording, explained.isel(movement=int(row)))
        for row in np.flatnonzero(np.isfinite(explained.incomplete.values))
    ]
    figure = ""
    if heads:
        caption = (
            "The largest movements of each modality: the stronger the colour, the more a channel "
            "raised the motion mask (integrated gradients of its log odds). Of EEG also the "
            "channels of which the correction of the most concerned one is made (weights of the "
            "spatial filter)."
        )
        figure = (
            f'<figure><div class="heads">{"".join(heads)}</div>'
            f"<figcaption>{caption}</figcaption></figure>"
        )
    return figure + _table(explained)


def _head(recording: xr.DataTree, one: xr.Dataset) -> str:
    """One movement: what raised the mask and made the correction on heads, and in sentences."""
    stream = str(one.modality.item())
    bands = one[f"{stream}_bands"].sum(f"{stream}_band")
    title = f"{NAMES[stream]}, {float(one.onset):.1f} s"
    maps = _map(recording, stream, bands, "log odds", f"{title}: channels that raised the mask")
    words = f'<p class="note">{escape(" ".join(sentences_of(one)))}</p>'
    panels = f'<div><p class="name">{title}</p>{maps}{words}</div>'
    if stream == "eeg":
        worst = _largest(bands)[0]
        used = one.eeg_weights.sel(eeg_channel=worst)
        if float(np.abs(used).sum()) > 0:
            about = f"Correction of {worst}: channels it is made of"
            panels += (
                f'<div><p class="name">{escape(about)}</p>'
                f"{_map(recording, stream, used, 'of it', about)}</div>"
            )
    return panels


def _map(recording: xr.DataTree, stream: str, values: xr.DataArray, unit: str, about: str) -> str:
    """Channels on a head: the larger a value (channel,), the stronger the colour."""
    at = places(recording, [stream])[stream].at
    row_of = {str(name): row for row, name in enumerate(recording[stream].channel.values)}
    top = max(float(values.max()), 1e-9)
    shapes = [
        f'<circle r="{HEAD:g}" class="head"/>',
        '<path d="M-12 -99 L0 -116 L12 -99" class="head"/>',
    ]
    names = values[values.dims[0]].values.tolist()
    for name, value in zip(names, values.values.tolist(), strict=True):
        x, y = at[row_of[name]]
        if np.isfinite(x + y):
            strength = min(max(value / top, 0.0), 1.0)
            shapes.append(
                f"<g><title>{escape(name)}: {value:.2f} {unit}</title>"
                f'<circle cx="{x * HEAD:.1f}" cy="{-y * HEAD:.1f}" r="{DOT}" '
                f'fill="var(--accent)" fill-opacity="{strength:.2f}"/></g>'
            )
    return (
        f'<svg class="map" role="img" viewBox="-122 -122 244 244" aria-label="{escape(about)}, '
        f'seen from above, nose up">{"".join(shapes)}</svg>'
    )


def sentences_of(one: xr.Dataset) -> list[str]:
    """What is known of one movement that was looked at, in sentences."""
    stream = str(one.modality.item())
    bands = one[f"{stream}_bands"]
    by_channel, by_band = (bands.sum(f"{stream}_{other}") for other in ("band", "channel"))
    lines = [
        f"Most of the evidence lies at {listed(_largest(by_channel))} and in the bands "
        f"{listed(_largest(by_band))}."
    ]
    shares = [
        f"{NAMES[name]} {_percent(float(one.share.sel(input=name)))}"
        for name in EVIDENCE_INPUTS
        if np.nan_to_num(float(one.share.sel(input=name))) != 0
    ]
    if shares:
        lines.append(f"It came from {listed(shares)}.")
    worst = _largest(by_channel)[0]
    used = one[f"{stream}_weights"].sel({f"{stream}_channel": worst})
    if float(np.abs(used).sum()) > 0:
        made = [f"{n} ({_percent(float(used.sel({used.dims[0]: n})))})" for n in _largest(used)]
        if stream == "eeg":
            lines.append(f"The correction of {worst} is made mostly of {listed(made)}.")
        else:
            others = f"Of what other channels say of {worst}'s clean signal most is said by"
            lines.append(f"{others} {listed(made)}.")
    if np.isfinite(one.probability).all():
        names = _largest(one.probability)
        like = [f"{n} ({_percent(float(one.probability.sel(type=n)))})" for n in names]
        unlike = "" if str(one.kind.item()) in names else "It is unlike any known kind; nearest: "
        lines.append(f"{unlike or 'It looks like '}{listed(like)}.")
    return lines


def _largest(values: xr.DataArray) -> list[str]:
    """Labels of the largest values of a series."""
    order = np.argsort(-values.values)[:NAMED]
    return [str(name) for name in values[values.dims[0]].values[order]]


def _percent(share: float) -> str:
    """A share that may be negative, or more than all of it."""
    return f"{100 * share:.1f} %".replace("-", "−")


def _table(explained: xr.Dataset) -> str:
    """One row a movement: its kind, and where the evidence came from."""
    known = np.flatnonzero(np.isfinite(explained.evidence.values))
    strongest = known[np.argsort(-explained.evidence.values[known])][:LISTED]
    rows = []
    for row in sorted(strongest.tolist()):
        one = explained.isel(movement=row)
        sure = float(one.kind_probability)
        kind = str(one.kind.item()) + (f" ({_percent(sure)})" if np.isfinite(sure) else "")
        shares = [float(one.share.sel(input=name)) for name in EVIDENCE_INPUTS]
        rows.append(
            [
                f"{float(one.onset):.1f}",
                f"{float(one.duration):.1f}",
                NAMES[str(one.modality.item())],
                kind,
                f"{float(one.evidence):.1f}".replace("-", "−"),
                *(_percent(x) if np.isfinite(x) else "–" for x in shares),
            ]
        )
    caption = (
        "Kinds with their probability among the known ones, evidence (log odds of the motion mask) "
        "and the share of each input in it (Shapley values). Negative: it spoke against it."
    )
    if len(known) > LISTED:
        caption = f"The {LISTED} of {len(known)} movements with the most evidence. {caption}"
    head = ["Onset [s]", "Duration [s]", "Modality", "Kind", "Evidence"]
    return table(head + [f"From {NAMES[name]}" for name in EVIDENCE_INPUTS], rows, caption)
