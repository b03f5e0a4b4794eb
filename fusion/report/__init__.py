"""Pages that show what cleaning did, one self-contained HTML file each."""

from neurofuse.fusion.report.single import report

__all__ = ["report"]
