"""The joint model (or a single-modality one) as a learner: its step, validation and weights."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.tensors import Target
from neurofuse.models.training.calibration import calibrate
from neurofuse.models.training.config import Training
from neurofuse.models.training.corpus import CleanSignal
from neurofuse.models.training.distil import Teacher, taught_loss
from neurofuse.models.training.distributed import Team, over_processes
from neurofuse.models.training.domains import AcrossLabs
from neurofuse.models.training.learner import Learner, descend
from neurofuse.models.training.loss import (
    motion_target,
    residual_loss,
    returning_sum,
    statistics_loss,
    truth,
    widened,
)
from neurofuse.models.training.windows import Batch, Donors, WindowSampling, sample_batch
from neurofuse.models.weights import save_model

MOTION_WEIGHT = 0.3  # of the loss on each modality's motion, decoded from the fused latent


@dataclass(frozen=True)
class JointSampling:
    """The batch of a step and the modality that is withheld in it, of (seed, step) alone.

    Of several processes each samples windows of its own, of (seed, step, rank), from the same
    recordings, with the same number of channels, and withholds the same modality.
    """

    corpus: Mapping[str, Sequence[CleanSignal]]
    sampling: WindowSampling
    seed: int
    dropout: float
    donors: Donors | None = None  # of real movements
    rank: int | None = None  # of this process where there are several

    def __call__(self, step: int) -> tuple[Batch, str | None]:
        rng = np.random.default_rng([self.seed, step])
        mine = None if self.rank is None else [self.seed, step, 1 + self.rank]
        own = None if mine is None else np.random.default_rng(mine)
        batch = sample_batch(self.corpus, self.sampling, rng, self.donors, own)
        withheld = None
        if len(batch) > 1 and rng.random() < self.dropout:
            withheld = str(rng.choice(list(batch)))
        return batch, withheld


class Losses(nn.Module):
    """A model whose output is its losses, so that each weight it uses gets a gradient."""

    def __init__(
        self,
        model: CrossModalAutoencoder,
        teacher: Teacher | None = None,
        across_labs: AcrossLabs | None = None,
    ):
        super().__init__()
        self.model: CrossModalAutoencoder = model
        self.teacher: Teacher | None = teacher
        self.across_labs: AcrossLabs | None = across_labs

    def forward(self, windows: Batch, withheld: str | None, wiener: bool) -> dict[str, Tensor]:
        """Losses by name on windows of which one modality may be withheld."""
        a = self.model.architecture
        given = {s: b for s, b in windows.items() if s != withheld}
        streams = {s: b[0] for s, b in given.items()}
        told = latents = None
        if self.teacher is not None:
            measured, told = self.teacher.tell(streams)
            latents = self.model.encode(streams, measured)
        elif self.across_labs is not None:
            latents = self.model.encode(streams)
        estimates, motion = self.model(streams, wiener=wiener, latents=latents, uncertainty=False)
        losses: dict[str, Tensor] = {}
        for s, (seen, target) in windows.items():
            true = truth(s, seen, target, a)
            wanted = motion_target(true)
            frames = min(wanted.shape[-1], motion[s].shape[-1])
            wrong = cross_entropy(motion[s][:, :frames], wanted[:, :frames])
            losses[f"{s}_motion"] = MOTION_WEIGHT * wrong
            if s in given:
                parts = statistics_loss(s, true, estimates[s])
                if told is not None:
                    parts |= taught_loss(estimates[s], told[s])
                if wiener:
                    return_time = a.baseline_level.return_time
                    parts |= residual_loss(s, target, estimates[s], seen.rate, return_time)
                if self.across_labs is not None and latents is not None:
                    parts |= self.across_labs(s, latents[s].pooled, target.lab)
                losses |= {f"{s}_{k}": v for k, v in parts.items()}
        return losses


class JointLearner(Learner[tuple[Batch, str | None]]):
    """A `CrossModalAutoencoder` that is being trained as `plan` says.

    Parameters
    ----------
    plan : Training
        Everything that decides the run.
    folder : Path
        Gets weights, state and log.
    model : CrossModalAutoencoder
        On the device where it is trained.
    checks : sequence of batches
        Windows of validation participants, on the same device.
    facts : dict
        Goes into the JSON beside the weights: `participants`, `command`, `steps_before`,
        `start_score`.
    team : Team
        The processes that train together.
    teacher : Teacher, optional
        Whose estimates are learned beside the truth.
    """

    def __init__(
        self,
        plan: Training,
        folder: Path,
        model: CrossModalAutoencoder,
        checks: Sequence[Batch],
        facts: dict[str, Any],
        team: Team,
        teacher: Teacher | None = None,
    ):
        networks: dict[str, nn.Module] = {"model": model}
        across_labs = AcrossLabs.of(plan)
        if across_labs is not None:
            networks["across_labs"] = across_labs.to(next(model.parameters()).device)
        self.optimizer: torch.optim.AdamW = torch.optim.AdamW(
            [p for network in networks.values() for p in network.parameters()],
            lr=plan.learning_rate,
            weight_decay=0.01,
        )
        super().__init__(plan.name, folder, networks, {"optimizer": self.optimizer})
        self.team: Team = team
        self.leads = team.leads
        self.losses_of: nn.Module = team.wrapped(Losses(model, teacher, across_labs))
        self.plan: Training = plan
        self.model: CrossModalAutoencoder = model
        self.checks: Sequence[Batch] = checks
        self.facts: dict[str, Any] = facts
        self.weights: Path = folder / f"{plan.name}.safetensors"
        self.began: float = time.perf_counter()

    @property
    def seconds(self) -> float:  # type: ignore[override]
        """Seconds since this run began."""
        return time.perf_counter() - self.began

    def learning_rate(self) -> float:
        """Rises over some steps, then falls along half a cosine to a fiftieth."""
        steps = self.plan.steps
        rise = max(1, min(50, steps // 10))
        fall = 0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * self.step / steps))
        return self.plan.learning_rate * (min(1.0, (self.step + 1) / rise) * fall)

    def learn(self, batch: tuple[Batch, str | None]) -> dict[str, float]:
        """One step on windows of which one modality may be withheld."""
        windows, withheld = batch
        self.model.train()
        losses = self.losses_of(windows, withheld, self.step >= self.plan.warm_steps)
        values = torch.stack(list(losses.values()))
        descend(self.optimizer, self.model, values.sum())
        values = over_processes(values.detach()) / self.team.count
        return dict(zip(losses, values.tolist(), strict=True))

    def validate(self) -> tuple[float, dict[str, float]]:
        """The mean of the errors in motion [dB] over modalities, and all scores."""
        scores = validate(self.model, self.checks)
        return float(np.mean([v for k, v in scores.items() if k.endswith("_db")])), scores

    def save_weights(self, scores: dict[str, float]) -> None:
        """Calibrate the standard deviations and write the model."""
        self.model.calibration.copy_(calibrate(self.model, self.checks))
        save_model(
            self.weights,
            self.model,
            self.plan.name,
            self.plan.model_dump(mode="json", exclude={"architecture"}),
            {
                **scores,
                "score": self.best,
                "start_score": self.facts["start_score"],
                "step": self.step,
                "steps_before": self.facts["steps_before"],
            },
            self.facts["participants"],
            self.facts["command"],
        )


@torch.no_grad()
def validate(model: CrossModalAutoencoder, checks: Sequence[Batch]) -> dict[str, float]:
    """How a model does on windows whose truth is known, by modality.

    Parameters
    ----------
    model : CrossModalAutoencoder
    checks : sequence of batches
        On the model's device.

    Returns
    -------
    dict of float
        Energy of the residual error in motion over clean energy there [dB], as "eeg_db" (mean over
        channels and windows) and "eeg_median", and "eeg_change", energy of the change without
        motion over clean energy [dB]; likewise for fNIRS.
    """
    model.eval()
    residual: dict[str, list[np.ndarray]] = {s: [] for s in model.architecture.streams}
    changed: dict[str, list[np.ndarray]] = {s: [] for s in residual}
    return_time = model.architecture.baseline_level.return_time
    for batch in checks:
        estimates, _ = model({s: b[0] for s, b in batch.items()})
        for s, (seen, target) in batch.items():
            mask = target.mask if s == "eeg" else target.mask[:, :, None]
            change = (estimates[s].artifact ** 2 * (1 - mask)).sum(-1) / (target.clean**2).sum(-1)
            changed[s].append(change.flatten().cpu().numpy())
            error = estimates[s].artifact - target.artifact
            ratio, moving = error_in_motion(s, error, target, seen.rate, return_time)
            residual[s].append(ratio[moving].flatten().cpu().numpy())
    scores: dict[str, float] = {}
    for s in residual:
        ratio = np.concatenate(residual[s])
        scores[f"{s}_db"] = float(np.mean(10 * np.log10(ratio + 1e-3)))
        scores[f"{s}_median"] = float(np.median(10 * np.log10(ratio + 1e-6)))
        scores[f"{s}_change"] = float(10 * np.log10(np.mean(np.concatenate(changed[s])) + 1e-9))
    return scores


def error_in_motion(
    stream: str, error: Tensor, target: Target, rate: float, return_time: float
) -> tuple[Tensor, Tensor]:
    """Energy of an error in motion over clean energy there, and which channels are in motion.

    Parameters
    ----------
    stream : {"eeg", "nirs"}
    error : Tensor
        Like the signal; what was subtracted less the true artifact.
    target : Target
        What is true.
    rate : float
        [Hz].
    return_time : float
        How fast the baseline level of fNIRS, whose error counts, is assumed to return [s].

    Returns
    -------
    ratio, moving : Tensor (batch, channel[, wavelength])
        The ratio, and True where it says something.
    """
    clean, mask = target.clean, target.mask
    if stream == "nirs":
        error, clean = (returning_sum(x, rate, return_time) for x in (error, clean))
        mask = widened(mask, rate)[:, :, None]
    ratio = (error**2 * mask).sum(-1) / ((clean**2 * mask).sum(-1) + 1e-30)
    return ratio, mask.any(-1).expand_as(ratio)
