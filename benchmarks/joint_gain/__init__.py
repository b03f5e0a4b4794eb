"""What the joint model gains on injected motion: `python -m benchmarks.joint_gain`."""
