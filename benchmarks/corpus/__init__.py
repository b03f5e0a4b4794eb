"""Corpora on disk and training by several processes."""
