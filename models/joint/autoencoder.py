"""The cross-modal autoencoder: features → encoders → fusion → decoders → Wiener stages.

Works on plain tensors of one window. `output = input - mask * artifact`: where the motion mask is 0
the samples come back unchanged. Scale in = scale out: features are relative to each channel's own
quiet energy, and everything after them is linear in the data.
"""

import torch
from torch import Tensor, nn

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.bands import to_samples
from neurofuse.models.joint.features import feature_count, features, quiet_weight
from neurofuse.models.joint.network import Decoder, Encoder, Fusion, neighbours
from neurofuse.models.joint.tensors import Estimate, Stream
from neurofuse.models.joint.uncertainty import error_variance
from neurofuse.models.joint.wiener import frames_of, spatial_filter, temporal_filter

# fNIRS channels that are filtered at once: on a CPU their covariances should fit the cache
CHANNELS_AT_ONCE = {"cpu": 4}


class CrossModalAutoencoder(nn.Module):
    """EEG and fNIRS encoder, fusion, two decoders and their Wiener stages.

    With one entry in `architecture.streams` it is the single-modality model: the same code without
    the other modality.

    Parameters
    ----------
    architecture : Architecture, optional
        Sizes and settings; the defaults otherwise.
    """

    calibration: Tensor

    def __init__(self, architecture: Architecture | None = None):
        super().__init__()
        self.architecture: Architecture = architecture or Architecture()
        a = self.architecture
        bands = {s: len(a.bands.edges(s)) + 1 for s in a.streams}
        self.encoders: nn.ModuleDict = nn.ModuleDict(
            {s: Encoder(feature_count(s, bands[s]), a.width) for s in a.streams}
        )
        self.fusion: Fusion = Fusion(a.streams, a.width)
        self.decoders: nn.ModuleDict = nn.ModuleDict(
            {s: Decoder(bands[s], a.width) for s in a.streams}
        )
        # whether each modality is in motion at a frame, decoded from the fused latent alone, so
        # that a modality that is withheld has to be read from the other
        self.motion: nn.ModuleDict = nn.ModuleDict({s: nn.Conv1d(a.width, 1, 1) for s in a.streams})
        self.log_spread: nn.Parameter = nn.Parameter(torch.tensor(-2.3))
        self.log_reach: nn.Parameter = nn.Parameter(torch.tensor(a.nirs_reach).log())
        self.log_shrinkage: nn.Parameter = nn.Parameter(torch.tensor(-3.5))
        self.pooling_logit: nn.Parameter = nn.Parameter(torch.tensor(-1.0))
        # factor on the standard deviations of each of `streams` (`training.calibration`)
        self.register_buffer("calibration", torch.ones(len(a.streams), dtype=torch.float64))

    def forward(
        self, streams: dict[str, Stream], *, wiener: bool = True
    ) -> tuple[dict[str, Estimate], dict[str, Tensor]]:
        """Estimates by stream, and the motion logits (batch, frame) of every stream of the model.

        With `wiener=False` the artifact stays the rough one: cheap first steps of training.
        """
        bands, seen, quiet, near = {}, {}, {}, {}
        for name, stream in streams.items():
            bands[name], seen[name], quiet[name] = features(name, stream, self.architecture)
            near[name] = neighbours(stream.position, self.architecture.neighbourhood)
        frames = min(f.shape[-1] for f in seen.values())
        channel, pooled = {}, {}
        for name in streams:
            encode = self.encoders[name]
            channel[name], pooled[name] = encode(seen[name][..., :frames], near[name])
        fused = self.fusion(pooled)
        estimates = {}
        for name, stream in streams.items():
            decoded = self._decode(name, channel[name], pooled, fused, near[name])
            estimates[name] = self._filter(name, stream, bands[name], *decoded, quiet[name], wiener)
        return estimates, {s: head(fused).squeeze(1) for s, head in self.motion.items()}

    def _decode(
        self, name: str, channel: Tensor, pooled: dict[str, Tensor], fused: Tensor, near: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of motion and artifact fractions, and clean energies.

        The other modality may raise the probability of motion, never lower it: an optode can slip
        on a head that is at rest in the EEG. So the larger of the estimates with and without it
        counts; not in training, which shows every modality alone often enough to learn both.
        """
        motion, fraction, clean = self.decoders[name](channel, fused, near)
        if self.training or len(pooled) == 1:
            return motion, fraction, clean
        alone = self.decoders[name](channel, self.fusion({name: pooled[name]}), near)
        return torch.maximum(motion, alone[0]), torch.maximum(fraction, alone[1]), clean

    def _filter(
        self,
        name: str,
        stream: Stream,
        bands: Tensor,
        gate_logit: Tensor,
        fraction_logit: Tensor,
        clean: Tensor,
        quiet: Tensor,
        wiener: bool,
    ) -> Estimate:
        a, length = self.architecture, stream.signal.shape[-1]
        # a frame of margin: a movement's first sample lies anywhere in its frame
        motion = nn.functional.max_pool1d(torch.sigmoid(gate_logit), 3, 1, 1)
        motion = to_samples(motion, stream.rate, length, a.latent_rate)
        closed, opened = a.motion_mask.limits(name)
        gate = ((motion - closed) / (opened - closed)).clamp(0, 1)
        fraction = to_samples(torch.sigmoid(fraction_logit), stream.rate, length, a.latent_rate)
        wiener = wiener and a.filtered
        open_ = gate if a.gated else torch.ones_like(gate)
        if name == "eeg":
            rough = open_ * (fraction * bands).sum(-2)
            artifact = open_ * (self._filter_eeg(stream, rough, gate) if wiener else rough)
        else:
            open_ = open_[..., None, :]
            rough = open_[..., None, :] * fraction[:, :, None] * bands
            linear = self._filter_nirs(stream, rough, gate) if wiener else rough.sum(-2)
            artifact = open_ * linear
        with torch.no_grad():
            variance = error_variance(stream, gate, fraction, clean, quiet, a)
        return Estimate(gate_logit, gate, fraction_logit, clean, quiet, artifact, variance)

    def _filter_eeg(self, stream: Stream, rough: Tensor, gate: Tensor) -> Tensor:
        a = self.architecture
        size = max(2 * round(a.eeg_window * stream.rate / 2), 8)
        lags = sorted({round(lag * stream.rate) for lag in a.eeg_lags})
        # the time of the filter grows with the cube of its size
        while len(lags) > 1 and len(lags) * rough.shape[1] > a.eeg_filter_size:
            lags = [k for k in lags if abs(k) < max(map(abs, lags))]
        quiet = quiet_weight(stream.signal, gate.amax(1), stream.rate, a.quiet)
        return spatial_filter(
            stream.signal,
            rough,
            quiet,
            size=size,
            lags=lags,
            shrinkage=torch.exp(self.log_shrinkage),
            pooling=torch.sigmoid(self.pooling_logit),
        )

    def _filter_nirs(self, stream: Stream, rough: Tensor, gate: Tensor) -> Tensor:
        a = self.architecture
        size = max(2 * round(a.nirs_window * stream.rate / 2), 8)
        length = stream.signal.shape[-1]
        size = min(size, max(2 * (length // 2), 2))
        single = rough.flatten(0, 1).transpose(1, 2)  # (…, band, wavelength, time)
        whole = single.sum(1)
        local = nn.functional.avg_pool1d(whole**2, 3, 1, 1, count_include_pad=False)
        active = (frames_of(whole, size, size // 2) != 0).any(-1).any(-1)
        observed = stream.signal.flatten(0, 1)
        quiet = quiet_weight(observed, gate.flatten(0, 1), stream.rate, a.quiet)
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
                    CHANNELS_AT_ONCE.get(observed.device.type, 64)
                )
            ]
        )
        return filtered.unflatten(0, gate.shape[:2])
