"""A running median of EEG: the smallest useful method."""

import numpy as np
import xarray as xr
from scipy.ndimage import median_filter

from neurofuse.io import note, stream_dataset, with_stream


class Median:
    """Removes spikes that are shorter than half of `seconds`.

    Parameters
    ----------
    seconds : float
        Length of the running median [s].
    """

    name = "median"
    streams = ("eeg",)
    citation = "running median: Tukey 1977, Exploratory Data Analysis"
    needs = ""

    def __init__(self, seconds: float = 0.05) -> None:
        self.seconds = seconds
        self.delay = seconds / 2  # s of the future that it looks at

    def fit(self, recording: xr.DataTree) -> "Median":
        """Nothing is learned."""
        return self

    def transform(self, recording: xr.DataTree) -> xr.DataTree:
        """A new Recording in which good EEG channels are smoothed; the rest stays."""
        node = stream_dataset(recording, "eeg")
        good = (node.ch_type.values == "eeg") & ~node.bad.values
        samples = np.array(node.eeg.transpose("channel", "time").values)
        width = 2 * int(self.seconds * node.attrs["rate"] / 2) + 1
        samples[good] = median_filter(samples[good], size=(1, width), mode="nearest")
        cleaned = node.assign(eeg=(("channel", "time"), samples, node.eeg.attrs))
        whole = with_stream(recording, "eeg", cleaned)
        return note(whole, "clean", method=self.name, streams=["eeg"])
