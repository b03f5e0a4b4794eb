"""Single-channel baseline networks: one series of one modality in, the same series cleaned out.

One file an architecture, all with the same constructor (`net.Net`), trained on the same windows
(`train`), applied by the same code (`apply`). To add one: write a file with a subclass of `Net`,
name it in `FILES`, add it to `tests/models/single_series` and train it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofuse.models.single_series.net import Net

    NETS: dict[str, type[Net]]

FILES = {
    "cnn": "Cnn",
    "unet": "UNet",
    "lstm": "LstmAutoencoder",
    "cnn_lstm": "CnnLstm",
    "dae": "DenoisingAutoencoder",
    "vae": "VariationalAutoencoder",
    "gan": "Generator",
    "transformer": "Transformer",
}
NAMES = tuple(FILES)


def __getattr__(name: str) -> Any:
    """`NETS`, the classes by name, imported with torch on first use only."""
    if name != "NETS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    nets = {
        file: getattr(import_module(f"{__name__}.{file}"), kind) for file, kind in FILES.items()
    }
    globals()["NETS"] = nets
    return nets
