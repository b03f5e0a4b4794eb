"""What several benchmarks need: test recordings, keys of results, paths and intervals."""
