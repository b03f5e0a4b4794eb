"""What an optode sees that has come off the head: noise, the room, nothing, now and then a step."""

from collections.abc import Iterator

import numpy as np

AFTER = 0.5  # of the recording: contact is lost there


def wrecks(light: np.ndarray, rate: float, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Light (wavelength, time) of a channel whose contact is lost midway, in several ways.

    Parameters
    ----------
    light : array (wavelength, time)
        Intensity of a channel on the head.
    rate : float
        [Hz].
    seed : int
        Of noise and steps.

    Yields
    ------
    name, light
    """
    rng = np.random.default_rng(seed)
    start = round(AFTER * light.shape[-1])
    noise = rng.normal(size=light[:, start:].shape)
    walk = np.cumsum(rng.normal(size=noise.shape[-1]))  # what the room does, at all wavelengths
    walk /= walk.std()
    steps = rng.normal(size=noise.shape[-1]) * (rng.random(noise.shape[-1]) < 1 / (3 * rate))
    level = np.median(light[:, :start], 1, keepdims=True)
    seen = {
        "noise as bright as before": level * (1 + 0.05 * noise),
        "weak light and noise": 0.2 * level * (1 + 0.03 * noise),
        "the room, brighter": 3 * level * np.exp(0.05 * walk) * (1 + 2e-4 * noise),
        "scattered light, darker": level * np.exp(0.03 * walk - 0.5) * (1 + 5e-4 * noise),
        "stands still": 0.9 * level + 0 * noise,
        "steps every three seconds": level
        * np.exp(0.6 * _held(steps, rng.normal()))
        * (1 + 0.005 * noise),
    }
    for name, values in seen.items():
        yield name, np.concatenate([light[:, :start], values], 1)


def _held(steps: np.ndarray, first: float) -> np.ndarray:
    """Levels (time,) that stay until the next step, which is where `steps` is not 0."""
    last = np.maximum.accumulate(np.where(steps != 0, np.arange(steps.size), 0))
    levels = steps.copy()
    levels[0] = first
    return levels[last]
