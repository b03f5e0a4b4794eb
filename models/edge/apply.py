"""Apply an export to whole recordings, without torch."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.models.edge.estimate import estimate
from neurofuse.models.edge.evidence import evidence_of
from neurofuse.models.edge.load import load_network
from neurofuse.models.edge.network import Network
from neurofuse.models.edge.window import Window
from neurofuse.models.edge.witnesses import Trust, agreement, partner_weight
from neurofuse.models.inference.passage import Shared, passage_of, passed
from neurofuse.models.inference.windows import ArtifactEstimate, Found, Piece
from neurofuse.models.joint.architecture import Architecture


def estimate_artifacts(
    recording: xr.DataTree,
    folder: str | Path,
    *,
    uncertainty: bool = False,
    progress: Callable[[float], None] | None = None,
) -> dict[str, ArtifactEstimate]:
    """Artifact and motion mask of every modality that an export treats.

    Parameters
    ----------
    recording : Recording
        Bad channels are neither used as evidence nor treated: their artifact is zero.
    folder : str or Path
        As `neurofuse export` wrote it.
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
        As `load_network`.
    """
    architecture, network = load_network(folder)
    calibration = network.numbers.calibration if uncertainty else None
    passage = passage_of(recording, architecture, calibration)
    if passage is None:
        return {}
    engine = EdgeEngine(architecture, network)
    with _one_thread():
        return passed(engine, passage, uncertainty=uncertainty, progress=progress)


def _one_thread() -> AbstractContextManager[object]:
    """Let numpy and scipy compute with one thread each, where threadpoolctl is installed.

    Windows are computed side by side already, and sums in one order are equal everywhere.
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    return threadpool_limits(1, user_api="blas")


class EdgeEngine:
    """Computes windows without torch.

    Parameters
    ----------
    architecture : Architecture
    network : Network
    """

    def __init__(self, architecture: Architecture, network: Network):
        self.architecture: Architecture = architecture
        self.network: Network = network

    def look(self, given: dict[str, Piece]) -> tuple[dict[str, np.ndarray], Window]:
        """Probability (frame,) that each modality moves, and the window as far as it was seen."""
        window = Window(self.network, self.architecture, given)
        return {s: seen.movement for s, seen in window.seen.items()}, window

    def agreement(self, first: np.ndarray, second: np.ndarray) -> float:
        """Correlation of two probabilities of motion (frame,)."""
        a = self.architecture
        return agreement(first, second, a.latent_rate, a.sharing)

    def estimate(
        self,
        given: dict[str, Piece],
        head: np.ndarray | None,
        shared: Shared,
        seen: Window | None,
        uncertainty: bool,
    ) -> dict[str, Found]:
        """What is found in one window."""
        a = self.architecture
        partner = None if shared.partner is None else partner_weight(shared.partner, a.sharing)
        heads = {s: partner_weight(r, a.sharing) for s, r in shared.head.items()}
        trust = Trust(partner, heads)
        window = seen or Window(self.network, a, given)
        found = {}
        for s, piece in given.items():
            decoded = window.decoded(s, head, trust)
            gate, artifact, variance = estimate(
                window, s, piece, decoded, self.network.numbers, uncertainty
            )
            told = evidence_of(window, s, piece.rate, gate, decoded[0], head, trust)
            found[s] = Found(gate, artifact, variance, told)
        return found
