"""What all baseline networks have in common: constructor, scale, saturated input."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neurofuse.io.errors import ParameterError

SATURATIONS = (8.0, 64.0, 512.0)  # amplitudes at which copies of the input saturate [its median]
SUM_SCALE = 10.0  # median changes per unit of the cumulative sums that layers take and return


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
        Whether series are changes of a baseline level, as of optical density: nets then also see
        their cumulative sum, and estimate that of the clean series.
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
        """Input of the layers (series, copy, time): `saturated_copies`, or two and their sum."""
        if not self.level:
            return saturated_copies(x)
        level = clipped(x, SATURATIONS[0]).cumsum(-1)
        level = (level - level.median(-1, keepdim=True).values) / SUM_SCALE
        return torch.cat([saturated_copies(x)[:, :2], level[:, None]], 1)

    def series(self, out: Tensor) -> Tensor:
        """Output of the layers (series, 1, time) as series (series, time) of changes or samples."""
        out = out.squeeze(1)
        return SUM_SCALE * torch.diff(out, dim=-1, prepend=out[:, :1]) if self.level else out

    def penalty(
        self, cleaned: Tensor, clean: Tensor, extra: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """What the architecture's paper adds to the loss that all nets share."""
        return {}

    def critic(self) -> nn.Module | None:
        """The discriminator that the net is trained against, if the architecture has one."""
        return None


def scale(x: Tensor) -> Tensor:
    """Median absolute value of each series (series, 1); never zero."""
    size = x.abs().median(-1, keepdim=True).values
    size = torch.where(size > 0, size, x.abs().amax(-1, keepdim=True))
    return torch.where(size > 0, size, torch.ones_like(size))


def clipped(x: Tensor, limit: float) -> Tensor:
    """x up to about half the limit, and never more than the limit; smooth in between."""
    return x / (1 + (x / limit) ** 4) ** 0.25


def saturated_copies(x: Tensor) -> Tensor:
    """Copies (series, copy, time) of the input, each saturated at another amplitude and rescaled.

    Motion can be a thousand times as strong as the signal. The first copy resolves the signal, the
    others the artifact.
    """
    return torch.stack([clipped(x, limit) * (SATURATIONS[0] / limit) for limit in SATURATIONS], 1)


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


def input_layer(width: int, stride: int) -> nn.Conv1d:
    """Convolution of the input into `width` features, one every `stride` samples."""
    return nn.Conv1d(len(SATURATIONS), width, 2 * stride, stride=stride, padding=stride // 2)


def output_layer(width: int, stride: int) -> nn.ConvTranspose1d:
    """Transposed convolution of features into one series; undoes the stride of `input_layer`."""
    return nn.ConvTranspose1d(width, 1, 2 * stride, stride=stride, padding=stride // 2)
