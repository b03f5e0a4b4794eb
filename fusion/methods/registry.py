"""Single-modality methods that users may compare with, classical and learned, by name.

To add one: write a file with a function from samples to samples and a `Peer`, and name it here.
`tests/fusion/methods/test_peers.py` fails until the new peer is tested.
"""

from neurofuse.fusion.methods.asr import ASR
from neurofuse.fusion.methods.cbsi import CBSI
from neurofuse.fusion.methods.cca import TCCA
from neurofuse.fusion.methods.classical_base import Peer, Treatment
from neurofuse.fusion.methods.gedai import GEDAI
from neurofuse.fusion.methods.ica import ICA
from neurofuse.fusion.methods.iclabel import ICLABEL
from neurofuse.fusion.methods.pca import PCA
from neurofuse.fusion.methods.plain import BANDPASS, UNTOUCHED, ZERO
from neurofuse.fusion.methods.regression import LINEAR, REGRESSION
from neurofuse.fusion.methods.short import SHORT
from neurofuse.fusion.methods.single_series import LEARNED
from neurofuse.fusion.methods.spline import SPLINE, SPLINE_SG
from neurofuse.fusion.methods.tddr import TDDR
from neurofuse.fusion.methods.tpca import TPCA
from neurofuse.fusion.methods.wavelet import WAVELET
from neurofuse.fusion.methods.wiener import WIENER
from neurofuse.io.errors import ParameterError

__all__ = ["CLASSICAL", "JOINT", "LEARNED", "PEERS", "PLAIN", "Peer", "Treatment", "get"]

PLAIN = (UNTOUCHED, ZERO, BANDPASS)
CLASSICAL = (
    *(TDDR, WAVELET, SPLINE, SPLINE_SG, TPCA, CBSI, SHORT),
    *(PCA, ICA, ICLABEL, ASR, GEDAI, REGRESSION, WIENER),
)
JOINT = (LINEAR, TCCA)  # classical too, but they look at both streams
PEERS: dict[str, Peer] = {p.name: p for p in (*PLAIN, *CLASSICAL, *JOINT, *LEARNED)}


def get(name: str, **settings: object) -> Peer:
    """The peer called `name`, with other settings than its own if any are given.

    Raises
    ------
    ParameterError
        If there is none; the message lists those there are. If it does not know a setting.

    Examples
    --------
    >>> get("tddr").streams
    ('nirs',)
    >>> get("bandpass", high=30.0).treatments["eeg"].settings
    {'low': 1.0, 'high': 30.0}
    """
    if name not in PEERS:
        raise ParameterError(f"the method {name!r}", f"one of {', '.join(PEERS)}", "check its name")
    return PEERS[name].set(**settings)
