"""Linear regression of each channel on references: EOG, ECG, accelerometer, the other modality.

The least that learned fusion must achieve: what a linear filter gains from the other modality, a
network must gain too.
"""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Classical, Treatment, samples
from neurofuse.fusion.methods.lagged import Lagged, blocks
from neurofuse.io.errors import ParameterError

MOST = 400  # lagged regressors; of more, principal components of the references are lagged
BLOCK = 5.0  # s
KINDS = {  # of references: their name, and what to do where there is none
    "channels": ("EOG or other channel", "set channel types"),
    "partner": ("other modality", "add the other modality"),
    "aux": ("sensor", "read the file with its sensors"),
}
STRENGTHS = np.geomspace(1e-6, 1e2, 17)  # ridge penalties over the mean eigenvalue


def regression(node: xr.Dataset, *, reach: float, taps: int) -> np.ndarray:
    """Subtract from each channel what a lagged linear filter of the references predicts of it.

    The ridge penalty is that of the least generalised cross-validation error (Golub et al. 1979).
    EEG about its mean, fNIRS as sample-to-sample changes, which are summed up again.

    Parameters
    ----------
    node : Dataset
        EEG or fNIRS with `regressor` (regressor, time).
    reach : float
        Longest lag to both sides [s].
    taps : int
        Lags to each side.

    Raises
    ------
    ParameterError
        If there is no reference; the message names the kinds that the method uses.
    """
    design, rows = regressors(node, reach, taps), ready(node)
    width = max(1, round(BLOCK * node.attrs["rate"]))
    return back(node, rows - _explained(design, rows, width))


def regressors(node: xr.Dataset, reach: float, taps: int) -> Lagged:
    """References with their lags; principal ones if there are too many."""
    reference = node.regressor.values
    if not len(reference):
        missing, remedies = zip(*(KINDS[kind] for kind in node.regressor.wanted), strict=True)
        raise ParameterError(
            f"no reference: no {' and no '.join(missing)}",
            "at least one",
            f"{', '.join(remedies)}, or choose another method",
        )
    if "od" in node:  # both as changes
        reference = np.diff(reference, axis=-1, prepend=reference[:, :1])
    most = max(1, MOST // (2 * taps + 1))
    if len(reference) > most:
        values, axes = np.linalg.eigh(reference @ reference.T)
        held = values > 1e-9 * values[-1]
        reference = axes[:, held][:, -most:].T @ reference
    stride = max(1, round(reach * node.attrs["rate"] / max(taps, 1)))
    return Lagged.of(reference, [k * stride for k in range(-taps, taps + 1)])


def _explained(design: Lagged, rows: np.ndarray, width: int) -> np.ndarray:
    """Ridge regression of rows (row, time) on the design, in blocks of so many samples."""
    length, energy = rows.shape[1], (rows**2).sum(-1)
    gram = np.zeros((design.count, design.count))
    shared = np.zeros((design.count, len(rows)))
    for start, stop in blocks(length, width):
        block = design.block(start, stop)
        gram += block @ block.T
        shared += block @ rows[:, start:stop].T
    values, axes = np.linalg.eigh(gram)
    values = np.maximum(values, 0)
    found = axes.T @ shared  # (component, row)
    best, error = np.zeros(len(rows)), np.full(len(rows), np.inf)
    for penalty in STRENGTHS * values.mean():
        shrunk = 1 / (values + penalty)
        fit = found**2 * shrunk[:, None]
        left = energy - 2 * fit.sum(0) + (fit * (values * shrunk)[:, None]).sum(0)
        free = max(length - (values * shrunk).sum(), 1.0)
        score = length * left / free**2
        better = score < error
        best[better], error[better] = penalty, score[better]
    weight = axes @ (found / (values[:, None] + best))
    out = np.empty_like(rows)
    for start, stop in blocks(length, width):
        out[:, start:stop] = weight.T @ design.block(start, stop)
    return out


def ready(node: xr.Dataset) -> np.ndarray:
    """EEG without constants, or changes of optical density (row, time)."""
    rows = samples(node).reshape(-1, node.sizes["time"])
    if "od" in node:
        return np.diff(rows, axis=-1, prepend=rows[:, :1])
    return rows - rows.mean(-1, keepdims=True)


def back(node: xr.Dataset, rows: np.ndarray) -> np.ndarray:
    """Undo `ready`."""
    before = samples(node).reshape(-1, node.sizes["time"])
    if "od" in node:
        return (before[:, :1] + rows.cumsum(-1)).reshape(node.od.shape)
    return rows + before.mean(-1, keepdims=True)


REGRESSION = Classical(
    "regression",
    "regression on reference channels and sensors: Gratton et al. 1983, Electroencephalogr Clin "
    "Neurophysiol 55:468; Croft and Barry 2000, Neurophysiol Clin 30:5",
    {
        "eeg": Treatment(
            regression,
            # No choice: validation participants have neither EOG nor sensors to choose lags by.
            settings={"reach": 0.3, "taps": 5},
            references=("channels", "aux"),
        )
    },
    needs="reference channels (EOG, EMG, …) or sensors",
)
LINEAR = Classical(
    "linear",
    "ridge regression of each modality on the other, lagged, and on sensors; penalty by "
    "generalised cross-validation: Golub et al. 1979, Technometrics 21:215",
    {
        "eeg": Treatment(
            regression,
            settings={"reach": 0.5, "taps": 2},
            choices={"reach": (0.5, 2.0), "taps": (2,)},
            references=("partner", "aux"),
        ),
        "nirs": Treatment(
            regression,
            settings={"reach": 0.5, "taps": 2},
            choices={"reach": (0.5, 2.0), "taps": (2,)},
            references=("partner", "aux"),
        ),
    },
    needs="the other modality or sensors",
)
