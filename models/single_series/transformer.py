"""Self-attention between pieces of a series: what repeats elsewhere helps to fill in.

After EEGDnet (Pu et al. 2022, Comput Biol Med 151:106248), with pieces as in the vision transformer
(Dosovitskiy et al. 2021) and normalisation first (Xiong et al. 2020). Pieces overlap by half so
that their borders do not show.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neurofuse.models.single_series.net import Net, clipped, input_layer, output_layer


class Layer(nn.Module):
    """Attention over all pieces, then a small network for each; both with a skip connection."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norms: nn.ModuleList = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.ask: nn.Linear = nn.Linear(width, 3 * width)
        self.answer: nn.Linear = nn.Linear(width, width)
        self.think: nn.Sequential = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        asked = self.ask(self.norms[0](x)).unflatten(-1, (3, self.heads, -1))
        query, key, value = asked.permute(2, 0, 3, 1, 4)  # each (series, head, piece, feature)
        heard = nn.functional.scaled_dot_product_attention(query, key, value)
        x = x + self.answer(heard.transpose(1, 2).flatten(2))
        return x + self.think(self.norms[1](x))


class Transformer(Net):
    """Pieces with learned places, layers of attention, and a correction of the clipped input."""

    DEFAULTS: ClassVar[dict[str, Any]] = {"width": 72, "heads": 4, "layers": 4, "steps": 64}

    def build(self, width: int, heads: int, layers: int, steps: int) -> None:
        stride = self.length // steps
        self.enter: nn.Conv1d = input_layer(width, stride)
        self.place: nn.Parameter = nn.Parameter(0.02 * torch.randn(steps, width))
        self.layers: nn.Sequential = nn.Sequential(*(Layer(width, heads) for _ in range(layers)))
        self.norm: nn.LayerNorm = nn.LayerNorm(width)
        self.leave: nn.ConvTranspose1d = output_layer(width, stride)
        nn.init.zeros_(self.leave.weight)

    def estimate(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        pieces = self.enter(self.view(x)).transpose(1, 2) + self.place
        thought = self.norm(self.layers(pieces)).transpose(1, 2)
        return clipped(x, 8.0) + self.series(self.leave(thought)), {}
