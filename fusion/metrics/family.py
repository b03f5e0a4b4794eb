"""What all families of metrics share: prepare once, score any number of cleaned recordings."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import xarray as xr

from neurofuse.fusion.metrics.samples import Samples


class Family(ABC):
    """Metrics that belong together, for cleaned versions of one recording.

    Whatever does not depend on the cleaned recording is worked out when the family is made. A
    modality that a method left unchanged gets the figures of the recording itself, computed once.
    """

    units: ClassVar[Mapping[str, str]]  # of each metric, in the order of the table

    def __init__(self, recording: xr.DataTree | Samples) -> None:
        if not isinstance(recording, Samples):
            recording = Samples(recording)
        self.recording: Samples = recording
        self._of_recording: dict[str, dict[str, float]] = {}

    @abstractmethod
    def figures(self, modality: str, cleaned: Samples) -> dict[str, float]:
        """The figures of one modality; a metric that is left out is NaN."""

    def rows(self, cleaned: Samples) -> dict[str, dict[str, float]]:
        """The figures of every modality that the cleaned recording shares with the others."""
        rows = {}
        for modality in cleaned.modalities:
            if not cleaned.unchanged(modality):
                rows[modality] = self.figures(modality, cleaned)
                continue
            if modality not in self._of_recording:
                self._of_recording[modality] = self.figures(modality, self.recording)
            rows[modality] = dict(self._of_recording[modality])
        return rows

    def score(self, cleaned: xr.DataTree) -> xr.Dataset:
        """Score a cleaned version of the recording.

        Parameters
        ----------
        cleaned : Recording
            Same channels (in any order) and times as the recording that this was made for.

        Returns
        -------
        Dataset
            `value` (modality, metric) with the coordinate `units` (metric).

        Raises
        ------
        ParameterError
            If channels or times differ.
        """
        rows = self.rows(Samples(cleaned, self.recording))
        return as_array(rows, self.units).to_dataset()


def as_array(rows: Mapping[str, Mapping[str, float]], units: Mapping[str, str]) -> xr.DataArray:
    """Figures by modality as (modality, metric) with the coordinate `units` (metric).

    Examples
    --------
    >>> as_array({"eeg": {"residual": 0.5}}, {"error_db": "dB", "residual": "1"}).values.tolist()
    [[nan, 0.5]]
    """
    values = [[row.get(metric, np.nan) for metric in units] for row in rows.values()]
    return xr.DataArray(
        np.reshape(values, (len(rows), len(units))),
        {
            "modality": list(rows),
            "metric": list(units),
            "units": ("metric", list(units.values())),
        },
        ("modality", "metric"),
        name="value",
    )
