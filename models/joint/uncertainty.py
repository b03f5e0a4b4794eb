"""How far the cleaned samples may be off: the posterior variance of the model's own statistics.

Where a fraction p of a band's energy is artifact and the clean signal's energy is c, the best
linear estimate of the clean signal is off by p·c on average. The model's p and c are estimates and
its filter also uses other channels, so that one factor a modality calibrates the standard
deviations: it is measured on validation participants (`models/training/calibration.py`) and stored
among the weights as `calibration`.
"""

from torch import Tensor

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.bands import to_samples
from neurofuse.models.joint.tensors import Stream


def error_variance(
    stream: Stream,
    gate: Tensor,
    fraction: Tensor,
    clean: Tensor,
    quiet: Tensor,
    architecture: Architecture,
) -> Tensor:
    """Variance of the error, before calibration; 0 where the motion mask is 0.

    Parameters
    ----------
    stream : Stream
        The signal (batch, channel[, wavelength], time) and its rate.
    gate : Tensor (batch, channel, time)
        Motion mask, 0 to 1.
    fraction : Tensor (batch, channel, band, time)
        Artifact fraction of each band's energy.
    clean : Tensor (batch, channel, band, frame)
        Log energy of the clean signal over `quiet`.
    quiet : Tensor (batch, channel, band, 1)
        Energy without motion.
    architecture : Architecture
        For the latent rate, and the quantile that the energy without motion is.

    Returns
    -------
    Tensor like the signal, in its unit squared
    """
    a, signal = architecture, stream.signal
    frames = quiet * clean.clamp(-6, 6).exp()
    energy = to_samples(frames, stream.rate, signal.shape[-1], a.latent_rate)
    variance = gate * (fraction * energy).sum(-2)
    if signal.dim() == 3:
        return variance
    size = signal.square().quantile(a.quiet.quantile, dim=-1, keepdim=True)  # of each wavelength
    return variance[:, :, None] * size / (size.mean(2, keepdim=True) + 1e-38)
