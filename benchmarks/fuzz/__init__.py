"""Damaged files of every format: `python -m benchmarks.fuzz`."""
