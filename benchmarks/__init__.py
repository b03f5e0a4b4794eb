"""Benchmarks of neurofuse; `README.md` says which question each answers and how to run it."""
