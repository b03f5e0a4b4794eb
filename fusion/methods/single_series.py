"""Single-channel baseline networks, trained on the joint model's windows.

They see one channel (fNIRS: one wavelength of it) at a time and have weights of their own for each
modality: `neurofuse.models.single_series`. torch is loaded when one of them is first used.
"""

from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Classical, Treatment

_TRAINED = "; about 190 000 weights, trained by neurofuse"
SOURCES = {
    "cnn": "residual CNN with three kernel sizes: after EEGdenoiseNet's complex CNN, Zhang et al. "
    "2021, J Neural Eng 18:056057",
    "unet": "one-dimensional U-Net: Ronneberger et al. 2015, LNCS 9351:234; for EEG Chuang et al. "
    "2022, NeuroImage 263:119586",
    "lstm": "bidirectional LSTM autoencoder: after Yang et al. 2025, Eur J Neurosci, "
    "doi 10.1111/ejn.16679",
    "cnn_lstm": "two scales of convolutions and an LSTM: after DuoCL, Gao T. et al. 2023, IEEE J "
    "Biomed Health Inform 27:1283",
    "dae": "convolutional denoising autoencoder: after Gao Y. et al. 2022, Neurophotonics 9:041406",
    "vae": "variational autoencoder: after Kingma and Welling 2014, arXiv:1312.6114",
    "gan": "residual generator trained against a discriminator: after EEGANet, Sawangjai et al. "
    "2022, IEEE J Biomed Health Inform 26:4913",
    "transformer": "self-attention between segments of a channel: after EEGDnet, Pu et al. 2022, "
    "Comput Biol Med 151:106248",
}


def clean_eeg(node: xr.Dataset, *, net: str, folder: Path | None = None) -> np.ndarray:
    """Every channel by itself."""
    from neurofuse.models.single_series import apply
    from neurofuse.models.single_series.weights import load_net

    return apply.clean_eeg(node.eeg.values, node.attrs["rate"], load_net(net, "eeg", folder))


def clean_nirs(node: xr.Dataset, *, net: str, folder: Path | None = None) -> np.ndarray:
    """Every channel and wavelength by itself."""
    from neurofuse.models.single_series import apply
    from neurofuse.models.single_series.weights import load_net

    return apply.clean_nirs(node.od.values, node.attrs["rate"], load_net(net, "nirs", folder))


APPLY = {"eeg": clean_eeg, "nirs": clean_nirs}


def single_series(net: str, *, folder: Path | None = None, stream: str = "") -> Classical:
    """A network as a method, with the packaged weights or those of one modality in `folder`."""
    treatments = {
        name: Treatment(partial(function, net=net, folder=folder))
        for name, function in APPLY.items()
        if stream in ("", name)
    }
    return Classical(net, SOURCES[net] + _TRAINED, treatments)


SINGLE_SERIES = tuple(single_series(name) for name in SOURCES)
