"""Accelerometer and gyroscope on the head, which measure the same movements in their own way.

The head turns by some degrees about one axis; the accelerometer sits 10 cm from the neck's axis and
also measures gravity. Time courses are related to the artifacts of EEG and fNIRS as these are to
one another (see `SHARE`), so that a sensor never contains an artifact exactly, and movements
without an artifact are measured all the same. A touched cap or the jaw hardly turns the head.
"""

import numpy as np
import xarray as xr

from neurofuse.synth.movement import Movement, sample_waves

RATE = 50.0  # Hz
TURN = 0.10  # rad, root mean square of a typical nod
GRAVITY = 9.81  # m/s²
LEVER = 0.10  # m from the axis in the neck to the sensor
NOISE = {"ACC": 0.02, "GYRO": 0.003}  # m/s², rad/s
RELATIVE_TURN = {"jaw": 0.05, "touch": 0.15, "face": 0.03, "jerk": 1.2, "gait": 0.3}


def head_sensors(
    movements: list[Movement], start: float, duration: float, seed: int
) -> dict[str, xr.Dataset]:
    """Accelerometer and gyroscope nodes for `/aux`.

    Parameters
    ----------
    movements : list of Movement
        All movements of the head, onsets in seconds after `start`.
    start, duration : float
        First sample and length [s].
    seed : int
        Of the sensors' mounting and noise.

    Returns
    -------
    dict of str to Dataset
        "ACC" (channel x y z, time) [m/s²], gravity included, and "GYRO" [rad/s], at 50 Hz.

    Examples
    --------
    >>> sensors = head_sensors([], start=0.0, duration=10.0, seed=0)
    >>> round(float((sensors["ACC"].ACC ** 2).sum("channel").mean() ** 0.5), 1)
    9.8
    """
    rng = np.random.default_rng(seed)
    time = np.arange(max(int(duration * RATE), 2)) / RATE
    angle = np.zeros((3, len(time)))
    for movement in movements:
        first, last = np.searchsorted(time, [movement.onset, movement.onset + movement.duration])
        if last > first:
            angle[:, first:last] += _turn(movement, time[first:last])
    speed = np.gradient(angle, 1 / RATE, axis=1)
    gravity = GRAVITY * np.stack([-np.sin(angle[1]), np.sin(angle[0]), np.cos(angle[:2]).prod(0)])
    acceleration = LEVER * np.gradient(speed, 1 / RATE, axis=1)[[1, 0, 2]]
    mounting = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    values = {"ACC": mounting @ (gravity + acceleration), "GYRO": mounting @ speed}
    units = {"ACC": "m/s^2", "GYRO": "rad/s"}
    return {
        name: xr.Dataset(
            {
                name: (
                    ("channel", "time"),
                    samples + NOISE[name] * rng.normal(size=samples.shape),
                    {"units": units[name]},
                )
            },
            coords={"channel": ["x", "y", "z"], "time": start + time},
            attrs={"rate": RATE},
        )
        for name, samples in values.items()
    }


def _turn(movement: Movement, time: np.ndarray) -> np.ndarray:
    """Angle (3, time) [rad] about the head's axes: mostly one, by the kind of movement."""
    rng = movement.rng("head")
    main = {"nod": 0, "tilt": 1, "shake": 2}.get(movement.type, int(rng.integers(3)))
    axis = rng.normal(0, 0.25, 3) + np.eye(3)[main]
    course = movement.course(time, sample_waves(rng, movement.type)) * movement.envelope(time)
    size = TURN * RELATIVE_TURN.get(movement.type, 1.0) * movement.intensity * rng.lognormal(0, 0.4)
    return np.clip(size, 0, 0.6) * axis[:, None] * course
