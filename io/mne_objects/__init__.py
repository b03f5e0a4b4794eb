"""MNE objects: a Raw in, a stream's Dataset out, and back; no file is opened here."""
