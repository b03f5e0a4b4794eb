"""The command line `neurofuse`; heavy libraries are imported inside commands."""

from neurofuse.cli.app import app, main

__all__ = ["app", "main"]
