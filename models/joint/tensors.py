"""What goes into the network, what comes out, and what is true: tensors by name."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Stream:
    """One modality of a window as tensors."""

    signal: Tensor  # EEG (batch, channel, time); fNIRS d(OD) (batch, channel, wavelength, time)
    position: Tensor  # (batch, channel, 3) m, NaN where unknown
    rate: float  # Hz
    head: Tensor | None = None  # (batch, frame), 0..1: how surely the head moves, by its IMU


@dataclass(frozen=True)
class Latent:
    """One modality of a window as its encoder sees it."""

    bands: Tensor  # the signal in bands: (batch, channel[, wavelength], band, time)
    quiet: Tensor  # (batch, channel, band, 1): energy without motion
    energy: Tensor  # (batch, channel, band, frame): log energy over `quiet`
    seen: Tensor  # (batch, channel, feature, frame): what the encoder is given
    near: Tensor  # (batch, channel, channel): weights of the pool over neighbours
    channel: Tensor  # (batch, channel, width, frame)
    pooled: Tensor  # (batch, width, frame)
    own: tuple[Tensor, ...] | None = None  # what its own model decodes, if that is part of this one


@dataclass(frozen=True)
class Estimate:
    """What the model estimates of one stream."""

    gate_logit: Tensor  # (batch, channel, frame), of motion
    gate: Tensor  # (batch, channel, time), 0..1: the motion mask
    fraction_logit: Tensor  # (batch, channel, band, frame), of the energy that is artifact
    clean: Tensor  # (batch, channel, band, frame): log energy of the clean signal over `quiet`
    quiet: Tensor  # (batch, channel, band, 1): energy without motion
    artifact: Tensor  # like the signal; to be subtracted, already multiplied by the motion mask
    variance: Tensor | None  # like the signal; of the error that remains, before calibration


@dataclass(frozen=True)
class Target:
    """What is true of one stream of a batch, in the model's domain."""

    clean: Tensor  # EEG (batch, channel, time); fNIRS d(OD) (batch, channel, wavelength, time)
    artifact: Tensor
    mask: Tensor  # (batch, channel, time)
    lab: Tensor | None = None  # (batch,): number of the lab that a window is of
