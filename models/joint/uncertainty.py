"""How far the cleaned samples may be off: the posterior variance of the model's own statistics.

Where a share p of a band's energy is artifact and the clean signal's energy is c, the best linear
estimate of the clean signal is off by p·c on average. The model's p and c are estimates and its
filter also uses other channels, so that one factor a stream makes the figures true: it is measured
on validation people (`models/training/calibration.py`) and stored with the weights.
"""

from torch import Tensor

from neurofuse.models.joint.bands import to_samples


def error_variance(
    signal: Tensor, gate: Tensor, share: Tensor, clean: Tensor, quiet: Tensor, rate: float
) -> Tensor:
    """Variance of the error, before calibration; 0 where the gate is shut.

    Parameters
    ----------
    signal : Tensor (batch, channel[, wavelength], time)
    gate : Tensor (batch, channel, time)
    share : Tensor (batch, channel, band, time)
    clean : Tensor (batch, channel, band, frame)
        Log energy of the clean signal over `quiet`.
    quiet : Tensor (batch, channel, band, 1)
    rate : float
        Hz

    Returns
    -------
    Tensor like `signal`
    """
    energy = to_samples(quiet * clean.clamp(-6, 6).exp(), rate, signal.shape[-1])
    variance = gate * (share * energy).sum(-2)
    if signal.dim() == 3:
        return variance
    level = signal.square().quantile(0.3, dim=-1, keepdim=True)  # wavelengths differ in size
    return variance[:, :, None] * level / (level.mean(2, keepdim=True) + 1e-38)
