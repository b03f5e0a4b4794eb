"""What the network would see of a modality in which nothing moves."""

from torch import Tensor


def at_rest(name: str, seen: Tensor) -> Tensor:
    """Features (batch, channel, feature, frame) of one modality as if nothing moved.

    Energies are at their quiet level; what is known of the recording at rest stays.
    """
    quiet = seen.clone()
    bands = (seen.shape[2] - (name == "nirs")) // 3
    quiet[:, :, : 2 * bands] = 0
    if name == "nirs":  # agreement of wavelengths
        quiet[:, :, -1] = seen[:, :, -1].median(-1, keepdim=True).values
    return quiet
