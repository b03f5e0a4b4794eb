"""Which bands of which channels raised the motion mask: integrated gradients of the evidence.

The path leads from a recording at rest to what was seen (Sundararajan et al. 2017, ICML), in
features of both modalities and the IMU at once. What is attributed adds up to the difference in
evidence between both ends.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from neurofuse.models.explanation.evidence import Seen, evidence
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.rest import at_rest

STEPS = (16, 32)  # nodes of a Gauss-Legendre quadrature along the path; more where …
ENOUGH = 0.01  # … the attributions miss more than this part of the evidence with fewer


@dataclass(frozen=True)
class Attribution:
    """What raised the evidence of one movement, mean over its channels and frames [log odds]."""

    features: dict[str, Tensor]  # by modality (channel, feature, frame)
    head: float  # of the IMU
    total: float  # evidence above that of a recording at rest

    @property
    def incomplete(self) -> float:
        """By which part of the total what is attributed misses it."""
        found = self.head + sum(float(one.sum()) for one in self.features.values())
        return abs(found - self.total) / max(abs(self.total), 1e-9)


def attribute(
    model: CrossModalAutoencoder,
    name: str,
    seen: Seen,
    channels: Tensor,
    frames: slice,
    steps: tuple[int, ...] = STEPS,
) -> Attribution:
    """Integrated gradients of the evidence of one modality's movement.

    Parameters
    ----------
    model : CrossModalAutoencoder
    name : {"eeg", "nirs"}
        In which the movement is seen.
    seen : Seen
        A window that contains it.
    channels : Tensor of int
        Those in motion.
    frames : slice
        Of the movement.
    steps : tuple of int
        Points on the path; the later ones where the first are not enough.
    """
    fewest, *more = steps
    found = _integrated(model, name, seen, channels, frames, fewest)
    for count in more:
        if found.incomplete > ENOUGH:
            found = _integrated(model, name, seen, channels, frames, count)
    return found


def _integrated(
    model: CrossModalAutoencoder,
    name: str,
    seen: Seen,
    channels: Tensor,
    frames: slice,
    steps: int,
) -> Attribution:
    ends = {s: (at_rest(s, one), one) for s, one in seen.features.items()}
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    at = torch.tensor((nodes + 1) / 2, dtype=torch.float32)
    share = torch.tensor(weights / 2, dtype=torch.float32)
    slopes = {s: torch.zeros_like(one[0]) for s, one in seen.features.items()}
    head_slope = None if seen.head is None else torch.zeros_like(seen.head[0])

    def value(part: Seen) -> Tensor:
        return evidence(model, name, part)[:, channels, frames].mean((1, 2))

    for position, weight in zip(at, share, strict=True):
        inputs = {s: torch.lerp(a, b, position).requires_grad_() for s, (a, b) in ends.items()}
        head = None if seen.head is None else (position * seen.head).requires_grad_()
        wanted = [*inputs.values(), *([] if head is None else [head])]
        total = (value(replace(seen, features=inputs, head=head)) * weight).sum()
        found = torch.autograd.grad(total, wanted, allow_unused=True)
        for s, slope in zip(inputs, found, strict=False):
            if slope is not None:
                slopes[s] += slope.sum(0)
        if head_slope is not None and found[-1] is not None:
            head_slope += found[-1].sum(0)
    features = {s: (b - a)[0] * slopes[s] for s, (a, b) in ends.items()}
    of_head = 0.0
    if seen.head is not None and head_slope is not None:
        of_head = float((seen.head[0] * head_slope).sum())
    with torch.no_grad():
        still = None if seen.head is None else torch.zeros_like(seen.head)
        rest = replace(seen, features={s: a for s, (a, _) in ends.items()}, head=still)
        total = float(value(seen) - value(rest))
    return Attribution(features, of_head, total)
