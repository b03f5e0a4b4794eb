"""What goes into the network, what comes out, and what is true: tensors by name."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Stream:
    """One modality of a window as tensors."""

    signal: Tensor  # EEG (batch, channel, time); fNIRS d(OD) (batch, channel, wavelength, time)
    position: Tensor  # (batch, channel, 3) m, NaN where unknown
    rate: float  # Hz


@dataclass(frozen=True)
class Estimate:
    """What the model says of one stream."""

    gate_logit: Tensor  # (batch, channel, frame)
    gate: Tensor  # (batch, channel, time), 0..1
    share_logit: Tensor  # (batch, channel, band, frame)
    clean: Tensor  # (batch, channel, band, frame): log energy of the clean signal over quiet level
    quiet: Tensor  # (batch, channel, band, 1): quiet energy that `clean` is relative to
    artifact: Tensor  # like the signal; to be subtracted, gate included
    variance: Tensor  # like the signal; of what is off after that, before calibration


@dataclass(frozen=True)
class Target:
    """What is true of one stream of a batch, in the model's domain."""

    clean: Tensor  # EEG (batch, channel, time); fNIRS d(OD) (batch, channel, wavelength, time)
    artifact: Tensor
    mask: Tensor  # (batch, channel, time)
