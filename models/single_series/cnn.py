"""Residual convolutional network with three kernel sizes side by side.

After the "complex CNN" of EEGdenoiseNet (Zhang et al. 2021, J Neural Eng 18:056057): branches with
kernels of 3, 5 and 7 samples, each a stack of residual blocks, joined again. Instead of the paper's
dense last layer, which holds millions of weights, later blocks are dilated to see further.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neurofuse.models.single_series.net import Net, Residual, clipped, input_layer, output_layer


class Cnn(Net):
    """Three residual branches; their sum corrects the clipped input."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "width": 54,
        "kernels": (3, 5, 7),
        "dilations": (1, 5),
        "steps": 256,
    }

    def build(
        self, width: int, kernels: tuple[int, ...], dilations: tuple[int, ...], steps: int
    ) -> None:
        stride = self.length // steps
        self.enter: nn.Conv1d = input_layer(width, stride)
        self.branches: nn.ModuleList = nn.ModuleList(
            nn.Sequential(*(Residual(width, kernel, d) for d in dilations)) for kernel in kernels
        )
        self.join: nn.Sequential = nn.Sequential(
            nn.Conv1d(width * len(kernels), width, 1), nn.GELU()
        )
        self.leave: nn.ConvTranspose1d = output_layer(width, stride)
        nn.init.zeros_(self.leave.weight)

    def estimate(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        seen = self.enter(self.view(x))
        joined = self.join(torch.cat([branch(seen) for branch in self.branches], 1))
        return clipped(x, 8.0) + self.series(self.leave(joined)), {}
