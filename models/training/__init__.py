"""Training: clean recordings and a configuration in, weights and a log out."""
