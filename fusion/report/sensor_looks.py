"""What the colours of the sensor map say: how much was changed, quality, scalp coupling."""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.style import BEFORE, MASK
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.phrases import listed
from neurofuse.io.modality import EEG

BLUE = "var(--accent)"  # that of "cleaned", lighter on a dark page
FILL = {"eeg": BLUE, "nirs": BEFORE}
PALEST = 0.15  # opacity of a known value, to differ from an empty marker

Look = Callable[[View, int], tuple[str, float, str]]
"""How a channel is drawn: its fill, opacity, and description."""


def changed(size: Mapping[str, np.ndarray]) -> Look:
    """How much cleaning changed a channel; `size` is `amount` of each modality."""

    def look(view: View, index: int) -> tuple[str, float, str]:
        top = size[view.stream].max() or 1.0
        value = size[view.stream][index]
        text = f"{value * view.modality.plot_scale:.3g} {view.modality.plot_unit} changed"
        return FILL[view.stream], float(value / top), text

    return look


def graded(quality: Mapping[str, xr.Dataset]) -> Look:
    """Whether a channel is usable, and which measures are beyond their limits."""
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


def coupled(quality: xr.Dataset) -> Look:
    """The scalp coupling index of fNIRS channels: blue above its limit, orange below."""
    from neurofuse.io.quality.nirs import SCI_WEAK

    def look(view: View, index: int) -> tuple[str, float, str]:
        if view.modality is EEG:
            return "none", 0.0, "EEG"
        value = float(quality.sci[index])
        if np.isnan(value):
            return "none", 0.0, "scalp coupling unknown"
        text = f"scalp coupling index {value:.2f}".replace("-", "−")
        if value < SCI_WEAK:
            return BEFORE, 1.0, f"{text}, below {SCI_WEAK:g}"
        return BLUE, PALEST + (1 - PALEST) * (value - SCI_WEAK) / (1 - SCI_WEAK), text

    return look
