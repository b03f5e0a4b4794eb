"""Where attributions point, what deleting it does, and whether they depend on the weights.

Every figure is of one movement whose truth is known, in the inputs of the network: cells of
channels and bands of the modality in which the movement is seen.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from scipy.stats import rankdata
from torch import Tensor

from neurofuse.fusion.movements import movements
from neurofuse.io.recording import event_rows
from neurofuse.models.explanation.attribution import attribute
from neurofuse.models.explanation.evidence import Encoded, Seen, decode, encode, seen_of
from neurofuse.models.explanation.explain import Place, best_window, frames_of
from neurofuse.models.inference.apply import look, passage_of
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.rest import at_rest

MARGIN, WIDE = 0.2, 0.5  # s that a peak may lie beside the injected movement; energies are means
# over half a second
BESIDE = 5  # frames before and after a movement in which cells are deleted too
DELETED = (0.1, 0.25)  # shares of the cells that are deleted, most important first
DRAWS = 8  # random orders
LARGEST = 1  # movements of a modality in a recording
Operator = Callable[[str, Tensor], Tensor]


def to_rest(name: str, seen: Tensor) -> Tensor:
    """Cells at their quiet level."""
    return at_rest(name, seen)


def to_elsewhen(name: str, seen: Tensor) -> Tensor:
    """Cells of half a window away: what is usual in this recording."""
    return seen.roll(seen.shape[-1] // 2, -1)


OPERATORS: dict[str, Operator] = {"at rest": to_rest, "another time": to_elsewhen}


@dataclass(frozen=True)
class Case:
    """One movement of a recording, in the window of the model that holds it."""

    name: str  # modality
    seen: Seen
    channels: Tensor
    frames: slice
    truth: np.ndarray  # (channel, frame) bool: where movement was injected
    near: np.ndarray  # the same with a wider margin

    @property
    def about(self) -> slice:
        """Frames of the movement, and some beside it."""
        return slice(max(self.frames.start - BESIDE, 0), self.frames.stop + BESIDE)


def cases(
    recording: xr.DataTree, cleaned: xr.DataTree, model: CrossModalAutoencoder
) -> Iterator[Case]:
    """The largest repaired movements of each modality that overlap with injected ones."""
    passage = passage_of(recording, model)
    if passage is None:
        return
    trust = look(model, passage)[0].trust(model.architecture.sharing)
    found = [m for m in movements(recording, cleaned) if m.verdict == "repaired"]
    views: dict[int, Seen] = {}
    for name in passage.sources:
        own = sorted((m for m in found if m.modality == name), key=lambda m: -m.size_before)
        own = [m for m in own if _injected(recording, name, m.onset, m.onset + m.duration)]
        used = np.flatnonzero(passage.sources[name].used)
        labels = recording[name].channel.values
        for movement in own[:LARGEST]:
            rows = tuple(np.flatnonzero(np.isin(labels, movement.channels)).tolist())
            place = Place(name, movement.onset, movement.onset + movement.duration, rows)
            window = best_window(passage, place)
            if window not in views:
                views[window] = seen_of(model, passage.streams(window), trust)
            seen, (begin, _) = views[window], passage.spans[window]
            count, rate = seen.features[name].shape[-1], model.architecture.latent_rate
            at = begin + (np.arange(count) + 0.5) / rate
            truth, near = (_truth(recording, name, at, by)[used] for by in (MARGIN, WIDE))
            channels = torch.from_numpy(np.flatnonzero(np.isin(used, rows)))
            yield Case(name, seen, channels, frames_of(place, begin, rate, count), truth, near)


def _injected(recording: xr.DataTree, name: str, onset: float, end: float) -> bool:
    return any(
        stream == name and text.startswith("motion/") and start < end and start + length > onset
        for start, length, text, _, stream in event_rows(recording)
    )


def _truth(recording: xr.DataTree, name: str, at: np.ndarray, margin: float) -> np.ndarray:
    """Whether a channel is in motion within the margin of times `at` [s]: (channel, frame)."""
    node = recording[name]
    time, motion = node.time.values, node.motion.transpose("channel", "time").values
    first = np.searchsorted(time, at - margin)
    last = np.maximum(np.searchsorted(time, at + margin), first + 1)
    summed = np.pad(motion.cumsum(1), ((0, 0), (1, 0)))
    last, first = (np.minimum(x, len(time)) for x in (last, first))
    return summed[:, last] > summed[:, first]


def figures(case: Case, model: CrossModalAutoencoder, other: CrossModalAutoencoder) -> dict:
    """What is measured of one movement; `other` has random weights."""
    found = attribute(model, case.name, case.seen, case.channels, case.frames)
    own = found.features[case.name]
    peak = np.unravel_index(int(own.sum(1).argmax()), case.truth.shape)
    cells = by_cell(case, own)
    strange = attribute(other, case.name, case.seen, case.channels, case.frames, (16,))
    random = by_cell(case, strange.features[case.name])
    slope = attribute(model, case.name, case.seen, case.channels, case.frames, (1,))
    values = {
        "stream": case.name,
        "hit": float(case.truth[peak]),
        "near hit": float(case.near[peak]),
        "chance": float(case.truth.mean()),
        "incomplete": found.incomplete,
        "rank": abs(rank_correlation(cells, random)),
        "rank of size": abs(rank_correlation(cells.abs(), random.abs())),
    }
    rng = np.random.default_rng(0)
    orders = {
        "attribution": cells.flatten().argsort(descending=True).numpy(),
        "gradient x input": by_cell(case, slope.features[case.name])
        .flatten()
        .argsort(descending=True)
        .numpy(),
    }
    with torch.inference_mode():
        parts = {
            s: encode(model, s, one, case.seen.near[s]) for s, one in case.seen.features.items()
        }
    for name, operator in OPERATORS.items():
        for order, ranked in orders.items():
            values[f"{order}, {name}"] = _kept(case, model, parts, ranked, operator)
        drawn = [rng.permutation(cells.numel()) for _ in range(DRAWS)]
        kept = [_kept(case, model, parts, ranked, operator) for ranked in drawn]
        values[f"random, {name}"] = float(np.mean(kept))
    return values


def by_cell(case: Case, found: Tensor) -> Tensor:
    """(channel, band) of what is attributed to (channel, feature, frame) about the movement."""
    over_time = found[..., case.about].sum(-1)
    count = over_time.shape[1] - (case.name == "nirs")
    return over_time[:, :count].unflatten(1, (3, -1)).sum(1)


def rank_correlation(first: Tensor, second: Tensor) -> float:
    """Spearman's correlation.

    Examples
    --------
    >>> round(rank_correlation(torch.tensor([1.0, 2.0, 9.0]), torch.tensor([3.0, 5.0, 6.0])), 3)
    1.0
    """
    ranks = [np.asarray(rankdata(one.flatten().numpy())) for one in (first, second)]
    return float(np.corrcoef(ranks)[0, 1])


def _kept(
    case: Case,
    model: CrossModalAutoencoder,
    parts: dict[str, Encoded],
    ranked: np.ndarray,
    operator: Operator,
) -> float:
    """Evidence that is left without the first cells of an order, mean over shares deleted."""
    seen = case.seen.features[case.name]
    instead = operator(case.name, seen)
    bands = (seen.shape[2] - (case.name == "nirs")) // 3
    kept = []
    for share in DELETED:
        gone = torch.zeros(seen.shape[1] * bands, dtype=torch.bool)
        gone[torch.from_numpy(ranked[: max(round(share * len(ranked)), 1)].copy())] = True
        mask = torch.zeros_like(seen, dtype=torch.bool)
        mask[:, :, : 3 * bands, case.about] = gone.view(1, -1, bands, 1).repeat(1, 1, 3, 1)
        with torch.inference_mode():
            own = torch.where(mask, instead, seen)
            changed = {**parts, case.name: encode(model, case.name, own, case.seen.near[case.name])}
            logits = decode(model, case.name, changed, case.seen.head, case.seen.trust)
        kept.append(float(logits[0][case.channels, case.frames].mean()))
    return float(np.mean(kept))


def randomised(model: CrossModalAutoencoder, seed: int = 0) -> CrossModalAutoencoder:
    """A model with the same architecture whose weights were never trained."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = CrossModalAutoencoder(model.architecture)
        for name, value in made.named_parameters():
            if name.endswith("witnessed.weight"):
                torch.nn.init.normal_(value, std=0.1)
    return made.requires_grad_(False).eval()
