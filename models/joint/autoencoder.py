"""The cross-modal autoencoder: encoders → fusion → gate and rough artifact → Wiener stage.

Works on plain tensors of one window. `output = input - gate * artifact`: where the gate is closed
the samples come back unchanged. Scale in = scale out: features are relative to each channel's own
quiet level, and everything after them is linear in the data.
"""

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from neurofuse.models.joint.bands import (
    EEG_EDGES,
    NIRS_EDGES,
    agreement,
    freedom,
    log_energy,
    split,
    to_samples,
)
from neurofuse.models.joint.network import Decoder, Encoder, Fusion, neighbours
from neurofuse.models.joint.prediction_residual import unexplained
from neurofuse.models.joint.tensors import Estimate, Stream
from neurofuse.models.joint.uncertainty import error_variance
from neurofuse.models.joint.wiener import frames_of, spatial_filter, temporal_filter

GATE = {
    "eeg": (0.25, 0.75),
    "nirs": (0.17, 0.65),
}  # shut below, wide open above
LARGEST_FILTER = 400  # channels times lags: time grows with its cube
REACH = (1.0, 0.3, 0.1, 0.05)  # s at which training starts, a band of NIRS_EDGES each
# fNIRS channels that are filtered at once: on a CPU their covariances should fit the cache
TOGETHER = {"cpu": 4}


