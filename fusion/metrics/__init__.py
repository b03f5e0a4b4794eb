"""Figures of merit: a cleaned Recording (and a truth, where there is one) in, figures out.

Nothing here depends on a method."""
