"""Bidirectional LSTM autoencoder: the series through a narrow code and back.

After the LSTM autoencoder for fNIRS of Yang et al. 2025 (Eur J Neurosci, doi 10.1111/ejn.16679) as
far as its abstract goes (encoder, LSTM, decoder), and the recurrent network of EEGdenoiseNet
(Zhang et al. 2021). Nothing but the code reaches the decoder.
"""

from typing import Any, ClassVar

from torch import Tensor, nn

from neurofuse.models.single_series.net import Net, input_layer, output_layer


class LstmAutoencoder(Net):
    """Pieces of the series → LSTM in both directions → code → LSTM → pieces of the clean one."""

    DEFAULTS: ClassVar[dict[str, Any]] = {"width": 32, "hidden": 86, "code": 48, "steps": 128}

    def build(self, width: int, hidden: int, code: int, steps: int) -> None:
        stride = self.length // steps
        self.enter: nn.Conv1d = input_layer(width, stride)
        self.encoder: nn.LSTM = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        self.narrow: nn.Linear = nn.Linear(2 * hidden, code)
        self.decoder: nn.LSTM = nn.LSTM(code, hidden, batch_first=True, bidirectional=True)
        self.leave: nn.ConvTranspose1d = output_layer(2 * hidden, stride)

    def estimate(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        encoded, _ = self.encoder(self.enter(self.view(x)).transpose(1, 2))
        decoded, _ = self.decoder(self.narrow(encoded))
        return self.series(self.leave(decoded.transpose(1, 2))), {}
