"""The latent network: one encoder a modality, fusion at the latent rate, one decoder a modality.

Montage-agnostic: encoders and decoders treat each channel alike and see the others through pools
over neighbours (by position) and over all channels, so number and order of channels are free.

The causal network, for cleaning while a recording is made, has the same layers and as many
weights. No frame sees a later one there; what it gives of fNIRS comes late by some frames
(`decoded_late`), what it gives of EEG does not. `models/live/network.py` computes it frame by
frame.
"""

import torch
from torch import Tensor, nn

from neurofuse.models.joint.layers import DECODED, ENCODED, ENTRY, FUSED, waits


class RunningNorm(nn.GroupNorm):
    """Layer norm of (batch, width, frame) with mean and variance of the frames so far."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002, the name in torch
        count = torch.arange(1, input.shape[-1] + 1, device=input.device)
        mean, square = (x.mean(1, keepdim=True).cumsum(-1) / count for x in (input, input**2))
        scale = ((square - mean**2).clamp_min(0) + self.eps).rsqrt()
        return (input - mean) * scale * self.weight[:, None] + self.bias[:, None]


class CausalConv(nn.Conv1d):
    """A convolution of (batch, width, frame) that sees no later frame."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002, the name in torch
        past = self.dilation[0] * (self.kernel_size[0] - 1)
        return super().forward(nn.functional.pad(input, (past, 0)))


def convolution(inwards: int, width: int, size: int, dilation: int, causal: bool) -> nn.Conv1d:
    """A convolution over frames that keeps their number."""
    if causal:
        return CausalConv(inwards, width, size, dilation=dilation)
    return nn.Conv1d(inwards, width, size, padding=size // 2 * dilation, dilation=dilation)


def later(x: Tensor, frames: int) -> Tensor:
    """(…, frame) as it was some frames before; zeros at the start."""
    return nn.functional.pad(x, (frames, 0))[..., : x.shape[-1]] if frames else x


def sooner(x: Tensor, frames: int) -> Tensor:
    """Undo `later`: (…, frame) as it will be some frames on; the last one holds at the end."""
    if not frames:
        return x
    return torch.cat([x[..., frames:], x[..., -1:].expand(*x.shape[:-1], frames)], -1)


class TemporalBlock(nn.Module):
    """Residual dilated convolution along the latent frames of (batch, width, frame).

    One that is causal and `waits` comes late by its dilation, and so sees as much after a frame as
    before it.
    """

    def __init__(self, width: int, dilation: int, causal: bool = False, waits: bool = False):
        super().__init__()
        self.conv: nn.Conv1d = convolution(width, width, 3, dilation, causal)
        self.mix: nn.Conv1d = nn.Conv1d(width, width, 1)
        self.norm: nn.GroupNorm = (RunningNorm if causal else nn.GroupNorm)(1, width)
        self.late: int = dilation if causal and waits else 0

    def forward(self, x: Tensor) -> Tensor:
        return later(x, self.late) + self.mix(nn.functional.gelu(self.conv(self.norm(x))))


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

    def __init__(self, modality: str, features: int, width: int, causal: bool = False):
        super().__init__()
        self.enter: nn.Conv1d = convolution(features, width, ENTRY, 1, causal)
        self.along_time: nn.Sequential = nn.Sequential(
            *(TemporalBlock(width, d, causal, waits(modality, d)) for d in ENCODED)
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

    def __init__(self, streams: tuple[str, ...], width: int, causal: bool = False):
        super().__init__()
        self.streams = streams
        self.absent: nn.ParameterDict = nn.ParameterDict(
            {s: nn.Parameter(torch.zeros(width)) for s in streams}
        )
        self.enter: nn.Conv1d = nn.Conv1d(len(streams) * width, width, 1)
        self.along_time: nn.Sequential = nn.Sequential(
            *(TemporalBlock(width, d, causal) for d in FUSED)
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

    def __init__(self, modality: str, bands: int, width: int, evidence: int, causal: bool = False):
        super().__init__()
        self.bands = bands
        self.enter: nn.Conv1d = nn.Conv1d(3 * width, width, 1)
        self.witnessed: nn.Conv1d = nn.Conv1d(evidence, width, 1, bias=False)
        self.along_time: nn.Sequential = nn.Sequential(
            *(TemporalBlock(width, d, causal, waits(modality, d)) for d in DECODED)
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
