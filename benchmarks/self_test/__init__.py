"""What a self-test says, beside the truth: recordings in, predictions and errors out."""
