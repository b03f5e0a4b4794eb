"""Channels of a SNIRF file, one a wavelength → source-detector pairs by wavelengths."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurofuse.io.errors import ReadError
from neurofuse.io.mne_objects.optodes import nominal_wavelengths
from neurofuse.io.snirf.table import Channels


@dataclass(frozen=True)
class Pairs:
    """Which row of the measurement list holds each pair and wavelength.

    Parameters
    ----------
    source, detector : lists of int (channel,)
        Optodes of the pairs, in the order in which the file first names them.
    wavelength : list of float (wavelength,)
        Whole wavelengths [nm], ascending; lasers of one colour share one.
    row : integer array (channel, wavelength)
        Row of the measurement list, -1 where the file has none.
    exact : array (channel, wavelength)
        The file's own wavelengths [nm], NaN where it has none.
    """

    source: list[int]
    detector: list[int]
    wavelength: list[float]
    row: np.ndarray
    exact: np.ndarray

    @property
    def first_row(self) -> np.ndarray:
        """A row of each pair: that of its shortest wavelength."""
        present = self.row >= 0
        return self.row[np.arange(len(self.row)), present.argmax(axis=1)]


def pairs_of(channels: Channels, path: Path) -> Pairs:
    """Sort the channels of a file into pairs.

    Raises
    ------
    ReadError
        If two channels of a pair have the same whole wavelength.
    """
    optodes = list(zip(channels.source.tolist(), channels.detector.tolist(), strict=True))
    number = {pair: index for index, pair in enumerate(dict.fromkeys(optodes))}
    owner = [number[pair] for pair in optodes]
    nominal = nominal_wavelengths(channels.wavelength, owner)
    waves = sorted(set(nominal))
    rows = np.full((len(number), len(waves)), -1)
    for row, (pair, wave) in enumerate(zip(owner, nominal, strict=True)):
        cell = pair, waves.index(wave)
        if rows[cell] >= 0:
            raise ReadError(
                f"two channels {channels.name[row]!r} in {path}",
                "each source, detector and wavelength once",
                "drop one of them (raw.drop_channels)",
            )
        rows[cell] = row
    source, detector = zip(*number, strict=True)
    exact = np.where(rows < 0, np.nan, channels.wavelength[rows])
    return Pairs(list(source), list(detector), waves, rows, exact)
