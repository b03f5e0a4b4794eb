"""What is left of known brain signals: `python -m benchmarks.brain_signals`."""
