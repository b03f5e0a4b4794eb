"""Where on the head a movement is large: contrasts between regions, of any montage."""

from dataclasses import dataclass

import numpy as np

from neurofuse.synth.sphere import directions

WIDTH = 0.6  # on the unit sphere, over which a channel counts for a region
PLACES = {
    "front": [(0.0, 1.0, 0.1)],
    "sides": [(-1.0, 0.0, -0.1), (1.0, 0.0, -0.1)],
    "top": [(0.0, 0.0, 1.0)],
    "back": [(0.0, -1.0, 0.1)],
}
COVERED = 0.5  # sum of weights of a region from which on its channels stand for it
FEWEST = 3  # channels with positions, without which there is no contrast
CONTRASTS = (*PLACES, "asymmetry", "locality", "scatter")


@dataclass(frozen=True)
class Regions:
    """Weights of channels in the regions of the head.

    Parameters
    ----------
    weights : dict of array (channel,)
        By place, sums of 1; of a region that no channel covers None.
    near : array (channel, channel)
        Weights of the channels around each one.
    known : bool array (channel,)
        Whether a channel's position is known.
    """

    weights: dict[tuple[float, ...], np.ndarray | None]
    near: np.ndarray
    known: np.ndarray

    def contrasts(self, size: np.ndarray) -> np.ndarray:
        """The `CONTRASTS` of a size (channel,) on a logarithmic scale, NaN where not measurable.

        Each region against the mean of all; the difference of both sides, whichever is larger;
        the largest mean of neighbours against that of all; standard deviation over channels.

        Examples
        --------
        >>> at = np.array([[0, 0.11, 0.05], [0, -0.08, 0.05], [0, 0.018, 0.14]])
        >>> regions_of(at).contrasts(np.array([1.0, 0.0, 0.0]))[[0, 3]].round(1).tolist()
        [0.6, -0.3]
        """
        here = self.known & np.isfinite(size)
        if here.sum() < FEWEST:
            return np.full(len(CONTRASTS), np.nan)
        size = np.where(here, size, 0)
        mean = size.sum() / here.sum()

        def of(weight: np.ndarray | None) -> float:
            if weight is None or weight[here].sum() < COVERED:
                return np.nan
            return float(weight[here] @ size[here] / weight[here].sum() - mean)

        found = {p: [of(self.weights[at]) for at in places] for p, places in PLACES.items()}
        left, right = found["sides"]
        around = self.near * here
        smooth = around[here] @ size / np.maximum(around[here].sum(1), 1e-9)
        sides = [one for one in found["sides"] if np.isfinite(one)]
        return np.array(
            [
                found["front"][0],
                float(np.mean(sides)) if sides else np.nan,
                found["top"][0],
                found["back"][0],
                abs(left - right),
                float(smooth.max() - mean),
                float(size[here].std()),
            ]
        )


def regions_of(position: np.ndarray) -> Regions:
    """The regions of channels at positions (channel, 3) [m]; NaN where unknown."""
    unit = directions(position)
    known = np.asarray(np.isfinite(unit).all(1))
    unit = np.where(known[:, None], unit, 0)
    weights: dict[tuple[float, ...], np.ndarray | None] = {}
    for place in (at for places in PLACES.values() for at in places):
        away = np.linalg.norm(unit - np.array(place) / np.linalg.norm(place), axis=1)
        weight = np.exp(-((away / WIDTH) ** 2) / 2) * known
        weights[place] = weight if weight.sum() >= COVERED else None
    apart = np.linalg.norm(unit[:, None] - unit, axis=-1)
    near = np.exp(-((apart / (WIDTH / 2)) ** 2) / 2) * known[:, None] * known
    return Regions(weights, near, known)
