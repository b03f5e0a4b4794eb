"""What a movement looks like to an IMU on the head, in numbers."""

import numpy as np
import xarray as xr

from neurofuse.fusion.kinds.course import rhythm
from neurofuse.io.imu import HeadImu

QUIET = 0.2  # quantile of the sensor's size over time that is its quiet level
GRAVITY = 9.81  # m/s²
LOWEST = {"rotation": 0.003, "acceleration": 0.02}  # rad/s, m/s²: no sensor is quieter
LARGEST = 1e4  # rad/s, m/s²: nothing larger is measured
NAMES = (
    "IMU rotation",
    "IMU acceleration",
    "IMU turns about the vertical",
    "IMU one axis",
    "IMU frequency",
    "IMU rhythm",
)


class Head:
    """The first accelerometer and gyroscope of a head, asked movement by movement."""

    def __init__(self, imu: HeadImu | None):
        self.rotation = _Sensor(imu.rotation[0], "rotation") if imu and imu.rotation else None
        self.acceleration = None
        if imu and imu.acceleration:
            self.acceleration = _Sensor(imu.acceleration[0], "acceleration")

    def describe(self, onset: float, end: float) -> np.ndarray:
        """The numbers under `NAMES` from `onset` to `end` [s]; NaN for those that are not told."""
        found = np.full(len(NAMES), np.nan)
        turning, moving = (
            None if sensor is None else sensor.samples(onset, end)
            for sensor in (self.rotation, self.acceleration)
        )
        if turning is not None and self.rotation is not None:
            found[0] = self.rotation.size(turning)
            value, axes = np.linalg.eigh(turning @ turning.T)
            found[3] = value[-1] / (value.sum() + 1e-30)
            if self.acceleration is not None and len(axes) == len(self.acceleration.middle) == 3:
                down = self.acceleration.middle
                found[2] = abs(axes[:, -1] @ down) / (np.linalg.norm(down) + 1e-12)
            power = np.abs(np.fft.rfft(turning)) ** 2
            frequency = np.fft.rfftfreq(turning.shape[-1], 1 / self.rotation.rate)
            found[4] = np.log10((power.sum(0) @ frequency) / (power.sum() + 1e-30) + 0.1)
            found[5] = rhythm(turning, self.rotation.rate)
        if moving is not None and self.acceleration is not None:
            found[1] = self.acceleration.size(moving)
        return found


class _Sensor:
    def __init__(self, values: xr.DataArray, quantity: str):
        self.time: np.ndarray = values.time.values
        self.rate: float = float(values.attrs["rate"])
        known = np.nan_to_num(values.values, posinf=0, neginf=0)
        self.values: np.ndarray = known.clip(-LARGEST, LARGEST)
        self.middle: np.ndarray = np.median(self.values, axis=1)
        away = np.linalg.norm(self.values - self.middle[:, None], axis=0)
        self.quiet: float = max(float(np.quantile(away, QUIET)), LOWEST[quantity])

    def samples(self, onset: float, end: float) -> np.ndarray | None:
        """Samples (axis, time) of a movement without the median; None of fewer than three."""
        first, last = np.searchsorted(self.time, [onset, end])
        if last - first < 3:
            return None
        return self.values[:, first:last] - self.middle[:, None]

    def size(self, samples: np.ndarray) -> float:
        """Log of the size over the quiet level."""
        return float(np.log10(np.sqrt((samples**2).sum(0).mean()) / self.quiet + 0.1))
