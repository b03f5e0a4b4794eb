"""Latents that do not tell the lab: a classifier with reversed gradients, and CORAL.

Both see the pooled latents of a batch whose windows come from several labs at one rate
(`windows.WindowSampling.matched`): labs differ in rate, and that is what would be found first.
"""

import json
from collections.abc import Sequence
from functools import cache
from itertools import combinations
from pathlib import PurePosixPath
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from neurofuse.models.training.config import Training
from neurofuse.models.training.split import PARTS, SPLIT

HIDDEN = 32  # units of the classifier
OTHER = ("simulated", "other")  # participants that are of no lab of the split


@cache
def labs() -> tuple[str, ...]:
    """Folders of the split's recordings, which are labs with a device each, and what is no lab."""
    split = json.loads(SPLIT.read_text())
    names = {name for part in PARTS for found in split[part].values() for name in found}
    return (*sorted({str(PurePosixPath(name).parent) for name in names}), *OTHER)


def lab_of(name: str) -> int:
    """Number of the lab of a participant.

    Examples
    --------
    >>> lab_of("eeg_clean/sub-03") == lab_of("eeg_clean/sub-04") != lab_of("simulated-1000000")
    True
    """
    folder = name.rpartition("/")[0] or name.partition("-")[0]
    return labs().index(folder if folder in labs() else OTHER[-1])


class Reversed(torch.autograd.Function):
    """The same values, with the gradient reversed (Ganin et al. 2016, JMLR 17:1)."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return -gradients[0]


class Adversary(nn.Module):
    """Tells the labs of windows from their pooled latents, which learn that it cannot.

    Examples
    --------
    >>> told = Adversary(8)(torch.zeros(4, 8, 100), torch.zeros(4, dtype=torch.int64))
    >>> bool(told > 0)
    True
    """

    def __init__(self, width: int):
        super().__init__()
        self.layers: nn.Sequential = nn.Sequential(
            nn.Linear(2 * width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, len(labs()))
        )

    def forward(self, pooled: Tensor, lab: Tensor) -> Tensor:
        """Cross entropy of the labs (batch,) of pooled latents (batch, width, frame)."""
        seen = Reversed.apply(pooled)
        summary = torch.cat([seen.mean(-1), seen.std(-1)], 1)  # type: ignore[union-attr]
        return cross_entropy(self.layers(summary), lab)


class AcrossLabs(nn.Module):
    """The losses of a training that make latents of several labs alike.

    Parameters
    ----------
    streams : sequence of str
        Modalities; each has an adversary of its own.
    width : int
        Of the latents.
    adversary, coral : float
        Weights [1]; 0 leaves a loss out.
    """

    def __init__(self, streams: Sequence[str], width: int, adversary: float, coral: float):
        super().__init__()
        self.weights: tuple[float, float] = adversary, coral
        self.adversaries: nn.ModuleDict = nn.ModuleDict(
            {s: Adversary(width) for s in streams} if adversary else {}
        )

    @classmethod
    def of(cls, plan: Training) -> "AcrossLabs | None":
        """Those of a plan; None where it wants neither."""
        if not (plan.adversary or plan.coral):
            return None
        a = plan.architecture
        return cls(a.streams, a.width, plan.adversary, plan.coral)

    def forward(self, stream: str, pooled: Tensor, lab: Tensor) -> dict[str, Tensor]:
        """Weighted losses by name, of the latents of one modality."""
        adversary, alike = self.weights
        losses = {}
        if adversary:
            losses["adversary"] = adversary * self.adversaries[stream](pooled, lab)
        if alike:
            losses["coral"] = alike * coral(pooled, lab)
        return losses


def coral(pooled: Tensor, lab: Tensor) -> Tensor:
    """How much the latents' covariances over time differ between labs, mean over pairs of labs.

    Parameters
    ----------
    pooled : Tensor (batch, width, frame)
        Latents.
    lab : Tensor (batch,)
        Number of each window's lab.

    Returns
    -------
    Tensor ()
        Squared difference of covariances over 4 width² (Sun & Saenko 2016,
        doi:10.1007/978-3-319-49409-8_35); 0 where all windows are of one lab.

    Examples
    --------
    >>> latents = torch.randn(1, 3, 50).expand(2, -1, -1)
    >>> float(coral(latents, torch.tensor([0, 1])))
    0.0
    """
    moments = [_covariance(pooled[lab == one]) for one in torch.unique(lab)]
    apart = [((a - b) ** 2).sum() for a, b in combinations(moments, 2)]
    return _mean(apart, pooled) / (4 * pooled.shape[1] ** 2)


def _covariance(latents: Tensor) -> Tensor:
    return torch.cov(latents.transpose(0, 1).flatten(1))


def _mean(values: Sequence[Tensor], like: Tensor) -> Tensor:
    return torch.stack(list(values)).mean() if values else like.new_zeros(())
