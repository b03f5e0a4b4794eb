"""A cleaned Recording in; what a statistical model should know of its movements out.

Tables of confounds, one row per fNIRS sample or EEG epoch, the design matrix with them, weights of
samples and epochs, and a GLM that uses them. Nothing is rejected here: how much motion is too much
is up to the study.
"""

from neurofuse.fusion.confounds.design import add_confounds
from neurofuse.fusion.confounds.files import write_confounds
from neurofuse.fusion.confounds.glm import fit_glm
from neurofuse.fusion.confounds.table import confounds
from neurofuse.fusion.confounds.weights import epoch_weights, glm_weights

__all__ = [
    "add_confounds",
    "confounds",
    "epoch_weights",
    "fit_glm",
    "glm_weights",
    "write_confounds",
]
