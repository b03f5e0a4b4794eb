"""Why stretches were taken for movement: a recording and its cleaned version in, a Dataset out."""

from neurofuse.fusion.explanation.explain import explain
from neurofuse.fusion.explanation.movements import with_shares

__all__ = ["explain", "with_shares"]
