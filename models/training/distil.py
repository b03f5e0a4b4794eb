"""A teacher: a trained model whose estimates a smaller one learns beside the truth.

The truth says of a frame that it moved; the teacher says how surely, and how much of each band was
artifact as its filters want to be told. What it says is soft, so that a small network learns from
few windows what a large one learned from many.
"""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import smooth_l1_loss

from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.tensors import Estimate, Latent, Stream
from neurofuse.models.training.loss import LARGEST_LOG_ODDS

TAUGHT_WEIGHT = 3.0  # of what the teacher says beside the truth
FILTER = {"eeg": ("log_shrinkage", "pooling_logit"), "nirs": ("log_spread", "log_reach")}


class Teacher:
    """A trained model that tells what it estimates, and is not trained itself.

    Parameters
    ----------
    model : CrossModalAutoencoder
        On the device of the windows.

    Examples
    --------
    >>> from neurofuse.models.weights import load_model
    >>> Teacher(load_model("eeg")).model.training
    False
    """

    def __init__(self, model: CrossModalAutoencoder):
        self.model: CrossModalAutoencoder = model.eval().requires_grad_(False)
        self._streams: dict[str, Stream] = {}
        self._told: tuple[dict[str, Latent], dict[str, Estimate]] = {}, {}

    @torch.no_grad()
    def tell(self, streams: dict[str, Stream]) -> tuple[dict[str, Latent], dict[str, Estimate]]:
        """What it encodes and estimates, without its filters; kept for the next student."""
        same = self._streams.keys() == streams.keys()
        if not same or any(self._streams[s] is not stream for s, stream in streams.items()):
            latents = self.model.encode(streams)
            told, _ = self.model(streams, wiener=False, latents=latents, uncertainty=False)
            self._streams, self._told = dict(streams), (latents, told)
        return self._told


def taught_loss(student: Estimate, teacher: Estimate) -> dict[str, Tensor]:
    """How far a student's mask, artifact fractions and clean energies are from its teacher's."""
    moving = torch.sigmoid(teacher.gate_logit)
    share = torch.sigmoid(teacher.fraction_logit)
    weight = 0.1 + moving.unsqueeze(2).expand_as(share)
    wanted, given = (
        x.clamp(-LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)
        for x in (teacher.fraction_logit, student.fraction_logit)
    )
    off = smooth_l1_loss(given, wanted, reduction="none") * moving.unsqueeze(2)
    losses = {
        # twice: most of what a small network loses in fNIRS it loses by its mask
        "gate": 2 * cross_entropy(student.gate_logit, moving),
        "share": cross_entropy(student.fraction_logit, share, weight),
        "odds": 0.1 * off.sum() / (moving.sum() * off.shape[2] + 1),
        "clean": 0.1 * smooth_l1_loss(student.clean, teacher.clean),
    }
    return {f"taught_{name}": TAUGHT_WEIGHT * loss for name, loss in losses.items()}


@torch.no_grad()
def take_filters(student: CrossModalAutoencoder, teacher: CrossModalAutoencoder) -> None:
    """Begin with the settings of the teacher's filters, which are six numbers and no network."""
    for stream in student.architecture.streams:
        own = teacher.own_model(stream)
        for name in FILTER[stream]:
            getattr(student, name).copy_(getattr(own, name))
