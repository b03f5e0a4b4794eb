"""Keys under which results are stored: weights, settings, and a version.

A result is computed again when its weights or its settings change, or when `VERSION` is raised.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from benchmarks.common.methods import NETWORKS, baselines, network_weights

VERSION = 2  # raise it with every change of code that changes results


def result_key(*settings: object, files: Iterable[Path] = ()) -> str:
    """A short digest of settings, of the bytes of files (weights), and of `VERSION`.

    Examples
    --------
    >>> result_key("pairs", 150.0) == result_key("pairs", 150.0) != result_key("pairs", 60.0)
    True
    """
    total = hashlib.sha256(json.dumps([VERSION, *settings], default=str, sort_keys=True).encode())
    for path in sorted(files):
        total.update(path.read_bytes())
    return total.hexdigest()[:12]


def weights(folder: Path) -> list[Path]:
    """Finished weights in a folder: checkpoints of a training have no description beside them."""
    return [p for p in sorted(folder.glob("*.safetensors")) if p.with_suffix(".json").exists()]


def weights_key(path: Path) -> str:
    """The key of what a file of weights, or all those of a folder, make."""
    return result_key("weights", files=weights(path) if path.is_dir() else [path])


def method_key(name: str) -> str:
    """The key of what a baseline method makes: its settings and, of a network, its weights."""
    settings = {s: dict(one.settings) for s, one in baselines()[name].treatments.items()}
    return result_key(name, settings, files=network_weights(name) if name in NETWORKS else ())
