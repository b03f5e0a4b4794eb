"""While a recording is made: what the model does in each tenth of a second, without torch."""
