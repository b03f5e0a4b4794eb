"""SNIRF: a file in, a Raw and its sensors out, and back."""
