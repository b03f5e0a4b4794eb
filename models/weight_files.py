"""Where packaged weights lie, and what a file of weights may hold at most; no torch."""

from pathlib import Path

LARGEST_FILE = 2**28  # bytes; the packaged weights have less than two million
LARGEST_VALUE = 1e4  # the packaged weights stay below 5
PRETRAINED = Path(__file__).with_name("pretrained")
