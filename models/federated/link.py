"""How a server's messages reach centres."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from neurofuse.models.federated.centre import Centre


class Link(Protocol):
    """How messages reach centres: within a process, over a network."""

    def centres(self) -> Sequence[str]:
        """Names of the centres that are there now."""
        ...

    def exchange(self, messages: Mapping[str, bytes], patience: float) -> dict[str, bytes]:
        """Answers by centre; those that gave none within `patience` seconds are missing."""
        ...


class Together:
    """A link to centres in this process, for tests and experiments.

    Examples
    --------
    >>> Together([Centre("anna", {"real": False, "simulated": 1}, "runs/anna")]).centres()
    ['anna']
    """

    def __init__(self, centres: Sequence[Centre]):
        self.by_name: dict[str, Centre] = {centre.name: centre for centre in centres}

    def centres(self) -> list[str]:
        """Names of the centres."""
        return list(self.by_name)

    def exchange(self, messages: Mapping[str, bytes], patience: float) -> dict[str, bytes]:
        """Their answers, one after the other."""
        return {name: self.by_name[name].answer(message) for name, message in messages.items()}
