"""How real synthetic motion is: real recordings and published statistics in, pages out.

Run as `python -m benchmarks.realism`."""
