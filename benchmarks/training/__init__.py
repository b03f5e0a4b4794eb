"""Training of the packaged weights and of the single-channel baseline networks."""
