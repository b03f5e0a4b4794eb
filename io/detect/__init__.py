"""Which format a file or folder has: a path in, the name of its format or a reader out."""
