"""The command line: arguments and files in, files and printed results out.

Heavy libraries are imported inside commands.
"""

from neurofuse.cli.app import app, main, study_main

__all__ = ["app", "main", "study_main"]
