"""What several parts ask of a signal: samples in; bands, decibels and stretches in motion out."""
