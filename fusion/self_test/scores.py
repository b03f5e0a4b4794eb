"""What a method did to the injected movements, and to what should stay."""

import numpy as np
import xarray as xr

from neurofuse.fusion.metrics.errors import ErrorScorer
from neurofuse.fusion.self_test.injection import Injected
from neurofuse.fusion.self_test.window import samples
from neurofuse.fusion.signal.bands import ALPHA, bandpass
from neurofuse.io.modality import MODALITIES
from neurofuse.io.quality.calm import widened
from neurofuse.io.recording import stream_dataset, streams, with_stream
from neurofuse.io.runs import runs

UNITS = {
    "error_db": "dB",
    "clean_change_db": "dB",
    "alpha_kept": "1",
    "response_kept": "1",
}
NEAR = 2.0  # s around motion in which fNIRS counts
WITHIN = 1.645  # standard deviations that hold nine in ten errors
NINE_IN_TEN = 0.9


class InjectedScorer:
    """Scores any number of cleaned versions of what was injected."""

    def __init__(self, injected: Injected) -> None:
        self.injected = injected
        self._errors = ErrorScorer(injected.truth, _marked(injected, injected.scored))
        outside = {stream: ~mask for stream, mask in injected.untouched.items()}
        self._harm = ErrorScorer(injected.truth, _marked(injected, outside))

    def figures(self, cleaned: xr.DataTree, stream: str) -> dict[str, float]:
        """All figures of `UNITS` of a modality; NaN where one is not defined."""
        cleaned = with_truth(cleaned, self.injected.truth, self.injected.lost)
        error = float(self._errors.score(cleaned).value.loc[stream, "error_db"])
        harm = float(self._harm.score(cleaned).value.loc[stream, "clean_change_db"])
        found = {"error_db": error, "clean_change_db": harm}
        found["alpha_kept"] = self._alpha(cleaned) if stream == "eeg" else np.nan
        found["response_kept"] = self._response(cleaned) if stream == "nirs" else np.nan
        return found

    def uncertainty_factor(self, cleaned: xr.DataTree, stream: str) -> float:
        """By what to multiply the stated uncertainty, so that it holds nine in ten errors.

        Errors of fNIRS are taken from the last sample before a movement, as the uncertainty is.
        """
        node = stream_dataset(cleaned, stream)
        error = self._error(cleaned, stream)
        stated = node.uncertainty.transpose("channel", ..., "time").values.astype(float)
        mask = self.injected.scored[stream]
        if stream == "nirs":
            error = error.copy()
            for channel, row in enumerate(self.injected.motion[stream]):
                for first, last in runs(row):
                    before = error[channel, :, max(first - 1, 0)]
                    error[channel, :, first:last] -= before[:, None]
        inside = np.broadcast_to(mask[:, None] if error.ndim == 3 else mask, error.shape)
        inside = inside & (stated > 0)
        if not inside.any():
            return np.nan
        return float(np.quantile(np.abs(error[inside]) / stated[inside], NINE_IN_TEN) / WITHIN)

    def _error(self, cleaned: xr.DataTree, stream: str) -> np.ndarray:
        got, true = (
            samples(stream_dataset(tree, stream), stream) for tree in (cleaned, self.injected.truth)
        )
        return got - true

    def _alpha(self, cleaned: xr.DataTree) -> float:
        """Size of the true alpha waves in the cleaned EEG in motion; 1 is all of it."""
        node = stream_dataset(self.injected.truth, "eeg")
        rate = float(node.attrs["rate"])
        inside = self.injected.scored["eeg"]
        rows = inside.any(-1)
        if not rows.any():
            return np.nan
        true, error = samples(node, "eeg")[rows], self._error(cleaned, "eeg")[rows]
        true, error = (bandpass(x, rate, *ALPHA)[inside[rows]] for x in (true, error))
        energy = (true**2).sum()
        return float(1 + (error * true).sum() / energy) if energy > 0 else np.nan

    def _response(self, cleaned: xr.DataTree) -> float:
        """Size of the added responses in the cleaned fNIRS near motion; 1 is all of it."""
        added = self.injected.response
        if added is None:
            return np.nan
        rate = float(stream_dataset(cleaned, "nirs").attrs["rate"])
        near = widened(self.injected.scored["nirs"], round(NEAR * rate))
        error = self._error(cleaned, "nirs")
        inside = np.broadcast_to(near[:, None], error.shape) & (added != 0)
        if not inside.any():
            return np.nan
        error = error - error.mean(-1, keepdims=True)
        energy = (added[inside] ** 2).sum()
        return float(1 + (error[inside] * added[inside]).sum() / energy)


def with_truth(
    cleaned: xr.DataTree, truth: xr.DataTree, where: dict[str, np.ndarray]
) -> xr.DataTree:
    """A cleaned Recording that is the truth in some samples (channel, time) of a modality.

    What is lost comes back as recorded, perhaps at the rails; without this it would count in the
    mean of its channel.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, recording = nf.simulate(duration=20, seed=0, nirs_montage=None)
    >>> everywhere = {"eeg": np.ones(truth["eeg"].eeg.shape, bool)}
    >>> same = with_truth(recording, truth, everywhere)["eeg"].eeg
    >>> bool((same.values == truth["eeg"].eeg.values).all())
    True
    """
    for stream, mask in where.items():
        if not mask.any():
            continue
        node, modality = stream_dataset(cleaned, stream), MODALITIES[stream]
        got, true = (samples(stream_dataset(one, stream), stream) for one in (cleaned, truth))
        values = np.where(mask[:, None] if got.ndim == 3 else mask, true, got)
        name = modality.variable(node)
        node = node.assign({name: (modality.dims, values, node[name].attrs)})
        cleaned = with_stream(cleaned, stream, node)
    return cleaned


def _marked(injected: Injected, masks: dict[str, np.ndarray]) -> xr.DataTree:
    """What was injected, with `motion` where errors count."""
    tree = injected.mixed
    for stream in streams(tree):
        node = stream_dataset(tree, stream)
        mask = masks.get(stream, np.zeros((node.sizes["channel"], node.sizes["time"]), bool))
        tree = with_stream(tree, stream, node.assign(motion=(("channel", "time"), mask)))
    return tree
