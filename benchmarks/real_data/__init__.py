"""Real recordings without a truth in; pages on motion, channel quality and formats out."""
