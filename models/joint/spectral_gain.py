"""Artifact of single EEG channels by a gain over time and frequency.

With one to four electrodes a spatial filter has too few directions to tell brain from artifact
apart. A gain needs one channel only: in short windows (Allen 1977), frequencies whose energy is far
above the channel's quiet spectrum are taken for artifact.
"""

import torch
from torch import Tensor

EPS = 1e-20


def spectral_gain(observed: Tensor, quiet: Tensor, *, size: int, excess: float) -> Tensor:
    """Artifact (batch, channel, time) by spectral subtraction (Boll 1979).

    Parameters
    ----------
    observed : Tensor (batch, channel, time)
        Recorded signal; any scale.
    quiet : Tensor (batch, channel, time)
        Weight 0..1 of each sample in the spectrum of the channel without motion.
    size : int
        Window length in samples, a multiple of four.
    excess : float
        Times the quiet energy up to which a frequency is left as it is.

    Examples
    --------
    A burst of 60 times the amplitude around it:

    >>> x = torch.randn(1, 1, 2500, generator=torch.Generator().manual_seed(0))
    >>> burst = torch.zeros(1, 1, 2500)
    >>> burst[..., 1000:1500] = 60 * x[..., 1000:1500]
    >>> artifact = spectral_gain(x + burst, (burst == 0).float(), size=124, excess=2.0)
    >>> bool((artifact - burst).square().mean() < 0.002 * burst.square().mean())
    True
    """
    batch, channels, length = observed.shape
    size = min(size, max(4 * (length // 4), 4))
    taper = torch.hann_window(size, periodic=True, dtype=observed.dtype, device=observed.device)
    settings = {"n_fft": size, "hop_length": size // 4, "window": taper, "center": True}
    spectrum = torch.stft(
        observed.flatten(0, 1), **settings, pad_mode="constant", return_complex=True
    )
    energy = spectrum.real.square() + spectrum.imag.square()
    weight = quiet.flatten(0, 1)
    # a window is quiet where all of it is: the least of its weights
    least = -torch.nn.functional.max_pool1d(-weight[:, None], size, size // 4, size // 2)[:, 0]
    least = least[:, : energy.shape[-1]]
    missing = energy.shape[-1] - least.shape[-1]
    least = torch.nn.functional.pad(least, (0, missing))[:, None] + 1e-4
    usual = (energy * least).sum(-1, keepdim=True) / least.sum(-1, keepdim=True)
    gain = (1 - excess * usual / (energy + EPS)).clamp_min(0)
    artifact = torch.istft(spectrum * gain, **settings, length=length)
    return artifact.unflatten(0, (batch, channels))
