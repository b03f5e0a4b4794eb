"""Apply a model to whole recordings, with torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from neurofuse.models.inference import passage as passages
from neurofuse.models.inference.evidence import evidence_of
from neurofuse.models.inference.passage import Shared
from neurofuse.models.inference.windows import ArtifactEstimate, Found, Piece
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.sharing import agreement
from neurofuse.models.joint.tensors import Latent, Stream
from neurofuse.models.joint.witnesses import Agreement
from neurofuse.models.threads import torch_threads
from neurofuse.models.weights import load_model


def estimate_artifacts(
    recording: xr.DataTree,
    model: str | Path | CrossModalAutoencoder = "joint",
    *,
    uncertainty: bool = False,
    progress: Callable[[float], None] | None = None,
) -> dict[str, ArtifactEstimate]:
    """Artifact and motion mask of every modality that the model treats.

    Parameters
    ----------
    recording : Recording
        Bad channels are neither used as evidence nor treated: their artifact is zero.
    model : name, path or model
        A packaged name ("joint", "eeg", "nirs"), the path of weights, or a model.
    uncertainty : bool
        Also estimate standard deviations of the error.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    dict of ArtifactEstimate
        By modality, "eeg" and "nirs"; those without a usable channel are left out.

    Raises
    ------
    ParameterError, ReadError
        As `load_model`.
    """
    network = model if isinstance(model, CrossModalAutoencoder) else load_model(model)
    passage = passage_of(recording, network, uncertainty=uncertainty)
    if passage is None:
        return {}
    with torch_threads():
        return passages.passed(
            TorchEngine(network), passage, uncertainty=uncertainty, progress=progress
        )


@dataclass(frozen=True)
class Passage(passages.Passage):
    """A recording on its way through a network, whose windows are tensors."""

    def streams(self, number: int) -> dict[str, Stream]:
        """Window number so and so as tensors."""
        return _tensors(self.given(number), self.head_in(number))


def passage_of(
    recording: xr.DataTree, network: CrossModalAutoencoder, *, uncertainty: bool = False
) -> Passage | None:
    """How a recording passes through a network; None where no channel is usable."""
    a = network.architecture
    calibration: dict[str, float] = dict(zip(a.streams, network.calibration.tolist(), strict=True))
    found = passages.passage_of(recording, a, calibration if uncertainty else None)
    return None if found is None else Passage(found.sources, found.spans, found.head)


def look(
    network: CrossModalAutoencoder, passage: passages.Passage
) -> tuple[Agreement, dict[int, passages.Ready]]:
    """As `passage.look`, with tensors."""
    shared, ready = passages.look(TorchEngine(network), passage)
    return _agreement(shared), ready


class TorchEngine:
    """Computes windows with torch.

    Parameters
    ----------
    network : CrossModalAutoencoder
    """

    def __init__(self, network: CrossModalAutoencoder):
        self.network: CrossModalAutoencoder = network
        self.architecture: Architecture = network.architecture

    def look(self, given: dict[str, Piece]) -> tuple[dict[str, np.ndarray], dict[str, Latent]]:
        """Probability (frame,) that each modality moves, and the latents of the window."""
        with torch.inference_mode():  # holds in one thread only
            latents = self.network.encode(_tensors(given, None))
            movement = self.network.movement(latents)
        return {s: moves[0].numpy() for s, moves in movement.items()}, latents

    def agreement(self, first: np.ndarray, second: np.ndarray) -> float:
        """Correlation of two probabilities of motion (frame,)."""
        a = self.architecture
        one, other = (torch.from_numpy(x)[None] for x in (first, second))
        return float(agreement(one, other, a.latent_rate, a.sharing))

    def estimate(
        self,
        given: dict[str, Piece],
        head: np.ndarray | None,
        shared: Shared,
        seen: Any,
        uncertainty: bool,
    ) -> dict[str, Found]:
        """What is found in one window."""
        trust = _agreement(shared).trust(self.architecture.sharing)
        with torch.inference_mode():  # holds in one thread only
            window = _tensors(given, head)
            latents = seen if seen else self.network.encode(window)
            made, _ = self.network(window, trust=trust, latents=latents, uncertainty=uncertainty)
            told = evidence_of(self.network, window, latents, made, trust)
        return {
            s: Found(
                one.gate[0].numpy(),
                one.artifact[0].numpy(),
                None if one.variance is None else one.variance[0].numpy(),
                told[s].numpy(),
            )
            for s, one in made.items()
        }


def _agreement(shared: Shared) -> Agreement:
    partner = None if shared.partner is None else torch.tensor([shared.partner])
    return Agreement(partner, {s: torch.tensor([r]) for s, r in shared.head.items()})


def _tensors(given: dict[str, Piece], head: np.ndarray | None) -> dict[str, Stream]:
    moves: Tensor | None = None if head is None else torch.from_numpy(head)[None]
    return {
        s: Stream(
            torch.from_numpy(piece.signal)[None],
            torch.from_numpy(piece.position)[None],
            piece.rate,
            moves,
        )
        for s, piece in given.items()
    }
