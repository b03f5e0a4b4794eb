"""Benchmarks of neurofuse; `README.md` says which question each answers and how to run it.

Recordings beside the repository are used where NEUROFUSE_DATA names no others.
"""

import os
from pathlib import Path

BESIDE = Path(__file__).parents[2] / "shared" / "data"

if BESIDE.is_dir():
    os.environ.setdefault("NEUROFUSE_DATA", str(BESIDE))
