"""Real recordings without a truth: movement, quality, formats."""
