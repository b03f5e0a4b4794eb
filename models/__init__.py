"""torch lives here: encoders, fusion network, Wiener stages, training, weights.

`apply.estimate_artifacts` takes a Recording and gives arrays back: no tensor leaves this folder.
"""
