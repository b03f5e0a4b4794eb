"""A recording at a glance: recordings in, before and after; what plots and pages show out."""
