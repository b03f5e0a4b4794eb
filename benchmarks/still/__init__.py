"""What a method does to calm stretches of real recordings.

`evaluate(method)` has the figures of `benchmarks.still.nirs` and `benchmarks.still.eeg`, one row a
stretch. `kind` is "native" or "resampled"; of EEG the drift that was added.
"""

from benchmarks.common.evaluation import Evaluation
from benchmarks.still import eeg, nirs

evaluate = Evaluation({"eeg": eeg, "nirs": nirs})

__all__ = ["evaluate"]
