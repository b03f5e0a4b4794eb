"""Learned cleaners of single series, trained on the joint model's windows: `neurofuse.models.single_series`.

Each stream has weights of its own. torch is loaded when one of them is first used.
"""

from functools import partial

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Peer, Treatment

_TRAINED = "; about 190 000 weights, trained by neurofuse on single series"
_SOURCES = {
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
    "transformer": "self-attention between pieces of a series: after EEGDnet, Pu et al. 2022, "
    "Comput Biol Med 151:106248",
}


def clean_eeg(node: xr.Dataset, *, net: str) -> np.ndarray:
    """Every channel by itself."""
    from neurofuse.models.single_series import apply

    return apply.clean_eeg(node.eeg.values, node.attrs["rate"], net)


def clean_nirs(node: xr.Dataset, *, net: str) -> np.ndarray:
    """Every channel and wavelength by itself."""
    from neurofuse.models.single_series import apply

    return apply.clean_nirs(node.od.values, node.attrs["rate"], net)


def _peer(net: str) -> Peer:
    treatments = {
        "eeg": Treatment(partial(clean_eeg, net=net)),
        "nirs": Treatment(partial(clean_nirs, net=net)),
    }
    return Peer(net, _SOURCES[net] + _TRAINED, treatments)


LEARNED = tuple(_peer(name) for name in _SOURCES)
