"""Which arrays a causal model consists of, so that others are refused before anything runs."""

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.constants import TOLD, WITNESSES
from neurofuse.models.joint.layers import DECODED, ENCODED, ENTRY, FUSED

TAPS = 3  # of the convolutions within blocks
Shapes = dict[str, tuple[int, ...]]


def shapes(architecture: Architecture) -> Shapes:
    """Shapes of all arrays that live cleaning uses, by torch's names.

    Examples
    --------
    >>> shapes(Architecture(streams=("eeg",), causal=True))["decoders.eeg.leave.bias"]
    (13,)
    """
    a, width = architecture, architecture.width
    found: Shapes = {
        "calibration": (len(a.streams),),
        "log_reach": (len(a.nirs_reach),),
        **dict.fromkeys(("log_spread", "log_shrinkage", "pooling_logit"), ()),
        **_convolution("fusion.enter", width, len(a.streams) * width),
        **_blocks("fusion", width, FUSED),
    }
    for s in a.streams:
        bands = len(a.bands.edges(s)) + 1
        features = 3 * bands + (s == "nirs")
        encoder, decoder = f"encoders.{s}", f"decoders.{s}"
        found[f"fusion.absent.{s}"] = (width,)
        found |= _convolution(f"{encoder}.enter", width, features, ENTRY)
        found |= _blocks(encoder, width, ENCODED)
        found |= _convolution(f"{encoder}.leave", width, 3 * width)
        found |= _convolution(f"{decoder}.enter", width, 3 * width)
        found[f"{decoder}.witnessed.weight"] = (width, len(WITNESSES) * TOLD, 1)
        found |= _blocks(decoder, width, DECODED)
        found |= _convolution(f"{decoder}.leave", 1 + 2 * bands, width)
    return found


def _convolution(name: str, out: int, inputs: int, taps: int = 1) -> Shapes:
    return {f"{name}.weight": (out, inputs, taps), f"{name}.bias": (out,)}


def _blocks(name: str, width: int, dilations: tuple[int, ...]) -> Shapes:
    found: Shapes = {}
    for number in range(len(dilations)):
        block = f"{name}.along_time.{number}"
        found |= _convolution(f"{block}.conv", width, width, TAPS)
        found |= _convolution(f"{block}.mix", width, width)
        found |= dict.fromkeys((f"{block}.norm.weight", f"{block}.norm.bias"), (width,))
    return found
