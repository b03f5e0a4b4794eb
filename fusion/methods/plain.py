"""What every method is compared with: the recording as it is, no signal, a band-pass."""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Classical, Treatment, samples
from neurofuse.fusion.signal.bands import BANDPASS_EEG, BANDPASS_NIRS, bandpass
from neurofuse.io.recording import check, note


class Uncorrected(Classical):
    """The recording as it is, bit for bit: not even channels without a signal are marked."""

    def transform(self, recording: xr.DataTree, /, *, judged: bool = False) -> xr.DataTree:
        """The recording itself, with one more step in its provenance."""
        check(recording)
        return note(recording, "clean", method=self.name, streams=[])


def _zero(node: xr.Dataset) -> np.ndarray:
    return np.zeros_like(samples(node))


def _bandpass(node: xr.Dataset, *, low: float, high: float) -> np.ndarray:
    return bandpass(samples(node), node.attrs["rate"], low, high)


UNCORRECTED = Uncorrected(
    "uncorrected",
    "the recording as it is",
    {"eeg": Treatment(samples), "nirs": Treatment(samples)},
    delay=0.0,
)
ZERO = Classical(
    "zero",
    "no signal at all (optical density 0)",
    {"eeg": Treatment(_zero, gaps=True), "nirs": Treatment(_zero, gaps=True)},
    delay=0.0,
)
BANDPASS = Classical(
    "bandpass",
    "zero-phase Butterworth band-pass of order 4",
    {
        "eeg": Treatment(_bandpass, settings={"low": BANDPASS_EEG[0], "high": BANDPASS_EEG[1]}),
        "nirs": Treatment(_bandpass, settings={"low": BANDPASS_NIRS[0], "high": BANDPASS_NIRS[1]}),
    },
)