class Architecture(BaseModel):
    """What it takes to build the model again: stored beside its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    streams: tuple[str, ...] = ("eeg", "nirs")
    width: int = 40
    eeg_window: float = 2.0  # s, window of the spatial filter
    eeg_lags: tuple[float, ...] = (-0.032, -0.012, 0.0, 0.012, 0.032)  # s
    nirs_window: float = 12.0  # s, context of the temporal filter
    gated: bool = True  # False (ablation): the filter's output is subtracted everywhere
    filtered: bool = True  # False (ablation): the rough artifact is subtracted as it is


class CrossModalAutoencoder(nn.Module):
    """EEG and fNIRS encoder, fusion, two decoders and their Wiener stages.

    With one entry in `architecture.streams` it is that modality's twin: the same code without the
    other stream.
    """

    def __init__(self, architecture: Architecture | None = None):
        super().__init__()
        self.architecture = a = architecture or Architecture()
        bands = {"eeg": len(EEG_EDGES) + 1, "nirs": len(NIRS_EDGES) + 1}
        # of each band: energy, energy that other channels do not explain, how much that is at rest
        features = {"eeg": 3 * bands["eeg"], "nirs": 3 * bands["nirs"] + 1}
        self.encoders = nn.ModuleDict({s: Encoder(features[s], a.width) for s in a.streams})
        self.fusion = Fusion(a.streams, a.width)
        self.decoders = nn.ModuleDict({s: Decoder(bands[s], a.width) for s in a.streams})
        # how strongly each stream moves at a frame, told from the fused latent alone, so that a
        # stream that is withheld has to be read from the other
        self.motion = nn.ModuleDict({s: nn.Conv1d(a.width, 1, 1) for s in a.streams})
        self.log_spread = nn.Parameter(torch.tensor(-2.3))
        self.log_reach = nn.Parameter(torch.tensor(REACH).log())
        self.log_shrinkage = nn.Parameter(torch.tensor(-3.5))
        self.pooling_logit = nn.Parameter(torch.tensor(-1.0))
        self.doubt = dict.fromkeys(a.streams, 1.0)  # factor on standard deviations (`calibrate`)

    def forward(
        self, streams: dict[str, Stream], *, wiener: bool = True
    ) -> tuple[dict[str, Estimate], dict[str, Tensor]]:
        """Estimates by stream, and the motion logits (batch, frame) of every stream of the model.

        With `wiener=False` the artifact stays the rough one: cheap first steps of training.
        """
        bands, features, quiet, near = {}, {}, {}, {}
        for name, stream in streams.items():
            bands[name], features[name], quiet[name] = _features(name, stream)
            near[name] = neighbours(stream.position)
        frames = min(f.shape[-1] for f in features.values())
        channel, pooled = {}, {}
        for name in streams:
            encode = self.encoders[name]
            channel[name], pooled[name] = encode(features[name][..., :frames], near[name])
        fused = self.fusion(pooled)
        estimates = {}
        for name, stream in streams.items():
            gate, share, clean = self._decode(name, channel[name], pooled, fused, near[name])
            estimates[name] = self._filter(
                name, stream, bands[name], gate, share, clean, quiet[name], wiener
            )
        return estimates, {s: head(fused).squeeze(1) for s, head in self.motion.items()}

    def _decode(self, name, channel, pooled, fused, near):
        """Logits of gate and shares, and clean energies.

        A partner may raise a suspicion of movement, never allay it: an optode can slip under a
        head that the EEG sees at rest. So the larger of what is seen with it and without it counts;
        not in training, which shows every stream alone often enough to learn both.
        """
        told = self.decoders[name](channel, fused, near)
        if self.training or len(pooled) == 1:
            return told
        alone = self.decoders[name](channel, self.fusion({name: pooled[name]}), near)
        return *map(torch.maximum, told[:2], alone[:2]), told[2]

    def _filter(self, name, stream, bands, gate_logit, share_logit, clean, quiet, wiener):
        length = stream.signal.shape[-1]
        # a tenth of a second of margin: a movement's first sample lies anywhere in its frame
        level = nn.functional.max_pool1d(torch.sigmoid(gate_logit), 3, 1, 1)
        level = to_samples(level, stream.rate, length)
        shut, wide = GATE[name]
        gate = ((level - shut) / (wide - shut)).clamp(0, 1)
        share = to_samples(torch.sigmoid(share_logit), stream.rate, length)
        wiener = wiener and self.architecture.filtered
        open_ = gate if self.architecture.gated else torch.ones_like(gate)
        if name == "eeg":
            rough = open_ * (share * bands).sum(-2)
            artifact = open_ * (self._filter_eeg(stream, rough, gate) if wiener else rough)
        else:
            open_ = open_[..., None, :]
            rough = open_[..., None, :] * share[:, :, None] * bands
            linear = self._filter_nirs(stream, rough, gate) if wiener else rough.sum(-2)
            artifact = open_ * linear
        with torch.no_grad():
            variance = error_variance(stream.signal, gate, share, clean, quiet, stream.rate)
        return Estimate(gate_logit, gate, share_logit, clean, quiet, artifact, variance)

    def _filter_eeg(self, stream: Stream, rough: Tensor, gate: Tensor) -> Tensor:
        a = self.architecture
        size = max(2 * round(a.eeg_window * stream.rate / 2), 8)
        lags = sorted({round(lag * stream.rate) for lag in a.eeg_lags})
        while len(lags) > 1 and len(lags) * rough.shape[1] > LARGEST_FILTER:
            lags = [k for k in lags if abs(k) < max(map(abs, lags))]
        still = quiet_weight(stream.signal, gate.amax(1), stream.rate)
        return spatial_filter(
            stream.signal,
            rough,
            still,
            size=size,
            lags=lags,
            shrinkage=torch.exp(self.log_shrinkage),
            pooling=torch.sigmoid(self.pooling_logit),
        )

    def _filter_nirs(self, stream: Stream, rough: Tensor, gate: Tensor) -> Tensor:
        size = max(2 * round(self.architecture.nirs_window * stream.rate / 2), 8)
        length = stream.signal.shape[-1]
        size = min(size, max(2 * (length // 2), 2))
        single = rough.flatten(0, 1).transpose(1, 2)  # (…, band, wavelength, time)
        whole = single.sum(1)
        local = nn.functional.avg_pool1d(whole**2, 3, 1, 1, count_include_pad=False)
        flat_gate = gate.flatten(0, 1)
        active = (frames_of(whole, size, size // 2) != 0).any(-1).any(-1)
        observed = stream.signal.flatten(0, 1)
        quiet = quiet_weight(observed, flat_gate, stream.rate)
        filtered = torch.cat(
            [
                temporal_filter(
                    observed[part],
                    single[part],
                    torch.exp(self.log_spread) * local[part],
                    quiet[part],
                    size=size,
                    reach=torch.exp(self.log_reach) * stream.rate,
                    active=active[part],
                )
                for part in torch.arange(len(observed)).split(
                    TOGETHER.get(observed.device.type, 64)
                )
            ]
        )
        return filtered.unflatten(0, gate.shape[:2])


def quiet_weight(signal: Tensor, gate: Tensor, rate: float) -> Tensor:
    """Weight (batch, time) of samples in the covariance of the signal without movement.

    Shut gates count, and energy: strong samples weigh little even where the gate missed them, for
    one movement of a millivolt would drown a minute of EEG.
    """
    size = round(0.3 * rate) | 1
    near = nn.functional.max_pool1d(gate.detach()[:, None], size, 1, size // 2).squeeze(1)
    level = signal.detach().square()
    level = (level / (level.median(-1, keepdim=True).values + 1e-30)).mean(1)
    local = nn.functional.avg_pool1d(level[:, None], size, 1, size // 2, count_include_pad=False)
    local = local.squeeze(1)
    excess = local / (4 * local.quantile(0.3, dim=-1, keepdim=True) + 1e-30)
    return ((1 - near) + 1e-3) / (1 + excess**4)


def _features(name: str, stream: Stream) -> tuple[Tensor, Tensor, Tensor]:
    """Bands of the signal, features (batch, channel, feature, frame) and quiet energies."""
    edges = EEG_EDGES if name == "eeg" else NIRS_EDGES
    bands = split(stream.signal, stream.rate, edges)  # …, band, time; fNIRS with wavelengths
    series = bands if name == "eeg" else bands.flatten(1, 2)
    length = bands.shape[-1]
    alone = stream.signal if name == "eeg" else stream.signal.flatten(1, 2)
    still = quiet_weight(alone, torch.zeros_like(alone[:, 0]), stream.rate)
    rest = unexplained(series, still, freedom(edges, stream.rate, length).to(bands)).view_as(bands)
    energy, quiet = log_energy(bands, stream.rate)
    surprise, expected = log_energy(rest, stream.rate)
    usual = torch.log((expected + 1e-30) / (quiet + 1e-30)).clamp(-6, 0)
    parts = [0.5 * energy, 0.5 * surprise, 0.5 * usual.expand_as(energy)]
    if name == "eeg":
        return bands, torch.cat(parts, 2), quiet
    parts = [p.mean(2) for p in parts]
    first, last = stream.signal[:, :, 0], stream.signal[:, :, -1]
    together = agreement(first, last, stream.rate)[:, :, None]
    return bands, torch.cat([*parts, together], 2), quiet.mean(2)
