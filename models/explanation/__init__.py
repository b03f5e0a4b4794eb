"""Why the model took a stretch for movement: logits of the motion mask in, attributions out."""
