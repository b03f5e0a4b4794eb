"""Convolutions for local shape, a bidirectional LSTM for the time course.

After DuoCL, the dual-scale CNN-LSTM for EEG (Gao T. et al. 2023, IEEE J Biomed Health Inform
27:1283): two branches of convolutions with short and long kernels, joined, and an LSTM over time.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neurofuse.models.single_series.net import Net, Residual, clipped, input_layer, output_layer


class CnnLstm(Net):
    """Two scales of convolutions, an LSTM in both directions, and a correction of the input."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "width": 50,
        "kernels": (3, 11),
        "hidden": 78,
        "steps": 128,
    }

    def build(self, width: int, kernels: tuple[int, ...], hidden: int, steps: int) -> None:
        stride = self.length // steps
        self.enter: nn.Conv1d = input_layer(width, stride)
        self.branches: nn.ModuleList = nn.ModuleList(Residual(width, kernel) for kernel in kernels)
        self.lstm: nn.LSTM = nn.LSTM(
            width * len(kernels), hidden, batch_first=True, bidirectional=True
        )
        self.leave: nn.ConvTranspose1d = output_layer(2 * hidden + width * len(kernels), stride)
        nn.init.zeros_(self.leave.weight)

    def estimate(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        seen = self.enter(self.view(x))
        shape = torch.cat([branch(seen) for branch in self.branches], 1)
        course, _ = self.lstm(shape.transpose(1, 2))
        both = torch.cat([shape, course.transpose(1, 2)], 1)
        return clipped(x, 8.0) + self.series(self.leave(both)), {}
