"""Convolutional denoising autoencoder with a loss on residual motion.

After Gao et al. 2022 (Neurophotonics 9:041406): convolutions with pooling down to a code and
upsampling back, no skip connection, and a loss of more than the squared error. Its abstract speaks
of "a specific loss function" against residual motion artifacts; sizes and weights here are ours.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neurofuse.models.single_series.net import SATURATIONS, Net

STEADY = 4.0  # times the clean series' own SD of changes: a larger change is residual motion


class DenoisingAutoencoder(Net):
    """Four poolings to a code, four upsamplings back."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "widths": (24, 36, 52, 76),
        "kernel": 11,
        "spread": 0.3,
        "moving": 0.3,
    }

    def build(self, widths: tuple[int, ...], kernel: int, spread: float, moving: float) -> None:
        inside, half = (len(SATURATIONS), *widths[:-1]), kernel // 2
        down = [
            layer
            for a, b in zip(inside, widths, strict=True)
            for layer in (nn.Conv1d(a, b, kernel, padding=half), nn.GELU(), nn.AvgPool1d(2))
        ]
        self.encoder: nn.Sequential = nn.Sequential(*down)
        code = widths[-1]
        self.code: nn.Sequential = nn.Sequential(nn.Conv1d(code, code, 5, padding=2), nn.GELU())
        up = [
            layer
            for a, b in zip(widths[::-1], (*widths[-2::-1], widths[0]), strict=True)
            for layer in (
                nn.Upsample(scale_factor=2, mode="linear"),
                nn.Conv1d(a, b, kernel, padding=half),
                nn.GELU(),
            )
        ]
        self.decoder: nn.Sequential = nn.Sequential(
            *up, nn.Conv1d(widths[0], 1, kernel, padding=half)
        )

    def estimate(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return self.series(self.decoder(self.code(self.encoder(self.view(x))))), {}

    def penalty(
        self, cleaned: Tensor, clean: Tensor, extra: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """A spread other than the clean one's, and changes larger than it ever makes.

        A squared error alone is least for a flat line wherever the net is uncertain.
        """
        both = torch.stack([cleaned, clean])
        course, change = (both.cumsum(-1), both) if self.level else (both, both.diff(dim=-1))
        spread = torch.log(course.std(-1) + 1e-3)
        usual = change[1].std(-1, keepdim=True) + 1e-6
        excess = (change[0].abs() / usual - STEADY).clamp_min(0)
        return {
            "spread": self.sizes["spread"] * (spread[0] - spread[1]).square().mean(),
            "moving": self.sizes["moving"] * torch.log1p(excess.square().mean(-1)).mean(),
        }
