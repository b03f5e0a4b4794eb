"""Decoding of tasks after cleaning: `python -m benchmarks.decoding`."""
