"""The model of a stream's clock: a line from the time in its file to the common time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

UNKNOWN: tuple[float, float] = (float("nan"), float("nan"))
REMEDY = (
    "give offset=SECONDS (--offset SECONDS): the time of the first fNIRS sample after the first "
    "EEG sample; 0 if both began together"
)


@dataclass(frozen=True)
class ClockModel:
    """Common time = `offset` + file time × (1 + `drift` / 1e6).

    Parameters
    ----------
    offset : float
        Common time [s] of the stream's first sample.
    drift : float
        How much faster common time runs than the file's time [ppm].
    residual : float
        Scatter of the anchors about the line (standard deviation) or the resolution of the dates
        [s]; NaN where nothing was compared.
    anchors : int
        How many pairs of instants the line was fitted to.
    method : str
        "own" (the stream defines the common time), "offset", "events", "clock", "stamps" or
        "physiology".
    offset_interval, drift_interval : pair of floats
        95 % confidence intervals [s], [ppm]; NaN where nothing was estimated.

    Examples
    --------
    >>> float(ClockModel(2.0, 100.0, 0.001, 20, "events").to_common(1000.0))
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

    def to_common(self, time: ArrayLike) -> Any:
        """Times on the common clock.

        Parameters
        ----------
        time : float or array
            Times in the stream's file [s].

        Returns
        -------
        float or array
            Common times [s], in the shape of `time`.
        """
        return self.offset + np.multiply(time, self.stretch)

    def __str__(self) -> str:
        """The clock in words, e.g. for a log.

        >>> print(ClockModel(2.0, 100.0, 0.001, 20, "events", (1.999, 2.001), (99.0, 101.0)))
        offset +2.0000 s (1.9990 to 2.0010), drift +100.00 ppm (99.00 to 101.00), by events: \
20 anchors within 1.00 ms
        """
        parts = [
            f"{name} {value:+.{digits}f} {unit}"
            + ("" if np.isnan(low) else f" ({low:.{digits}f} to {high:.{digits}f})")
            for name, value, unit, digits, (low, high) in (
                ("offset", self.offset, "s", 4, self.offset_interval),
                ("drift", self.drift, "ppm", 2, self.drift_interval),
            )
        ]
        anchors = f": {self.anchors} anchors within {1e3 * self.residual:.2f} ms"
        return f"{', '.join(parts)}, by {self.method}{anchors if self.anchors else ''}"
