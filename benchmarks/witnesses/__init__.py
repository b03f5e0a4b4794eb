"""What witnesses of movement are worth: the other modality, and an IMU on the head.

From Python, for quick trials on the validation part:

    from benchmarks.witnesses import evaluate, summary
    table = evaluate("runs/mine/joint.safetensors", seeds=[0])  # or a model in memory
    print(summary(table))
"""

from benchmarks.witnesses.evaluation import evaluate, summary

__all__ = ["evaluate", "summary"]
