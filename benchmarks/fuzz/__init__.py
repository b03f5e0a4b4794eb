"""Damaged files of every format in; a page on how many were read, refused or failed out.

Run as `python -m benchmarks.fuzz`."""
