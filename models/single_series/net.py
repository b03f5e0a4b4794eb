"""What all baseline networks have in common: constructor, scale, ladder of input amplitudes."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neurofuse.io.errors import ParameterError

RUNGS = (8.0, 64.0, 512.0)  # amplitudes, over the median one, at which the input saturates
LEVEL = 10.0  # median changes that make a step of one in the levels that layers see and give


class Net(nn.Module):
    """A map from one disturbed series to the clean one, the same for every series of a window.

    Parameters
    ----------
    channels : int
        Series of a window. They go into the batch, so no weight depends on their number.
    rate : float
        Sampling rate that the weights are for [Hz].
    length : int
        Samples of a window.
    level : bool
        Whether series are changes whose sum counts, as of optical density: nets then also see the
        sum, and what they give is a level.
    **config
        Sizes, see each net's `DEFAULTS`. `net.config` holds all of it, and
        `Net.from_config(net.config)` builds the same net.

    Raises
    ------
    ParameterError
        For sizes that the net does not know or cannot have.
    """

    DEFAULTS: ClassVar[dict[str, Any]] = {}

    def __init__(
        self, channels: int, rate: float, length: int, *, level: bool = False, **config: Any
    ):
        super().__init__()
        for name in config:
            if name not in self.DEFAULTS:
                raise ParameterError(
                    f"{type(self).__name__} with {name!r}",
                    f"some of {', '.join(self.DEFAULTS)}",
                    "check its name",
                )
        if channels < 1 or rate <= 0 or length < 512 or length % 512:
            raise ParameterError(
                f"channels={channels}, rate={rate:g}, length={length}",
                "at least one channel, a positive rate and a multiple of 512 samples",
                "choose another window",
            )
        self.channels: int = channels
        self.rate: float = rate
        self.length: int = length
        self.level: bool = level
        self.sizes: dict[str, Any] = {**self.DEFAULTS, **config}
        self.build(**self.sizes)

    def build(self, *_: Any, **sizes: Any) -> None:
        """Make the layers from the sizes of `DEFAULTS`, by name."""
        raise NotImplementedError

    @property
    def config(self) -> dict[str, Any]:
        """All that the constructor takes."""
        return {
            "channels": self.channels,
            "rate": self.rate,
            "length": self.length,
            "level": self.level,
            **self.sizes,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Net":
        """The net that `config` describes, with fresh weights."""
        return cls(**config)

    def forward(self, x: Tensor) -> Tensor:
        """Clean series (batch, channel, time) of disturbed ones, in the units they came in."""
        if x.ndim != 3 or x.shape[-1] != self.length:
            raise ParameterError(
                f"a tensor {tuple(x.shape)}", f"(batch, channel, {self.length})", "cut windows"
            )
        flat = x.flatten(0, 1)
        size = scale(flat)
        return (size * self.estimate(flat / size)[0]).view_as(x)

    def estimate(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Clean series (series, time) of series scaled to a median amplitude of 1.

        With it come tensors that `penalty` takes.
        """
        raise NotImplementedError

    def view(self, x: Tensor) -> Tensor:
        """What layers see of the input (series, rung, time): `ladder`, or rungs and the level."""
        if not self.level:
            return ladder(x)
        level = clipped(x, RUNGS[0]).cumsum(-1)
        level = (level - level.median(-1, keepdim=True).values) / LEVEL
        return torch.cat([ladder(x)[:, :2], level[:, None]], 1)

    def series(self, out: Tensor) -> Tensor:
        """What layers give (series, 1, time) as a series: a level becomes changes."""
        out = out.squeeze(1)
        return LEVEL * torch.diff(out, dim=-1, prepend=out[:, :1]) if self.level else out

    def penalty(
        self, cleaned: Tensor, clean: Tensor, extra: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """What the architecture's paper adds to the loss that all nets share."""
        return {}

    def critic(self) -> nn.Module | None:
        """A second net that judges the first in training, if the architecture has one."""
        return None


def scale(x: Tensor) -> Tensor:
    """Median absolute value of each series (series, 1); never zero."""
    size = x.abs().median(-1, keepdim=True).values
    size = torch.where(size > 0, size, x.abs().amax(-1, keepdim=True))
    return torch.where(size > 0, size, torch.ones_like(size))


def clipped(x: Tensor, limit: float) -> Tensor:
    """x up to about half the limit, and never more than the limit; smooth in between."""
    return x / (1 + (x / limit) ** 4) ** 0.25


def ladder(x: Tensor) -> Tensor:
    """The input (series, rung, time) at several saturations, all within the same bounds.

    Motion can be a thousand times as strong as the signal. The first rung shows the signal and
    where it is saturated, the others show the artifact's shape.
    """
    return torch.stack([clipped(x, rung) * (RUNGS[0] / rung) for rung in RUNGS], 1)


class Residual(nn.Module):
    """Two convolutions with a skip connection, along (series, width, step)."""

    def __init__(self, width: int, kernel: int, dilation: int = 1):
        super().__init__()
        around = dilation * (kernel // 2)
        self.layers: nn.Sequential = nn.Sequential(
            nn.GroupNorm(1, width),
            nn.Conv1d(width, width, kernel, padding=around, dilation=dilation),
            nn.GELU(),
            nn.Conv1d(width, width, kernel, padding=around, dilation=dilation),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def entrance(width: int, stride: int) -> nn.Conv1d:
    """From the input to `width` features of half-overlapping pieces, one in `stride` samples."""
    return nn.Conv1d(len(RUNGS), width, 2 * stride, stride=stride, padding=stride // 2)


def departure(width: int, stride: int) -> nn.ConvTranspose1d:
    """Back from features of half-overlapping pieces to one series."""
    return nn.ConvTranspose1d(width, 1, 2 * stride, stride=stride, padding=stride // 2)
