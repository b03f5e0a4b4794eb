"""What the joint model gains: clean recordings and weights in, a page and its rows out.

Run as `python -m benchmarks.joint_gain`.
"""
