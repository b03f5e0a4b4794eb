"""Alignment of two clocks: simulated pulses and hearts in, errors of the offset out."""
