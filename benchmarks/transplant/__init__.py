"""Real movements of some people in recordings at rest of others: clean recordings in, errors out.

From Python, for quick trials on the validation part:

    from benchmarks.transplant import evaluate, summary
    table = evaluate("runs/mine/joint.safetensors")  # or a name, a Cleaner, a model in memory
    print(summary(table))
"""

from benchmarks.transplant.evaluation import evaluate, summary

__all__ = ["evaluate", "summary"]
