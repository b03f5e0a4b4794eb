"""Speed and memory: recordings of known length in, seconds and bytes by method out.

Run as `python -m benchmarks.speed`."""
