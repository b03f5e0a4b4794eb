"""Live cleaning: its error beside that of cleaning afterwards, and its cost."""
