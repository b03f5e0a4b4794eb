"""What the joint model gains on injected motion: clean recordings and weights in, a page and rows out.

Run as `python -m benchmarks.joint_gain`."""
