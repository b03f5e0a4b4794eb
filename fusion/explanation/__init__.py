"""Why stretches were taken for movement: a recording and its cleaned version in, a Dataset out."""

from neurofuse.fusion.explanation.explain import explain

__all__ = ["explain"]
