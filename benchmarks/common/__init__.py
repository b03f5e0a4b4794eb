"""What several benchmarks share: settings in; test recordings, keys, intervals and pages out."""
