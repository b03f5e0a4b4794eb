"""A reader for tables of EEG: a line of channel names with the rate, then a row a sample in µV.

250 C3 C4
12.5 3.1
11.9 2.8
"""

from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.io import build, eeg_dataset


class Columns:
    """Reads files that end in .eegtxt."""

    suffixes = (".eegtxt",)

    def __call__(self, path: Path) -> xr.DataTree:
        """The Recording in a file."""
        with path.open(encoding="utf-8") as lines:
            rate, *names = next(lines).split()
            samples = np.loadtxt(lines, ndmin=2)
        return build(eeg_dataset(1e-6 * samples.T, float(rate), names))


READER = Columns()
