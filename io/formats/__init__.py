"""Formats of one file each: a path in, an MNE Raw or a Recording out, and back."""
