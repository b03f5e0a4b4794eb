"""What all baseline networks minimise, and how they are scored on validation participants.

The same terms as the joint model's `residual_loss`, of single series: relative to the clean energy
of the window and on a log scale, so that loud windows do not dominate.
"""

import torch
from torch import Tensor

from neurofuse.models.single_series.windows import SeriesWindows
from neurofuse.models.training.loss import HARM

FLOOR = 0.03  # of the clean energy: a smaller residual error is no further gain


def _around_mean(level: Tensor) -> Tensor:
    return level - level.mean(-1, keepdim=True)


def reconstruction(stream: str, cleaned: Tensor, windows: SeriesWindows) -> dict[str, Tensor]:
    """Residual error in motion (log), change without motion, and for fNIRS the error of the sum."""
    clean, mask = windows.clean, windows.mask
    error = cleaned - clean
    whole = (clean**2).sum(-1) + 1e-30
    inside = (error**2 * mask).sum(-1) / ((clean**2 * mask).sum(-1) + 1e-6 * whole)
    moving = mask.any(-1)
    outside = (error**2 * (1 - mask)).sum(-1) / whole
    losses = {
        "left": (torch.log(inside + FLOOR) * moving).sum() / moving.sum().clamp_min(1),
        "harm": torch.log1p(HARM * outside).mean(),
    }
    if stream == "nirs":
        level, truth = _around_mean(error.cumsum(-1)), _around_mean(clean.cumsum(-1))
        ratio = (level**2).sum(-1) / ((truth**2).sum(-1) + 1e-30)
        losses["left"] = 0.3 * losses["left"]
        losses["level"] = torch.log(ratio + FLOOR).mean()
    return losses


def residual_error(stream: str, cleaned: Tensor, windows: SeriesWindows) -> tuple[Tensor, Tensor]:
    """Energy of the error over clean energy, as `training.joint.validate` has it.

    Parameters
    ----------
    stream : {"eeg", "nirs"}
        EEG is scored in motion; fNIRS by its optical density, the sum of changes, everywhere.
    cleaned : Tensor (series, time)
        What a cleaner makes of `windows.seen`.
    windows : SeriesWindows

    Returns
    -------
    ratio : Tensor (window,)
        Of every window with motion.
    change : Tensor (series,)
        Energy of the error without motion over the clean energy.
    """
    clean, mask = windows.clean, windows.mask
    error = cleaned - clean
    change = (error**2 * (1 - mask)).sum(-1) / ((clean**2).sum(-1) + 1e-30)
    moving = mask.any(-1)
    if stream == "nirs":
        error, clean = _around_mean(error.cumsum(-1)), _around_mean(clean.cumsum(-1))
        mask = torch.ones_like(mask)
    ratio = (error**2 * mask).sum(-1) / ((clean**2 * mask).sum(-1) + 1e-30)
    return ratio[moving], change


def in_decibel(ratio: Tensor, change: Tensor) -> dict[str, float]:
    """Scores [dB] of what `residual_error` gives: mean and median in motion, change elsewhere."""
    return {
        "left_db": float((10 * torch.log10(ratio + 1e-3)).mean()),
        "left_median": float(10 * torch.log10(ratio.median() + 1e-6)),
        "change": float(10 * torch.log10(change.mean() + 1e-9)),
    }
