"""Where sensors lie on a flat drawing of the head, and how much of each was changed."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.changes import change
from neurofuse.io.modality import EEG, NIRS

HEAD_CENTRE = (0.0, 0.0, 0.04)  # m, where the sensors do not determine it
HEAD_RADIUS = (0.06, 0.13)  # m: a fitted sphere of another size is no head
ON_HEAD = (0.05, 0.16)  # m from its centre: sensors elsewhere are not on a head
POSITIONS: dict[str, tuple[str, ...]] = {
    EEG.name: ("position",),
    NIRS.name: ("source_position", "detector_position"),
}
STEPS = 200  # of moving markers apart, before they are made smaller …
SMALLEST = 0.2  # … down to this
TOUCH = 0.02  # of a radius: markers overlap by less when they only touch
HEAD = 100.0  # from the vertex to the height of the ears, in the drawing


@dataclass(frozen=True)
class Sensors:
    """Channels of a modality on the drawing: `at` (channel, 2), for fNIRS also `ends`
    (channel, source and detector, 2); NaN where unknown. `flat` if they are not on a head but as
    on a drawing of the probe."""

    at: np.ndarray
    ends: np.ndarray | None
    flat: bool = False


def amount(view: View) -> np.ndarray:
    """(channel): root mean square of what was changed [V, or OD from sample to sample]."""
    return np.array([np.sqrt(np.mean(change(view, i) ** 2)) for i in range(len(view.channel))])


def places(recording: xr.DataTree, names: list[str]) -> dict[str, Sensors]:
    """Where each channel stands on a head seen from above, nose up; the ears' height is at 1.

    Angles from the vertex become distances (azimuthal equidistant projection), so that what lies
    below the ears stands outside the circle. The head's centre is that of the sphere through all
    sensors, where they determine one.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> right = np.array([[0.1, 0.0, 0.04]])
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["T8"], position=right))
    >>> (places(recording, ["eeg"])["eeg"].at + 0.0).round(3).tolist()
    [[1.0, 0.0]]
    """
    points: dict[str, np.ndarray] = {}
    for name in names:
        node = recording[name]
        which = POSITIONS[name]
        count = node.sizes["channel"]
        points[name] = np.stack(
            [
                node[w].transpose("channel", "axis").values.astype(float)
                if w in node.variables
                else np.full((count, 3), np.nan)
                for w in which
            ],
            axis=1,
        )
    every = np.concatenate([p.reshape(-1, 3) for p in points.values()])
    known = every[np.isfinite(every).all(axis=1)]
    centre = _centre(known)
    away = np.linalg.norm(known - centre, axis=1)
    around = np.mean((away > ON_HEAD[0]) & (away < ON_HEAD[1])) if len(known) else 1.0
    flat = bool(around < 0.5 or (len(known) > 1 and not known[:, 2].any()))
    result: dict[str, Sensors] = {}
    for name, where in points.items():
        if flat:  # a probe drawn on paper: as in the file, filling the drawing
            middle = (known.min(axis=0) + known.max(axis=0)) / 2
            ends = ((where - middle) / (np.ptp(known[:, :2], axis=0).max() / 2 or 1.0))[..., :2]
            at = ends.mean(axis=1)
        else:
            ends, at = _project(where - centre), _project(where.mean(axis=1) - centre)
        result[name] = Sensors(at, ends if name == NIRS.name else None, flat)
    return result


def apart(at: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, float]:
    """Move markers apart until none lies on another.

    Parameters
    ----------
    at : array (marker, 2)
        Where they stand; NaN is not drawn.
    radius : array (marker,)
        Of each, in the same unit.

    Returns
    -------
    at : array (marker, 2)
        Moved as little as needed: two that overlap move by half of it each.
    shrink : float
        By what all radii were multiplied where there was no room for them, else 1.

    Examples
    --------
    >>> apart(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([1.0, 1.0]))[0].round(1).tolist()
    [[-0.5, 0.0], [1.5, 0.0]]
    """
    drawn = np.flatnonzero(np.isfinite(at).all(axis=1))
    start, room = at[drawn].astype(float), radius[drawn]
    # a direction of its own for each pair at the same place
    turn = 2.4 * np.arange(len(drawn))
    aside = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    shrink = 1.0
    moved = start
    while shrink > SMALLEST:
        moved = start.copy()
        wanted = shrink * (room[:, None] + room)
        np.fill_diagonal(wanted, 0)
        for _ in range(STEPS):
            away = moved[:, None] - moved
            distance = np.hypot(away[..., 0], away[..., 1])
            overlap = np.clip(wanted - distance, 0, None)
            if overlap.max(initial=0.0) < TOUCH * room.max(initial=0.0):
                result = at.astype(float).copy()
                result[drawn] = moved
                return result, shrink
            same = distance < 1e-9
            away = np.where(same[..., None], aside[:, None] - aside, away)
            length = np.maximum(np.hypot(away[..., 0], away[..., 1]), 1e-9)
            moved = moved + np.sum((0.5 * overlap / length)[..., None] * away, axis=1)
        shrink *= 0.8
    return at, shrink


def _centre(points: np.ndarray) -> np.ndarray:
    points = np.unique(points, axis=0)
    if len(points) >= 8:
        # |p|² = 2 p·c + (r² - |c|²) is linear in the centre c
        system = np.column_stack([2 * points, np.ones(len(points))])
        fitted, _, rank, _ = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=1e-6)
        radius = np.sqrt(max(fitted[3] + fitted[:3] @ fitted[:3], 0.0))
        if rank == 4 and HEAD_RADIUS[0] < radius < HEAD_RADIUS[1]:
            return fitted[:3]
    return np.array(HEAD_CENTRE)


def _project(points: np.ndarray) -> np.ndarray:
    across = np.hypot(points[..., 0], points[..., 1])
    angle = np.arctan2(across, points[..., 2]) / (np.pi / 2)
    scale = np.divide(angle, across, out=np.zeros_like(angle), where=across > 0)
    flat = points[..., :2] * scale[..., None]
    return np.where(np.isfinite(points).all(axis=-1, keepdims=True), flat, np.nan)
