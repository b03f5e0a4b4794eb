"""A generator of clean series, trained against a discriminator that sees real ones.

After EEGANet (Sawangjai et al. 2022, IEEE J Biomed Health Inform 26:4913): a residual generator, a
convolutional discriminator, and the reconstruction error beside the adversarial loss. The
discriminator also sees the disturbed series (Isola et al. 2017, pix2pix), its loss is the squared
one (Mao et al. 2017, least-squares GAN). Only the generator is kept.
"""

from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neurofuse.models.single_series.net import Net, Residual, clipped, input_layer, output_layer


class Discriminator(nn.Module):
    """Whether each piece of a series (series, piece) is real, seen beside the disturbed series."""

    def __init__(self, width: int):
        super().__init__()
        widths = (2, width, 2 * width, 2 * width)
        self.layers: nn.Sequential = nn.Sequential(
            *(
                layer
                for a, b in pairwise(widths)
                for layer in (nn.Conv1d(a, b, 8, stride=4, padding=2), nn.LeakyReLU(0.2))
            ),
            nn.Conv1d(2 * width, 1, 3, padding=1),
        )

    def forward(self, disturbed: Tensor, clean: Tensor) -> Tensor:
        pair = torch.stack([clipped(disturbed, 8.0), clipped(clean, 8.0)], 1)
        return self.layers(pair).squeeze(1)


class Generator(Net):
    """Residual blocks that see ever further; they correct the clipped input."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "width": 48,
        "kernel": 5,
        "dilations": (1, 2, 4, 8, 4, 2, 1, 1),
        "steps": 128,
        "judge": 24,
        "adversarial": 0.1,
    }

    def build(
        self,
        width: int,
        kernel: int,
        dilations: tuple[int, ...],
        steps: int,
        judge: int,
        adversarial: float,
    ) -> None:
        stride = self.length // steps
        self.enter: nn.Conv1d = input_layer(width, stride)
        self.blocks: nn.Sequential = nn.Sequential(*(Residual(width, kernel, d) for d in dilations))
        self.leave: nn.ConvTranspose1d = output_layer(width, stride)
        nn.init.zeros_(self.leave.weight)

    def estimate(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return clipped(x, 8.0) + self.series(self.leave(self.blocks(self.enter(self.view(x))))), {}

    def critic(self) -> Discriminator:
        return Discriminator(self.sizes["judge"])
