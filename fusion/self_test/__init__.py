"""The self-test: a recording's own movements in its own quiet stretches, cleaned by all methods.

A recording and names of methods come in; how large each method's error is in this recording, and
which is the best here, goes out. The truth is known because the quiet stretches are as recorded.
"""

from neurofuse.fusion.self_test.result import SelfTest
from neurofuse.fusion.self_test.run import self_test

__all__ = ["SelfTest", "self_test"]
