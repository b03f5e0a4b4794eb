"""Figures of merit: a cleaned Recording (and a truth, where there is one) in, figures out.

Nothing here depends on a method.
"""

from typing import Any

from neurofuse.io.deprecation import renamed


def __getattr__(name: str) -> Any:
    """`score`, which was here when this was a module, until neurofuse 1.0."""
    if name != "score":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from neurofuse.fusion.metrics.errors import score

    renamed(f"{__name__}.score", "neurofuse.fusion.score")
    return score
