"""Inference: a Recording of any length and a model in, arrays of artifact and motion mask out."""
