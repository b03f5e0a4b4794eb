"""What is known of samples once they are done."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Cleaned:
    """Samples of one modality that are done."""

    artifact: np.ndarray  # like the signal, to be subtracted
    gate: np.ndarray  # (channel, time): motion mask, 0 to 1
    deviation: np.ndarray  # like the signal: standard deviation of the error, before calibration
