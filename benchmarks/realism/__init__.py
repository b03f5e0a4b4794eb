"""How real synthetic motion is: `python -m benchmarks.realism`."""
