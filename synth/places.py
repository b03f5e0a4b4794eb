"""Where on the head a movement acts: everywhere, at the jaw, the face, or at a touched place."""

import numpy as np

from neurofuse.synth.movement import UPWARDS, Movement

WIDTH = 0.6  # on the unit sphere, over which the effect of a touch or of the face fades
FACE = np.array([0.0, 1.0, 0.1])  # forehead


def reach(movement: Movement, unit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Weight (sensor,) of a movement, 0 to about 1, at sensors in directions `unit`.

    Sensors without a known position get a random weight, as if they were anywhere.
    """
    anywhere = rng.normal(size=unit.shape) + UPWARDS
    anywhere /= np.linalg.norm(anywhere, axis=1, keepdims=True)
    at = np.where(np.isfinite(unit), unit, anywhere)
    kind, touched = movement.kind.place, movement.touched()
    if kind == "touch" and touched is not None:
        away = np.linalg.norm(at - touched, axis=1)
        return np.exp(-((away / WIDTH) ** 2) / 2)
    if kind == "face":
        away = np.linalg.norm(at - FACE, axis=1)
        return np.exp(-((away / WIDTH) ** 2) / 2)
    if kind == "jaw":  # low and lateral: temporal muscle
        return np.clip(0.9 * np.abs(at[:, 0]) - 0.6 * at[:, 2], 0.05, 1.1)
    return np.ones(len(at))
