"""One window as the network sees it, and how far witnesses of movement are heeded.

What the network decodes is `models.joint.autoencoder.CrossModalAutoencoder.forward`; a part of it
that would count for nothing is not computed.
"""

from functools import cached_property

import numpy as np
from scipy.special import expit

from neurofuse.models.edge.features import features
from neurofuse.models.edge.network import Decoded, Network, neighbours, nothing
from neurofuse.models.edge.witnesses import Trust, evidence
from neurofuse.models.inference.windows import Piece
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.constants import TOLD


class Seen:
    """One modality of a window.

    Parameters
    ----------
    name : {"eeg", "nirs"}
    network : Network
    given : array (channel, feature, frame)
        Features.
    near : array (channel, channel)
        Weights of the pool over neighbours.
    """

    def __init__(self, name: str, network: Network, given: np.ndarray, near: np.ndarray):
        self.name: str = name
        self.network: Network = network
        self.given: np.ndarray = given
        self.near: np.ndarray = near

    @cached_property
    def encoded(self) -> tuple[np.ndarray, ...]:
        """Latents of channels and of the modality."""
        return self.network.encode(self.name, self.given, self.near)

    @cached_property
    def view(self) -> np.ndarray:
        """The fused latent (width, frame) of this modality alone."""
        return self.network.fuse({self.name: self.encoded[1]})

    @cached_property
    def alone(self) -> Decoded:
        """What it says without the others."""
        if self.network.has_own(self.name):
            return self.network.own(self.name, self.given, self.near)
        return self.decoded(self.view, nothing(self.given.shape[-1]))

    def decoded(
        self, view: np.ndarray, witnessed: np.ndarray, rows: np.ndarray | None = None
    ) -> Decoded:
        """What it says with a latent of all and with witnesses."""
        return self.network.decode(self.name, self.encoded[0], self.near, view, witnessed, rows)

    @cached_property
    def movement(self) -> np.ndarray:
        """Probability (frame,) that it is in motion, as it tells on its own."""
        logits = self.alone[0]
        return expit(logits.mean(0) if self.name == "eeg" else logits.max(0))


class Window:
    """The modalities of one window.

    Attributes
    ----------
    seen : dict of Seen
    bands : dict of array (channel[, wavelength], band, time)
    quiet : dict of array (channel, band, 1)
        Energies without motion.
    energy : dict of array (channel, band, frame)
        Log energies over these.
    """

    def __init__(self, network: Network, architecture: Architecture, given: dict[str, Piece]):
        self.network: Network = network
        self.architecture: Architecture = architecture
        self.seen: dict[str, Seen] = {}
        self.bands: dict[str, np.ndarray] = {}
        self.quiet: dict[str, np.ndarray] = {}
        self.energy: dict[str, np.ndarray] = {}
        made = {}
        for name, piece in given.items():
            found = features(name, piece.signal, piece.rate, architecture)
            self.bands[name], made[name], self.quiet[name] = found
        frames = min(found.shape[-1] for found in made.values())
        for name, piece in given.items():
            own = made[name][..., :frames]
            near = neighbours(piece.position, architecture.neighbourhood)
            self.seen[name] = Seen(name, network, own, near)
            self.energy[name] = 2 * own[:, : self.quiet[name].shape[1]]

    @cached_property
    def fused(self) -> np.ndarray:
        """The latent (width, frame) of all modalities, in the order that the network knows."""
        return self.network.fuse({s: seen.encoded[1] for s, seen in self.seen.items()})

    def decoded(self, name: str, head: np.ndarray | None, trust: Trust) -> Decoded:
        """What a modality says, with witnesses as far as they are believed."""
        seen = self.seen[name]
        if len(self.seen) == 1 and head is None:
            return seen.alone
        share = believed(trust, name)
        if share == 0:
            return seen.alone
        view = seen.view
        if trust.partner is not None and len(self.seen) > 1:
            view = mixed(view, self.fused, trust.partner)
        moves = {s: one.movement for s, one in self.seen.items()}
        told = witnessed_by(name, moves, head, trust, self.architecture)
        both = seen.decoded(view, told)
        return beside(seen, seen.alone, both, trust, self.architecture)


def believed(trust: Trust, name: str) -> float:
    """How far a modality believes the witness that it believes most."""
    return max((w for w in (trust.partner, trust.head.get(name)) if w is not None), default=0.0)


def beside(
    seen: Seen, own: Decoded, decoded: Decoded, trust: Trust, architecture: Architecture
) -> Decoded:
    """Between what a modality's own model decodes and what the joint one does with witnesses."""
    if not seen.network.has_own(seen.name):
        return decoded
    weight = architecture.sharing.weight * believed(trust, seen.name)
    first, second, third = (mixed(a, b, weight) for a, b in zip(own, decoded, strict=True))
    return first, second, third


def mixed(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Between two arrays: the first where the share is 0, the second where it is 1."""
    return first + np.float32(share) * (second - first)


def witnessed_by(
    name: str,
    movement: dict[str, np.ndarray],
    head: np.ndarray | None,
    trust: Trust,
    architecture: Architecture,
) -> np.ndarray:
    """What the partner and the head say of a modality's movement (told, frame)."""
    frames, rate = len(movement[name]), architecture.latent_rate
    said = nothing(frames)
    if not architecture.witnessed:
        return said
    for other, moves in movement.items():
        if other != name and trust.partner is not None:
            said[:TOLD] = evidence(moves, trust.partner, rate)
    if head is not None and name in trust.head:
        told = evidence(head, trust.head[name], rate)[:, :frames]
        said[TOLD:, : told.shape[1]] = told
    return said
