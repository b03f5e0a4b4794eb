"""Whose evidence it was, as in `models.inference.evidence`, without torch."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from neurofuse.io.recording import EVIDENCE_INPUTS
from neurofuse.models.edge.bands import to_frames
from neurofuse.models.edge.window import Seen, Window, beside, mixed, witnessed_by
from neurofuse.models.edge.witnesses import Trust
from neurofuse.models.inference.shapley import shapley
from neurofuse.models.joint.constants import SPEAKERS

IMU = EVIDENCE_INPUTS[-1]
Part = frozenset[str]


def evidence_of(
    window: Window,
    name: str,
    rate: float,
    gate: np.ndarray,
    logits: np.ndarray,
    head: np.ndarray | None,
    trust: Trust,
) -> np.ndarray:
    """Shapley values (input, frame) [log odds] of one modality of a window.

    Parameters
    ----------
    window : Window
    name : {"eeg", "nirs"}
    rate : float
        Of the mask [Hz].
    gate : array (channel, time)
        Motion mask, 0 to 1.
    logits : array (channel, frame)
        Of motion, as found with this trust.
    head : array (frame,), optional
        How surely the head moves.
    trust : Trust
    """
    found = np.zeros((len(EVIDENCE_INPUTS), logits.shape[-1]), np.float32)
    masked = to_frames(gate, rate, window.architecture.latent_rate)
    rows = speakers(masked)
    if not rows.size:
        return found
    weight = masked[rows, : logits.shape[-1]]
    total = weight.sum(0)
    weight = weight / np.maximum(total, 1e-12)
    players = _players(window, name, head, trust)
    value = _values(window, players, rows, weight, head, trust)
    value[frozenset(players)] = (weight * logits[rows]).sum(0)
    for player, share in shapley(value, players).items():
        found[EVIDENCE_INPUTS.index(player)] = np.where(total > 0, share, 0)
    return found


def speakers(mask: np.ndarray) -> np.ndarray:
    """Numbers of the channels that stand for all in a window, by their masks (channel, frame)."""
    unheard, chosen = mask.any(0), np.zeros(len(mask), bool)
    while unheard.any() or chosen.sum() < min(SPEAKERS, int(mask.any(1).sum())):
        heard = (mask * unheard if unheard.any() else mask).sum(1)
        most = np.where(chosen, -1, heard).argmax()
        chosen[most] = True
        unheard &= mask[most] == 0
    return np.flatnonzero(chosen)


def _players(window: Window, name: str, head: np.ndarray | None, trust: Trust) -> tuple[str, ...]:
    """The players of one modality's evidence, itself first."""
    partners = [s for s in window.seen if s != name and (trust.partner or 0) > 0]
    heard = head is not None and trust.head.get(name, 0) > 0
    return (name, *partners, *((IMU,) if heard else ()))


def _values(
    window: Window,
    players: Sequence[str],
    rows: np.ndarray,
    weight: np.ndarray,
    head: np.ndarray | None,
    trust: Trust,
) -> dict[Part, np.ndarray]:
    """Evidence (frame,) of each coalition but the whole.

    The mean over the channels `rows` with a weight (channel, frame).
    """
    name, *others = players
    parts = [frozenset(p) for n in range(1, len(others) + 1) for p in combinations(others, n)]
    me = window.seen[name]
    still = _at_rest(me)
    value = {
        frozenset({name}): (weight * me.alone[0][rows]).sum(0),
        frozenset(): still.alone[0][0],
    }
    for part, logits in _with(window, me, rows, parts[:-1], head, trust):  # the last: all others
        value[part | {name}] = (weight * logits).sum(0)
    for part, logits in _with(window, still, np.zeros(1, int), parts, head, trust):
        value[part] = logits[0]
    return value


def _with(
    window: Window,
    me: Seen,
    rows: np.ndarray,
    parts: Sequence[Part],
    head: np.ndarray | None,
    trust: Trust,
) -> Iterator[tuple[Part, np.ndarray]]:
    """Logits of motion (channel, frame) of one modality together with others."""
    name, fused = me.name, None
    for part in parts:
        view, moves = me.view, {name: me.movement}
        heard = Trust(None, {name: trust.head[name]} if IMU in part else {})
        for partner in part - {IMU}:
            other = window.seen[partner]
            if fused is None:
                pooled = {name: me.encoded[1], partner: other.encoded[1]}
                fused = window.network.fuse(pooled)
            heard = Trust(trust.partner, heard.head)
            if trust.partner is not None:
                view = mixed(view, fused, trust.partner)
            moves[partner] = other.movement
        said = witnessed_by(name, moves, head if IMU in part else None, heard, window.architecture)
        decoded = me.decoded(view, said, rows)
        own = me.alone[0][rows], me.alone[1][rows], me.alone[2][rows]
        yield part, beside(me, own, decoded, heard, window.architecture)[0]


def _at_rest(me: Seen) -> Seen:
    """One channel at rest, the mean of all (`models.joint.rest`)."""
    given = me.given.copy()
    bands = (given.shape[1] - (me.name == "nirs")) // 3
    given[:, : 2 * bands] = 0
    if me.name == "nirs":  # agreement of wavelengths
        middle = (given.shape[-1] - 1) // 2
        given[:, -1] = np.partition(given[:, -1], middle, -1)[:, middle, None]
    return Seen(me.name, me.network, given.mean(0, keepdims=True), np.ones((1, 1), np.float32))
