"""XDF (lab streaming layer): a file with any number of streams in, a Recording out."""
