"""Live streams (LSL) in and out: an even grid in, cleaned samples with their metadata out."""
