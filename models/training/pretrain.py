"""Pretraining without a known truth: what is hidden of a window is told from what is not.

Hidden are stretches of all channels, and whole channels, of the features at the latent rate, of
any recordings, moving ones included. Encoder and fusion learn to tell them; the layer that says
them is thrown away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

from neurofuse.models.inference.drift import drift
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.features import feature_count, features
from neurofuse.models.joint.network import neighbours
from neurofuse.models.joint.tensors import Stream
from neurofuse.models.training.batches import to_device
from neurofuse.models.training.corpus import Clean, CleanSignal
from neurofuse.models.training.learner import descend
from neurofuse.models.training.movers import samples
from neurofuse.models.training.split import subject_files
from neurofuse.models.training.windows import WindowSampling

HIDDEN = 0.5  # of the frames of a window
BLOCK = 10, 40  # frames of a hidden stretch, at least and at most
CHANNEL = 0.2  # probability that a channel is hidden as a whole
DRAWS = 11  # first number of the seeds of what is drawn
RISE = 20  # steps over which the learning rate rises
MOVING = {"eeg": "few_electrodes", "nirs": "nirs_moving"}  # kinds of recordings with motion


@dataclass(frozen=True)
class UnlabelledWindows:
    """Windows of any stretches and channels of recordings, of (seed, step) alone."""

    corpus: Mapping[str, Sequence[CleanSignal]]
    sampling: WindowSampling
    seed: int

    def __call__(self, step: int) -> tuple[dict[str, Stream], np.random.Generator]:
        rng = np.random.default_rng([DRAWS, self.seed, step])
        return {s: self._stream(s, rng) for s in self.corpus}, rng

    def _stream(self, stream: str, rng: np.random.Generator) -> Stream:
        recordings = self.corpus[stream]
        rate = recordings[int(rng.integers(len(recordings)))].rate
        alike = [clean for clean in recordings if clean.rate == rate]
        span = self.sampling.eeg_channels if stream == "eeg" else self.sampling.nirs_channels
        chosen = [alike[k] for k in rng.integers(len(alike), size=self.sampling.batch)]
        most = min(span[1], *(clean.shape[0] for clean in chosen))
        count = int(rng.integers(span[0], most + 1))
        signals, places = [], []
        for clean in chosen:
            length = int(self.sampling.window * rate)
            start = int(rng.integers(clean.shape[-1] - length + 1))
            pick = np.sort(rng.permutation(clean.shape[0])[:count])
            signals.append(prepared(stream, clean.samples(pick, start, start + length), rate))
            places.append(clean.position[pick])
        signal, place = (
            torch.from_numpy(np.stack(x).astype(np.float32)) for x in (signals, places)
        )
        return Stream(signal, place, rate)


def moving_recordings(stream: str) -> list[Clean]:
    """Recordings of training participants in motion, whole, with the motion that is in them."""
    found = []
    for name, paths in subject_files("train", MOVING[stream]).items():
        for path in paths:
            node = samples(path, stream)
            if len(node.channel) == 0:
                continue
            if stream == "eeg":
                signal, place = node.eeg.values, node.position.values
            else:
                signal = node.od.values
                place = (node.source_position.values + node.detector_position.values) / 2
            moves = np.zeros((len(signal), signal.shape[-1]), bool)
            rate = float(node.attrs["rate"])
            found.append(Clean(name, signal, rate, place, node.channel.values, moves))
    return found


def prepared(stream: str, piece: np.ndarray, rate: float) -> np.ndarray:
    """Samples as the model takes them: EEG without drift, changes of fNIRS, of usual size 1."""
    if stream == "eeg":
        piece = piece - piece.mean(-1, keepdims=True)
        piece = piece - drift(piece, rate)
    else:
        piece = np.diff(piece, axis=-1, prepend=piece[..., :1])
    size = np.abs(piece)
    changing = size[size > 1e-6 * size.max()]
    return piece / (np.median(changing) if changing.size else 1.0)


def hide(batch: int, channels: int, frames: int, rng: np.random.Generator) -> Tensor:
    """What is hidden (batch, channel, frame): stretches of all channels, and whole channels."""
    hidden = np.zeros((batch, channels, frames), bool)
    for window in hidden:
        while window[0].mean() < HIDDEN:
            start = int(rng.integers(-BLOCK[0], frames))
            window[:, max(start, 0) : start + int(rng.integers(BLOCK[0], BLOCK[1] + 1))] = True
        if channels > 1:  # one at least is seen
            alone = rng.random(channels) < CHANNEL
            alone[rng.integers(channels)] = False
            window[alone] = True
    return torch.from_numpy(hidden)


class Reconstruction(nn.Module):
    """Encoder and fusion of a model with a layer that tells hidden features."""

    def __init__(self, model: CrossModalAutoencoder):
        super().__init__()
        a = model.architecture
        counts = {s: feature_count(s, len(a.bands.edges(s)) + 1) for s in a.streams}
        self.model: CrossModalAutoencoder = model
        self.hidden: nn.ParameterDict = nn.ParameterDict(
            {s: nn.Parameter(torch.zeros(n)) for s, n in counts.items()}
        )
        self.tell: nn.ModuleDict = nn.ModuleDict(
            {s: nn.Conv1d(2 * a.width, n, 1) for s, n in counts.items()}
        )

    def forward(
        self, seen: dict[str, Tensor], near: dict[str, Tensor], hidden: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """All features (batch, channel, feature, frame) from those that are not hidden."""
        channel, pooled = {}, {}
        for s, given in seen.items():
            instead = self.hidden[s][:, None].expand_as(given)
            given = torch.where(hidden[s][:, :, None], instead, given)
            channel[s], pooled[s] = self.model.encoders[s](given, near[s])
        fused = self.model.fusion(pooled)
        told = {}
        for s, own in channel.items():
            both = torch.cat([own, fused[:, None].expand_as(own)], 2)
            told[s] = self.tell[s](both.flatten(0, 1)).unflatten(0, own.shape[:2])
        return told


def pretrain(
    model: CrossModalAutoencoder, windows: UnlabelledWindows, steps: int, learning_rate: float
) -> None:
    """Train encoder and fusion of a model to tell what is hidden of windows."""
    a = model.architecture
    device = next(model.parameters()).device
    whole = Reconstruction(model).to(device).train()
    optimizer = torch.optim.AdamW(whole.parameters(), lr=learning_rate, weight_decay=0.01)
    for step in range(steps):
        for group in optimizer.param_groups:
            fall = 0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / steps))
            group["lr"] = learning_rate * min(1.0, (step + 1) / RISE) * fall
        drawn, rng = windows(step)
        streams: dict[str, Stream] = to_device(drawn, device)
        with torch.no_grad():
            seen = {s: features(s, stream, a)[1] for s, stream in streams.items()}
        frames = min(x.shape[-1] for x in seen.values())
        seen = {s: x[..., :frames] for s, x in seen.items()}
        near = {s: neighbours(stream.position, a.neighbourhood) for s, stream in streams.items()}
        hidden = {
            s: hide(x.shape[0], x.shape[1], frames, rng).to(x.device) for s, x in seen.items()
        }
        told = whole(seen, near, hidden)
        descend(optimizer, whole, hidden_loss(told, seen, hidden))


def hidden_loss(
    told: dict[str, Tensor], seen: dict[str, Tensor], hidden: dict[str, Tensor]
) -> Tensor:
    """How wrong what is told of hidden features is; what was seen does not count."""
    wrong = [
        smooth_l1_loss(told[s], seen[s], reduction="none").mean(2)[hidden[s]].mean() for s in told
    ]
    return torch.stack(wrong).sum()
