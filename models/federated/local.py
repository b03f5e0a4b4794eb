"""Training at a centre: rounds of some steps from weights that come from elsewhere."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from neurofuse.io.errors import ParameterError
from neurofuse.models.federated.weights import trained_in
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.training.config import Training
from neurofuse.models.training.corpus import CleanSignal
from neurofuse.models.training.distributed import Team
from neurofuse.models.training.joint import JointLearner, JointSampling
from neurofuse.models.training.train import donors_of, learned_from, recordings_of, sampling_of
from neurofuse.models.training.windows import Batch

Corpus = dict[str, list[CleanSignal]]  # by modality


class Near(nn.Module):
    """Losses of a model and, as of FedProx, half its squared distance from some weights."""

    def __init__(
        self,
        losses: nn.Module,
        model: nn.Module,
        weights: Mapping[str, Tensor],
        proximal: float,
    ):
        super().__init__()
        self.losses: nn.Module = losses
        self.model: nn.Module = model
        self.weights: Mapping[str, Tensor] = weights
        self.proximal: float = proximal

    def forward(self, windows: Batch, withheld: str | None, wiener: bool) -> dict[str, Tensor]:
        """Losses by name, "proximal" among them."""
        losses = self.losses(windows, withheld, wiener)
        # one that did not move stays without gradient, so that it counts as not trained
        away = [
            ((p - self.weights[name]) ** 2).sum()
            for name, p in self.model.named_parameters()
            if name in self.weights and not torch.equal(p, self.weights[name])
        ]
        if away:
            losses["proximal"] = 0.5 * self.proximal * torch.stack(away).sum()
        return losses


class LocalLearner(JointLearner):
    """A model as a centre trains it: it is never judged, its best weights are the server's.

    Parameters
    ----------
    plan : Training
    folder : Path
        Gets the state.
    model : CrossModalAutoencoder
    proximal : float
        As of `Federation`.
    """

    def __init__(self, plan: Training, folder: Path, model: CrossModalAutoencoder, proximal: float):
        super().__init__(plan, folder, model, [], {}, Team(torch.device("cpu")))
        self.proximal: float = proximal
        self.plain: nn.Module = self.losses_of

    def begin(self, step: int) -> dict[str, Tensor]:
        """Go on at a step with the weights as they are; a copy of those that are trained."""
        self.step = step
        weights = {name: tensor.clone() for name, tensor in trained_in(self.model).items()}
        if self.proximal:
            self.losses_of: nn.Module = Near(self.plain, self.model, weights, self.proximal)
        return weights

    def judge(self) -> None:
        """Keep what `restore` needs."""
        self.save_state()
        self.losses: dict[str, float] = {}


def corpus_of(plan: Training, centre: str) -> Corpus:
    """Recordings of the modalities that a centre has; ParameterError if it has none at all."""
    found: Corpus = {}
    missing: list[str] = []
    for stream in plan.architecture.streams:
        try:
            found[stream] = recordings_of(plan, "train", stream)
        except ParameterError as error:
            missing.append(str(error))
    if not found:
        raise ParameterError(
            f"centre {centre} without a recording to train on ({'; '.join(missing)})",
            f"{plan.window:g} s of {' or '.join(plan.architecture.streams)} of one participant",
            "add files to `own` in its configuration",
        )
    return found


def windows_of(plan: Training, corpus: Corpus) -> Callable[[int], tuple[Batch, str | None]]:
    """The windows of a step, sampled from the recordings of a centre."""
    sampling = learned_from(plan, sampling_of(plan), plan.batch)
    donors = donors_of(plan, sampling, corpus)
    return JointSampling(corpus, sampling, plan.seed, plan.partner_dropout, donors)
