"""Channel quality: a Recording in, figures and `bad` marks of every channel out.

Signals that are flat, railed, noisy, bridged or badly coupled are found here; no sample changes.
"""
