"""What several parts ask of a signal: samples in; bands, decibels and moving stretches out."""
