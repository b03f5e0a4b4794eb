"""What does cleaning leave of movement in recordings whose truth is unknown?"""

from benchmarks.moving.evaluation import evaluate

__all__ = ["evaluate"]
