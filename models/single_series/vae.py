"""Variational autoencoder: a code with a distribution, sampled in training, its mean in use.

After Kingma and Welling 2014 (arXiv:1312.6114), denoising: the code is of the disturbed series, the
decoder gives the clean one. The divergence of the code from a standard normal joins the loss, with
a weight below one (Higgins et al. 2017, beta-VAE) so that the code is used at all.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neurofuse.models.single_series.net import Net, Residual, input_layer, output_layer


class VariationalAutoencoder(Net):
    """Residual convolutions to mean and log variance of a code, and back."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "width": 46,
        "code": 24,
        "kernel": 5,
        "steps": 128,
        "beta": 0.003,
    }

    def build(self, width: int, code: int, kernel: int, steps: int, beta: float) -> None:
        stride = self.length // steps
        self.encoder: nn.Sequential = nn.Sequential(
            input_layer(width, stride),
            *(Residual(width, kernel, dilation) for dilation in (1, 2, 4, 8)),
            nn.Conv1d(width, 2 * code, 4, stride=2, padding=1),
        )
        self.decoder: nn.Sequential = nn.Sequential(
            nn.ConvTranspose1d(code, width, 4, stride=2, padding=1),
            *(Residual(width, kernel, dilation) for dilation in (8, 4, 2, 1)),
            output_layer(width, stride),
        )

    def estimate(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        mean, log_variance = self.encoder(self.view(x)).chunk(2, 1)
        log_variance = log_variance.clamp(-10, 5)
        code = mean
        if self.training:
            code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.series(self.decoder(code)), {"mean": mean, "log_variance": log_variance}

    def penalty(
        self, cleaned: Tensor, clean: Tensor, extra: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Divergence of the code from a standard normal, in nats for each sample."""
        mean, log_variance = extra["mean"], extra["log_variance"]
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        per_sample = divergence.sum((1, 2)) / cleaned.shape[-1]
        return {"divergence": self.sizes["beta"] * self.length / 100 * per_sample.mean()}
