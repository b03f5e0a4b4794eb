"""What does cleaning do to recordings in which nobody moved?"""

from benchmarks.still.evaluation import evaluate

__all__ = ["evaluate"]
