"""The cross-modal autoencoder: features → encoders → fusion → decoders → filters.

Works on plain tensors of one window. `output = input - mask * artifact`: where the motion mask is 0
the samples come back unchanged. Scale in = scale out: features are relative to each channel's own
quiet energy, and everything after them is linear in the data.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from neurofuse.models.joint.across_channels import predict_from_others
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.bands import to_samples, to_samples_causal
from neurofuse.models.joint.constants import TOLD, WITNESSES
from neurofuse.models.joint.features import feature_count, features, quiet_weight
from neurofuse.models.joint.layers import decoded_late, delay
from neurofuse.models.joint.network import (
    Decoder,
    Encoder,
    Fusion,
    later,
    neighbours,
    sooner,
)
from neurofuse.models.joint.spectral_gain import spectral_gain
from neurofuse.models.joint.tensors import Estimate, Latent, Stream
from neurofuse.models.joint.uncertainty import error_variance
from neurofuse.models.joint.wiener import frames_of, spatial_filter, temporal_filter
from neurofuse.models.joint.witnesses import Trust, agreements, evidence

CHANNELS_AT_ONCE = 64  # of fNIRS: their covariances over time should fit into memory


class CrossModalAutoencoder(nn.Module):
    """EEG and fNIRS encoder, fusion, two decoders and their filters.

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
            {s: Encoder(s, feature_count(s, bands[s]), a.width, a.causal) for s in a.streams}
        )
        self.fusion: Fusion = Fusion(a.streams, a.width, a.causal)
        self.decoders: nn.ModuleDict = nn.ModuleDict(
            {s: Decoder(s, bands[s], a.width, len(WITNESSES) * TOLD, a.causal) for s in a.streams}
        )
        # whether each modality is in motion at a frame, decoded from the fused latent alone, so
        # that a modality that is withheld has to be read from the other
        self.motion: nn.ModuleDict = nn.ModuleDict({s: nn.Conv1d(a.width, 1, 1) for s in a.streams})
        self.log_spread: nn.Parameter = nn.Parameter(torch.tensor(-2.3))
        self.log_reach: nn.Parameter = nn.Parameter(torch.tensor(a.nirs_reach).log())
        self.log_shrinkage: nn.Parameter = nn.Parameter(torch.tensor(-3.5))
        self.pooling_logit: nn.Parameter = nn.Parameter(torch.tensor(-1.0))
        # the single-modality models, where they are part of this one
        self.single: nn.ModuleDict = nn.ModuleDict()
        for s in a.streams if a.single_width else ():
            own = {"streams": (s,), "width": a.single_width, "single_width": 0}
            self.single[s] = CrossModalAutoencoder(a.model_copy(update=own))
        # factor on the standard deviations of each of `streams` (`training.calibration`)
        self.register_buffer("calibration", torch.ones(len(a.streams), dtype=torch.float64))

    def forward(
        self,
        streams: dict[str, Stream],
        *,
        wiener: bool = True,
        trust: Trust | None = None,
        latents: dict[str, Latent] | None = None,
        uncertainty: bool = True,
    ) -> tuple[dict[str, Estimate], dict[str, Tensor]]:
        """Estimates by stream, and the motion logits (batch, frame) of every stream of the model.

        Parameters
        ----------
        streams : dict of Stream
            One window of each modality that there is.
        wiener : bool
            False: the artifact stays the rough one, for cheap first steps of training.
        trust : Trust, optional
            How far the witnesses of movement are believed; by default as this window tells.
        latents : dict of Latent, optional
            `encode(streams)`, where it exists already.
        uncertainty : bool
            False: no variance of the error.
        """
        latents = latents or self.encode(streams)
        alone = {s: self.fusion({s: latent.pooled}) for s, latent in latents.items()}
        both = {s: alone[s] if len(latents) == 1 else self.fuse(s, latents) for s in latents}
        head = next((stream.head for stream in streams.values()), None)
        movement = {}
        if len(latents) > 1 or head is not None:
            movement = self.movement(latents, alone)
            rate, sharing = self.architecture.latent_rate, self.architecture.sharing
            told = {s: self.in_time(s, moves) for s, moves in movement.items()}
            trust = trust or agreements(told, head, rate, sharing).trust(sharing)
        else:
            trust = None
        estimates = {}
        for name, stream in streams.items():
            latent, seen = latents[name], alone[name]
            witnessed = None
            if trust is not None:
                if self.architecture.witnessed:
                    witnessed = self.witnessed_by(name, movement, head, trust)
                if trust.partner is not None and len(latents) > 1:
                    believed = trust.partner.to(seen)[:, None, None]
                    seen = torch.lerp(alone[name], both[name], believed)
            decoded = self.decoders[name](latent.channel, seen, latent.near, witnessed)
            if latent.own is not None:
                decoded = self.beside(name, latent.own, decoded, trust)
            decoded = tuple(self.in_time(name, part) for part in decoded)
            estimates[name] = self._filter(
                name, stream, latent, decoded, wiener=wiener, uncertainty=uncertainty
            )
        some = next(iter(both))
        told = {s: s if s in both else some for s in self.motion}
        return estimates, {
            s: sooner(layer(both[told[s]]).squeeze(1), self.late(told[s], encoder=True))
            for s, layer in self.motion.items()
        }

    def fuse(self, name: str, latents: dict[str, Latent]) -> Tensor:
        """The latent (batch, width, frame) of all modalities for one of them."""
        pooled = {s: latent.pooled for s, latent in latents.items()}
        if self.architecture.causal:  # the other one's last frame may not be there yet
            own = self.late(name, encoder=True)
            pooled |= {s: later(x, max(own, 1)) for s, x in pooled.items() if s != name}
        return self.fusion(pooled)

    def late(self, name: str, *, encoder: bool = False) -> int:
        """Frames by which what the network decodes, or encodes, of a modality comes late."""
        if not self.architecture.causal:
            return 0
        return delay(name) if encoder else decoded_late(name)

    def in_time(self, name: str, decoded: Tensor) -> Tensor:
        """What is decoded of a modality (…, frame), at the frames that it describes."""
        return sooner(decoded, self.late(name))

    def encode(
        self, streams: dict[str, Stream], measured: dict[str, Latent] | None = None
    ) -> dict[str, Latent]:
        """Each modality of a window on its own.

        `measured` is what another model of the same bands encoded: its features are taken.
        """
        bands, seen, quiet, near = {}, {}, {}, {}
        for name, stream in streams.items():
            if measured is None:
                bands[name], seen[name], quiet[name] = features(name, stream, self.architecture)
                near[name] = neighbours(stream.position, self.architecture.neighbourhood)
            else:
                known = measured[name]
                bands[name], seen[name], quiet[name] = known.bands, known.seen, known.quiet
                near[name] = known.near
        frames = min(f.shape[-1] for f in seen.values())
        latents = {}
        for name in streams:
            given = seen[name][..., :frames]
            energy = 2 * given[:, :, : quiet[name].shape[2]]
            channel, pooled = self.encoders[name](given, near[name])
            own = None
            if name in self.single:
                with torch.no_grad():  # it was trained before
                    own = self.own_model(name).decode_alone(name, given, near[name])
            latents[name] = Latent(
                bands[name],
                quiet[name][..., :frames],
                energy,
                given,
                near[name],
                channel,
                pooled,
                own,
            )
        return latents

    def decode_alone(self, name: str, seen: Tensor, near: Tensor) -> tuple[Tensor, ...]:
        """What features of one modality say without the other (`Decoder`)."""
        channel, pooled = self.encoders[name](seen, near)
        return self.decoders[name](channel, self.fusion({name: pooled}), near)

    @torch.no_grad()
    def movement(
        self, latents: dict[str, Latent], alone: dict[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Probability (batch, frame) that each modality is in motion, as it tells on its own.

        Of EEG the mean over channels, as a movement reaches most electrodes; of fNIRS the largest,
        as it may reach one optode only. `alone` are the fused latents of each modality alone, where
        they exist already.
        """
        found = {}
        for name, latent in latents.items():
            if latent.own is not None:
                logit = latent.own[0]
            else:
                fused = self.fusion({name: latent.pooled}) if alone is None else alone[name]
                logit, *_ = self.decoders[name](latent.channel, fused, latent.near)
            found[name] = torch.sigmoid(logit.mean(1) if name == "eeg" else logit.amax(1))
        return found

    def witnessed_by(
        self, name: str, movement: dict[str, Tensor], head: Tensor | None, trust: Trust
    ) -> Tensor:
        """What the partner and the head say of a modality's movement (batch, evidence, frame)."""
        rate, own = self.architecture.latent_rate, movement[name]
        nothing = own.new_zeros(len(own), TOLD, own.shape[-1])
        said = dict.fromkeys(WITNESSES, nothing)
        for other, moves in movement.items():
            if other != name and trust.partner is not None:
                said["partner"] = evidence(moves, trust.partner, rate, self.architecture.causal)
        if head is not None and name in trust.head:
            given = evidence(head.to(own), trust.head[name], rate, self.architecture.causal)[
                ..., : own.shape[-1]
            ]
            said["head"] = pad(given, (0, own.shape[-1] - given.shape[-1]))
        return torch.cat(list(said.values()), 1)

    def beside(
        self,
        name: str,
        own: tuple[Tensor, ...],
        decoded: tuple[Tensor, ...],
        trust: Trust | None,
    ) -> tuple[Tensor, ...]:
        """Between what a modality's own model decodes and what this one does with witnesses."""
        if trust is None:
            return own
        believed = [w for w in (trust.partner, trust.head.get(name)) if w is not None]
        if not believed:
            return own
        weight = self.architecture.sharing.weight * torch.stack(believed).amax(0)
        return tuple(
            torch.lerp(a, b, weight.to(a).view(-1, *[1] * (a.dim() - 1)))
            for a, b in zip(own, decoded, strict=True)
        )

    def _filter(
        self,
        name: str,
        stream: Stream,
        latent: Latent,
        decoded: tuple[Tensor, ...],
        *,
        wiener: bool,
        uncertainty: bool,
    ) -> Estimate:
        a, length = self.architecture, stream.signal.shape[-1]
        gate_logit, fraction_logit, clean = decoded
        # a frame of margin: a movement's first sample lies anywhere in its frame
        margin = pad(torch.sigmoid(gate_logit), (1, 0 if a.causal else 1))
        motion = nn.functional.max_pool1d(margin, 2 if a.causal else 3, 1)
        on_samples = to_samples_causal if a.causal else to_samples
        motion = on_samples(motion, stream.rate, length, a.latent_rate)
        closed, opened = a.motion_mask.limits(name)
        gate = ((motion - closed) / (opened - closed)).clamp(0, 1)
        if name == "eeg" and gate.shape[1] < a.few_electrodes.below:
            gate = torch.maximum(gate, self._loud(latent.energy, stream.rate, length))
        fraction = on_samples(torch.sigmoid(fraction_logit), stream.rate, length, a.latent_rate)
        wiener = wiener and a.filtered
        open_ = gate if a.gated else torch.ones_like(gate)
        if name == "eeg":
            rough = open_ * (fraction * latent.bands).sum(-2)
            artifact = open_ * (self._filter_eeg(stream, rough, gate) if wiener else rough)
        else:
            open_ = open_[..., None, :]
            rough = open_[..., None, :] * fraction[:, :, None] * latent.bands
            linear = self._filter_nirs(stream, rough, gate) if wiener else rough.sum(-2)
            artifact = open_ * linear
        variance = None
        if uncertainty:
            with torch.no_grad():
                variance = error_variance(stream, gate, fraction, clean, latent.quiet, a)
        return Estimate(gate_logit, gate, fraction_logit, clean, latent.quiet, artifact, variance)

    def _loud(self, energy: Tensor, rate: float, length: int) -> Tensor:
        """Mask (batch, channel, time) of samples in which a band is far above its quiet energy."""
        few = self.architecture.few_electrodes
        loudest = energy[:, :, 1:].amax(2)  # electrodes drift in the lowest band
        above = (loudest.exp() - few.quiet) / (few.loud - few.quiet)
        return to_samples(above.clamp(0, 1), rate, length, self.architecture.latent_rate)

    def own_model(self, name: str) -> "CrossModalAutoencoder":
        """Whose filter a modality passes through: that of its own model, where that is here."""
        if name not in self.single:
            return self
        return self.single[name]  # type: ignore[return-value]

    def spatial_settings(self, channels: int, rate: float) -> dict[str, Any]:
        """Settings of the EEG's filter across channels, as `spatial_filter` takes them."""
        a = self.architecture
        return {
            "size": max(2 * round(a.eeg_window * rate / 2), 8),
            "lags": a.lags(channels, rate),
            "shrinkage": torch.exp(self.own_model("eeg").log_shrinkage),
            "pooling": torch.sigmoid(self.own_model("eeg").pooling_logit),
        }

    def _filter_eeg(self, stream: Stream, rough: Tensor, gate: Tensor) -> Tensor:
        a = self.architecture
        quiet = quiet_weight(stream.signal, gate.amax(1), stream.rate, a.quiet)
        settings = self.spatial_settings(rough.shape[1], stream.rate)
        spatial = spatial_filter(stream.signal, rough, quiet, **settings)
        few = a.few_electrodes
        channels = rough.shape[1]
        if channels >= few.below:
            return spatial
        own = quiet_weight(
            stream.signal.flatten(0, 1)[:, None], gate.flatten(0, 1), stream.rate, a.quiet
        ).view_as(gate)
        size = max(4 * round(few.window * stream.rate / 4), 8)
        spectral = spectral_gain(stream.signal, own, size=size, excess=few.excess)
        return torch.lerp(spectral, spatial, channels / (channels + few.half))

    def _filter_nirs(self, stream: Stream, rough: Tensor, gate: Tensor) -> Tensor:
        """Twice: a second time on what the other channels, cleaned once, do not predict."""
        a, observed = self.architecture, stream.signal
        if a.across and gate.shape[1] > 1:
            cleaned = self.cleaned_once(stream, rough, gate)
            observed = observed - predict_from_others(cleaned, gate, stream.rate, a.across_channels)
        return self._filter_channels(observed, stream.rate, rough, gate, a.nirs_window)

    def cleaned_once(self, stream: Stream, rough: Tensor, gate: Tensor) -> Tensor:
        """fNIRS channels from which each is predicted (batch, channel, wavelength, time)."""
        window = self.architecture.across_channels.first_window
        first = self._filter_channels(stream.signal, stream.rate, rough, gate, window)
        return stream.signal - gate[:, :, None] * first

    def _filter_channels(
        self, observed: Tensor, rate: float, rough: Tensor, gate: Tensor, window: float
    ) -> Tensor:
        """Artifact (batch, channel, wavelength, time), each channel on its own."""
        a, length = self.architecture, observed.shape[-1]
        size = max(2 * round(window * rate / 2), 8)
        size = min(size, max(2 * (length // 2), 2))
        single = rough.flatten(0, 1).transpose(1, 2)  # (…, band, wavelength, time)
        whole = single.sum(1)
        local = nn.functional.avg_pool1d(whole**2, 3, 1, 1, count_include_pad=False)
        active = (frames_of(whole, size, size // 2) != 0).any(-1).any(-1)
        alone = observed.flatten(0, 1)
        quiet = quiet_weight(alone, gate.flatten(0, 1), rate, a.quiet)
        filtered = torch.cat(
            [
                temporal_filter(
                    alone[part],
                    single[part],
                    torch.exp(self.own_model("nirs").log_spread) * local[part],
                    quiet[part],
                    size=size,
                    reach=torch.exp(self.own_model("nirs").log_reach) * rate,
                    active=active[part],
                )
                for part in torch.arange(len(alone)).split(CHANNELS_AT_ONCE)
            ]
        )
        return filtered.unflatten(0, gate.shape[:2])
