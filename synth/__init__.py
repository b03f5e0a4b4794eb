"""Brain signals, shared head motion and its artifacts in both streams, with exact truth."""

from neurofuse.synth.inject import inject
from neurofuse.synth.movement import SHARE, TYPES
from neurofuse.synth.simulate import simulate

__all__ = ["SHARE", "TYPES", "inject", "simulate"]
