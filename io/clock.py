"""The model of a stream's clock: a line from the time in its file to the common time."""

from dataclasses import dataclass

import numpy as np

UNKNOWN = (float("nan"), float("nan"))


@dataclass(frozen=True)
class ClockModel:
    """Common time = `offset` + file time × (1 + `drift` / 1e6).

    Parameters
    ----------
    offset : float
        Common time [s] of the stream's first sample.
    drift : float
        How much faster common time runs [ppm].
    residual : float
        Scatter of the anchors about the line (standard deviation) or the resolution of the dates
        [s]; NaN where nothing was compared.
    anchors : int
        Pairs of instants that the line was fitted to.
    method : str
        "own" (the stream defines the common time), "offset", "events", "clock", "stamps" or
        "physiology".
    offset_interval, drift_interval : pair of floats
        95 % confidence intervals [s], [ppm]; NaN where nothing was estimated.

    Examples
    --------
    >>> ClockModel(2.0, 100.0, 0.001, 20, "events").to_common(1000.0)
    1002.1
    """

    offset: float = 0.0
    drift: float = 0.0
    residual: float = float("nan")
    anchors: int = 0
    method: str = "own"
    offset_interval: tuple[float, float] = UNKNOWN
    drift_interval: tuple[float, float] = UNKNOWN

    @property
    def stretch(self) -> float:
        """Common seconds in a second of the file."""
        return 1 + self.drift / 1e6

    def to_common(self, time):
        """Common time [s] of file times [s]."""
        return self.offset + np.multiply(time, self.stretch)
