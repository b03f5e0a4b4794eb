"""Decoding of tasks: cleaned recordings in, accuracies by method out.

Run as `python -m benchmarks.decoding`."""
