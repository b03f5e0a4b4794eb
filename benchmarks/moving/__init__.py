"""What a method leaves of movement in real recordings of people who moved.

`evaluate(method)` has the figures of `benchmarks.moving.nirs` and `benchmarks.moving.eeg`, one row
a recording. `kind` says where the quiet spectrum of fNIRS is from; of EEG it is the task.
"""

from benchmarks.common.evaluation import Evaluation
from benchmarks.moving import eeg, nirs

evaluate = Evaluation({"eeg": eeg, "nirs": nirs})

__all__ = ["evaluate"]
