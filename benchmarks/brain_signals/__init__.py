"""Preservation of known brain signals: simulated participants in, pages out.

Run as `python -m benchmarks.brain_signals`."""
