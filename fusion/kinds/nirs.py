"""What a movement looks like in fNIRS: how large, where, and whether it stays, in numbers."""

import numpy as np

from neurofuse.fusion.kinds.course import rhythm, thirds
from neurofuse.fusion.kinds.regions import CONTRASTS, Regions

NAMES = (
    "fNIRS largest",
    "fNIRS median",
    *(f"fNIRS {name}" for name in CONTRASTS),
    "fNIRS duration",
    "fNIRS channels in motion",
    "fNIRS shift",
    "fNIRS oscillation",
    "fNIRS rise time",
    "fNIRS rhythm",
    "fNIRS rise",
    "fNIRS fall",
    "fNIRS wavelengths' ratio",
    "fNIRS wavelengths' agreement",
    "fNIRS one source",
)


def describe(
    density: np.ndarray, rate: float, moving: np.ndarray, regions: Regions, settled: np.ndarray
) -> np.ndarray:
    """The numbers under `NAMES` of one movement; NaN for those that cannot be told.

    Parameters
    ----------
    density : array (channel, wavelength, time)
        Optical density of the movement, from one sample before it.
    rate : float
        Sampling rate [Hz].
    moving : bool array (channel,)
        Channels in motion.
    regions : Regions
    settled : array (channel, wavelength)
        How far it is from before the movement to after it [OD].
    """
    span = density.max(-1) - density.min(-1) + 1e-5
    size = np.log10(span.max(1))
    part = moving
    those = part if part.any() else np.ones(len(part), bool)
    weight = span[those].max(1)
    weight = weight / weight.sum()
    steps = np.diff(density[those], axis=-1)
    change = (steps**2).sum(1)
    course = (np.sqrt(change) * weight[:, None]).sum(0)
    travelled = np.abs(steps).sum(-1).mean(1) / span[those].mean(1)
    energy = np.sort(change, axis=-1)[:, ::-1].cumsum(-1)
    energy = energy / (energy[:, -1:] + 1e-30)
    fast = (energy < 0.9).sum(-1) + 1  # samples that hold nine tenths of the change
    flat = steps.reshape(-1, steps.shape[-1])
    own = flat - flat.mean(-1, keepdims=True)
    own = own / (np.sqrt((own**2).mean(-1, keepdims=True)) + 1e-12)
    first, last = density[those, 0], density[those, -1]
    first, last = (x - x.mean(-1, keepdims=True) for x in (first, last))
    norms = np.sqrt((first**2).sum(-1) * (last**2).sum(-1)) + 1e-12
    return np.concatenate(
        [
            [size.max(), np.median(size[those])],
            regions.contrasts(size),
            [
                np.log10(density.shape[-1] / rate),
                np.log10(part.mean() + 0.03),
                weight @ (np.abs(settled[those]).mean(1) / span[those].mean(1)).clip(0, 1.5),
                weight @ np.log10(travelled + 0.3),
                weight @ np.log10(fast / rate),
                rhythm(own, rate),
                *thirds(course),
                weight @ np.log10(span[those, -1] / span[those, 0]),
                weight @ ((first * last).sum(-1) / norms),
                _one_source(own),
            ],
        ]
    )


def _one_source(own: np.ndarray) -> float:
    if len(own) < 6 or own.shape[-1] < 3:
        return np.nan
    square = np.linalg.eigvalsh(own @ own.T)
    return float(square[-1] / (square.sum() + 1e-30))
