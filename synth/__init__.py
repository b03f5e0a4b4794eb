"""Simulation: options or a clean Recording in, a truth and a contaminated Recording out.

Brain signals, head motion and its artifacts in both modalities, with exact truth.
"""

from neurofuse.synth.inject import inject
from neurofuse.synth.movement import SHARE, TYPES
from neurofuse.synth.simulate import simulate

__all__ = ["SHARE", "TYPES", "inject", "simulate"]
