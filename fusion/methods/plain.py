"""What stands beside every method: the recording as it is, no signal at all, a band-pass."""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Peer, Treatment, samples
from neurofuse.fusion.signal.bands import bandpass

EEG_BAND = (1.0, 40.0)  # Hz
NIRS_BAND = (0.01, 0.5)  # Hz


class Untouched(Peer):
    """The recording as it is, bit for bit: not even channels without a signal are marked."""

    def transform(self, recording: xr.DataTree) -> xr.DataTree:
        from neurofuse.io.recording import check, note

        check(recording)
        return note(recording, "clean", model=self.name, streams=[])


def _zero(node: xr.Dataset) -> np.ndarray:
    return np.zeros_like(samples(node))


def _bandpass(node: xr.Dataset, *, low: float, high: float) -> np.ndarray:
    return bandpass(samples(node), node.attrs["rate"], low, high)


UNTOUCHED = Untouched(
    "untouched",
    "the recording as it is",
    {"eeg": Treatment(samples), "nirs": Treatment(samples)},
    delay=0.0,
)
ZERO = Peer(
    "zero",
    "no signal at all (optical density 0)",
    {"eeg": Treatment(_zero, gaps=True), "nirs": Treatment(_zero, gaps=True)},
    delay=0.0,
)
BANDPASS = Peer(
    "bandpass",
    "zero-phase Butterworth band-pass of order 4",
    {
        "eeg": Treatment(_bandpass, settings={"low": EEG_BAND[0], "high": EEG_BAND[1]}),
        "nirs": Treatment(_bandpass, settings={"low": NIRS_BAND[0], "high": NIRS_BAND[1]}),
    },
)
