"""One-dimensional U-Net: a coarse and a fine view of the series, joined level by level.

After Ronneberger et al. 2015 (MICCAI, LNCS 9351:234), for EEG as in IC-U-Net (Chuang et al. 2022,
NeuroImage 263:119586), here on single series.
"""

from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neurofuse.models.single_series.net import SATURATIONS, Net, clipped


def _block(inside: int, width: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inside, width, kernel, padding=kernel // 2),
        nn.GroupNorm(1, width),
        nn.GELU(),
        nn.Conv1d(width, width, kernel, padding=kernel // 2),
        nn.GELU(),
    )


class UNet(Net):
    """Encoder, decoder and the paths between them; what comes out corrects the clipped input."""

    DEFAULTS: ClassVar[dict[str, Any]] = {"widths": (12, 32, 44, 56, 64), "kernel": 5, "steps": 256}

    def build(self, widths: tuple[int, ...], kernel: int, steps: int) -> None:
        strides = (self.length // steps, *(2 for _ in widths[2:]))
        self.enter: nn.Sequential = _block(len(SATURATIONS), widths[0], kernel)
        self.down: nn.ModuleList = nn.ModuleList(nn.AvgPool1d(stride) for stride in strides)
        self.coarser: nn.ModuleList = nn.ModuleList(
            _block(fine, coarse, kernel) for fine, coarse in pairwise(widths)
        )
        self.up: nn.ModuleList = nn.ModuleList(
            nn.Upsample(scale_factor=stride, mode="linear") for stride in reversed(strides)
        )
        self.finer: nn.ModuleList = nn.ModuleList(
            _block(fine + coarse, fine, kernel)
            for fine, coarse in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.leave: nn.Conv1d = nn.Conv1d(widths[0], 1, 1)
        nn.init.zeros_(self.leave.weight)

    def estimate(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        levels = [self.enter(self.view(x))]
        for shrink, block in zip(self.down, self.coarser, strict=True):
            levels.append(block(shrink(levels[-1])))
        now = levels.pop()
        for stretch, block in zip(self.up, self.finer, strict=True):
            now = block(torch.cat([levels.pop(), stretch(now)], 1))
        return clipped(x, 8.0) + self.series(self.leave(now)), {}
