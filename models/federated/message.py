"""Messages between server and centres: tensors by name, and a few facts, in one safetensors file.

No message is a pickle, and none is trusted: size, facts and numbers are checked before use.
"""

import json
from collections.abc import Mapping
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from neurofuse.io.errors import ReadError
from neurofuse.models.weight_files import LARGEST_FILE

FACTS = "neurofuse"  # the key in the header of the file
LONGEST_HEADER = 2**20  # bytes
FIRST = 8  # bytes, which tell the length of the header


def pack(facts: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None) -> bytes:
    """A message of facts, which JSON can hold, and tensors.

    Examples
    --------
    >>> unpack(pack({"kind": "update", "round": 3}))
    ({'kind': 'update', 'round': 3}, {})
    """
    held = {name: tensor.contiguous() for name, tensor in (tensors or {}).items()}
    return save(held, metadata={FACTS: json.dumps(dict(facts))})


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Facts and tensors of a message; ReadError if it is none."""
    try:
        if len(message) > LARGEST_FILE:
            raise ValueError(f"{len(message)} bytes, more than {LARGEST_FILE:g}")
        length = int.from_bytes(message[:FIRST], "little")
        if length > LONGEST_HEADER:
            raise ValueError(f"a header of {length} bytes, more than {LONGEST_HEADER}")
        header = json.loads(message[FIRST : FIRST + length])
        facts = json.loads(header["__metadata__"][FACTS])
        if not isinstance(facts, dict):
            raise ValueError("facts that are no object")
        return facts, load(message)
    except (ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
        raise ReadError(
            f"a message that cannot be read ({type(error).__name__}: {error})",
            "one that this version of neurofuse wrote",
            "run the same version at the server and at all centres",
        ) from error
