"""Updates shortened to a norm, Gaussian noise on their sum, and the privacy that this gives.

The unit is a centre: ε says how far the weights can tell whether a centre took part at all. With
few centres it is large.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from neurofuse.io.errors import ParameterError
from neurofuse.models.federated.update import Change, norm_of


def clipped(change: Change, largest: float) -> Change:
    """The change, shortened where its norm is above the largest one."""
    norm = norm_of(change)
    if norm <= largest:
        return change
    return {name: part * (largest / norm) for name, part in change.items()}


def noise_like(
    weights: Mapping[str, Tensor], deviation: float, seed: int, number: int
) -> dict[str, Tensor]:
    """Gaussian noise for each parameter, of (seed, number of the round) alone."""
    rng = np.random.default_rng([seed, number])
    return {
        name: torch.from_numpy(deviation * rng.standard_normal(weight.numel())).reshape(
            weight.shape
        )
        for name, weight in weights.items()
    }


def epsilon(noise: float, rounds: int, delta: float) -> float:
    """ε of rounds with Gaussian noise, by the Rényi accountant of dp-accounting.

    Parameters
    ----------
    noise : float
        Standard deviation over the largest norm of an update [1].
    rounds : int
        In which every centre may have taken part.
    delta : float
        Probability [1] that the bound fails.

    Returns
    -------
    float
        Infinite without noise.

    Examples
    --------
    >>> epsilon(0.0, 20, 1e-5)
    inf
    """
    if noise == 0:
        return float("inf")
    try:
        from dp_accounting.dp_event import GaussianDpEvent
        from dp_accounting.rdp import RdpAccountant
    except ImportError as error:
        raise ParameterError(
            "no package dp-accounting, which tells ε",
            "it where `noise` is above 0",
            "pip install 'neurofuse[federated]', or set `noise` to 0",
        ) from error
    accountant = RdpAccountant()
    accountant.compose(GaussianDpEvent(noise), rounds)
    return float(accountant.get_epsilon(delta))
