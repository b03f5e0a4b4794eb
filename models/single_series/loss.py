"""What all nets of the zoo minimise, and what they are judged by on validation people.

The same terms as the joint model's `residual_loss`, of single series: relative to the clean energy
of the window and on a log scale, so that loud windows do not rule.
"""

import torch
from torch import Tensor

from neurofuse.models.single_series.windows import Windows
from neurofuse.models.training.loss import HARM

FLOOR = 0.03  # of the clean energy: less than that left is no further gain


def _around_mean(level: Tensor) -> Tensor:
    return level - level.mean(-1, keepdim=True)


def reconstruction(stream: str, found: Tensor, windows: Windows) -> dict[str, Tensor]:
    """Energy left in motion (log), change where nothing moves, and for fNIRS the level."""
    clean, mask = windows.clean, windows.mask
    error = found - clean
    whole = (clean**2).sum(-1) + 1e-30
    inside = (error**2 * mask).sum(-1) / ((clean**2 * mask).sum(-1) + 1e-6 * whole)
    moved = mask.any(-1)
    outside = (error**2 * (1 - mask)).sum(-1) / whole
    losses = {
        "left": (torch.log(inside + FLOOR) * moved).sum() / moved.sum().clamp_min(1),
        "harm": torch.log1p(HARM * outside).mean(),
    }
    if stream == "nirs":
        level, truth = _around_mean(error.cumsum(-1)), _around_mean(clean.cumsum(-1))
        ratio = (level**2).sum(-1) / ((truth**2).sum(-1) + 1e-30)
        losses["left"] = 0.3 * losses["left"]
        losses["level"] = torch.log(ratio + FLOOR).mean()
    return losses


def left(stream: str, found: Tensor, windows: Windows) -> tuple[Tensor, Tensor]:
    """Energy left over clean energy of each window with motion, and change over it elsewhere.

    EEG in motion; fNIRS of the level in the whole window. As `models.train.validate` has it.
    """
    clean, mask = windows.clean, windows.mask
    error = found - clean
    change = (error**2 * (1 - mask)).sum(-1) / ((clean**2).sum(-1) + 1e-30)
    moved = mask.any(-1)
    if stream == "nirs":
        error, clean = _around_mean(error.cumsum(-1)), _around_mean(clean.cumsum(-1))
        mask = torch.ones_like(mask)
    ratio = (error**2 * mask).sum(-1) / ((clean**2 * mask).sum(-1) + 1e-30)
    return ratio[moved], change
