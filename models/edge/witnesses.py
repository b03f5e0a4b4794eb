"""What others witness of a modality's movement, as in `models.joint.witnesses` and `sharing`."""

from dataclasses import dataclass

import numpy as np

from neurofuse.models.edge.pools import max_pool
from neurofuse.models.joint.architecture import Sharing
from neurofuse.models.joint.constants import REACHES


@dataclass(frozen=True)
class Trust:
    """How far the witnesses of a recording are believed, 0 to 1; an empty dict: there are none."""

    partner: float | None  # both modalities in each other
    head: dict[str, float]  # each modality the head's IMU


def agreement(first: np.ndarray, second: np.ndarray, frame_rate: float, settings: Sharing) -> float:
    """Correlation of two modalities' probabilities of motion (frame,), over small shifts.

    Examples
    --------
    >>> movement = (np.arange(600) % 100 < 20).astype(float)
    >>> round(agreement(movement, np.roll(movement, 3), 10.0, Sharing()), 6)
    1.0
    """
    shift = min(round(settings.lag * frame_rate), len(first) // 2)
    return max(
        _correlation(first[max(k, 0) : len(first) + min(k, 0)], _other(second, k))
        for k in (-shift, 0, shift)
    )


def partner_weight(agreement: float, settings: Sharing) -> float:
    """Weight of a witness, 0 to 1, for an agreement."""
    share = (agreement - settings.none) / (settings.full - settings.none)
    return min(max(share, 0.0), 1.0)


def evidence(movement: np.ndarray, weight: float, frame_rate: float) -> np.ndarray:
    """What one witness says (`TOLD`, frame) of its movement (frame,)."""
    spans = [2 * round(reach * frame_rate) + 1 for reach in REACHES]
    said = [np.ones_like(movement), *(max_pool(movement, span) for span in spans)]
    return (weight * np.stack(said)).astype(np.float32)


def _other(x: np.ndarray, shift: int) -> np.ndarray:
    return x[max(-shift, 0) : len(x) + min(-shift, 0)]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = (x - x.mean(dtype=float) for x in (a, b))
    size = np.sqrt(np.square(a).sum() * np.square(b).sum())
    return float((a * b).sum() / (size + 1e-12))
