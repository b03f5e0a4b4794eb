"""Training where recordings may not leave: messages of a server in, updates of weights out."""
