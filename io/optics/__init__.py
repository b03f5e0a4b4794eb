"""Optics: intensity in; optical density, haemoglobin and GVTD out."""
