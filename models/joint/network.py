"""The latent network: one encoder a modality, fusion at the latent rate, one decoder a modality.

Montage-agnostic: encoders and decoders treat each channel alike and see the others through pools
over neighbours (by position) and over all channels, so number and order of channels are free.
"""

import torch
from torch import Tensor, nn


class TemporalBlock(nn.Module):
    """Residual dilated convolution along the latent frames of (batch, width, frame)."""

    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.conv: nn.Conv1d = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.mix: nn.Conv1d = nn.Conv1d(width, width, 1)
        self.norm: nn.GroupNorm = nn.GroupNorm(1, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mix(nn.functional.gelu(self.conv(self.norm(x))))


def neighbours(position: Tensor, width: float) -> Tensor:
    """Pooling weights (batch, channel, channel) by distance, a Gaussian with an SD of `width` [m].

    They are even where positions are unknown.
    """
    known = torch.isfinite(position).all(-1)
    place = torch.nan_to_num(position)
    distance = torch.cdist(place, place)
    weight = torch.exp(-(distance**2) / (2 * width**2))
    pair = known[:, :, None] & known[:, None, :]
    weight = torch.where(pair, weight, torch.full_like(weight, 0.5))
    return weight / weight.sum(-1, keepdim=True)


class Encoder(nn.Module):
    """Features of each channel (batch, channel, feature, frame) to channel and stream latents."""

    def __init__(self, features: int, width: int):
        super().__init__()
        self.enter: nn.Conv1d = nn.Conv1d(features, width, 5, padding=2)
        self.along_time: nn.Sequential = nn.Sequential(
            *(TemporalBlock(width, d) for d in (1, 3, 9, 27))
        )
        self.leave: nn.Conv1d = nn.Conv1d(3 * width, width, 1)

    def forward(self, x: Tensor, near: Tensor) -> tuple[Tensor, Tensor]:
        """Latents of channels (batch, channel, width, frame) and stream (batch, width, frame)."""
        batch, channels = x.shape[:2]
        own = self.along_time(self.enter(x.flatten(0, 1))).unflatten(0, (batch, channels))
        around = torch.einsum("bij,bjwt->biwt", near, own)
        mixed = nn.functional.gelu(own + around)
        mean = mixed.mean(1)
        # not `std`, which takes twenty times as long over channels
        spread = torch.linalg.vector_norm(mixed - mean[:, None], dim=1) / channels**0.5
        pooled = torch.cat([mean, mixed.amax(1), spread], 1)
        return mixed, self.leave(pooled)


class Fusion(nn.Module):
    """Both stream latents to one latent (batch, width, frame); either stream may be absent."""

    def __init__(self, streams: tuple[str, ...], width: int):
        super().__init__()
        self.streams = streams
        self.absent: nn.ParameterDict = nn.ParameterDict(
            {s: nn.Parameter(torch.zeros(width)) for s in streams}
        )
        self.enter: nn.Conv1d = nn.Conv1d(len(streams) * width, width, 1)
        self.along_time: nn.Sequential = nn.Sequential(
            *(TemporalBlock(width, d) for d in (1, 4, 16, 64, 128))
        )

    def forward(self, latents: dict[str, Tensor]) -> Tensor:
        given = next(iter(latents.values()))
        parts = [
            latents[s] if s in latents else self.absent[s][None, :, None].expand_as(given)
            for s in self.streams
        ]
        return self.along_time(self.enter(torch.cat(parts, 1)))


class Decoder(nn.Module):
    """Channel latents, the fused latent and evidence to estimates for each channel.

    `witnessed` (batch, evidence, frame) is what others say of movement (`witnesses`); None is as
    much as zeros. Returns the logit of motion (batch, channel, frame), the logits of the artifact
    fraction of each band's energy (batch, channel, band, frame), and the log energy of the clean
    signal (batch, channel, band, frame), which is the autoencoder's reconstruction.
    """

    def __init__(self, bands: int, width: int, evidence: int):
        super().__init__()
        self.bands = bands
        self.enter: nn.Conv1d = nn.Conv1d(3 * width, width, 1)
        self.witnessed: nn.Conv1d = nn.Conv1d(evidence, width, 1, bias=False)
        self.along_time: nn.Sequential = nn.Sequential(
            TemporalBlock(width, 1), TemporalBlock(width, 3)
        )
        self.leave: nn.Conv1d = nn.Conv1d(width, 1 + 2 * bands, 1)

    def forward(
        self, channel: Tensor, fused: Tensor, near: Tensor, witnessed: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        batch, channels = channel.shape[:2]
        around = torch.einsum("bij,bjwt->biwt", near, channel)
        everywhere = fused[:, None].expand(-1, channels, -1, -1)
        x = self.enter(torch.cat([channel, around, everywhere], 2).flatten(0, 1))
        if witnessed is not None:
            x = x + self.witnessed(witnessed).repeat_interleave(channels, 0)
        out = self.leave(self.along_time(x)).unflatten(0, (batch, channels))
        motion, fraction, clean = out.split([1, self.bands, self.bands], dim=2)
        return motion.squeeze(2), fraction, clean
