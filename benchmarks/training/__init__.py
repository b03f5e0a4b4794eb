"""Training: configurations in, packaged weights and those of baseline networks out."""
