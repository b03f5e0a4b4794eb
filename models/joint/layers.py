"""Which dilations the layers of the network have, and which of the causal ones wait.

A causal layer that waits comes late, and so sees as much after a frame as before it.
"""

ENTRY = 5  # frames that the first layer of an encoder sees
ENCODED = (1, 3, 9, 27)  # dilations
FUSED = (1, 4, 16, 64, 128)
DECODED = (1, 3)
WAITING = {"eeg": 0, "nirs": 1}  # largest dilation of the causal blocks that wait


def waits(modality: str, dilation: int) -> bool:
    """Whether a causal layer of encoder or decoder waits."""
    return dilation <= WAITING[modality]


def delay(modality: str) -> int:
    """Frames by which the causal encoder's latents of a modality come late."""
    entered = ENTRY // 2 if WAITING[modality] else 0
    return entered + sum(d for d in ENCODED if waits(modality, d))


def decoded_late(modality: str) -> int:
    """Frames by which what the causal network decodes of a modality comes late in all."""
    return delay(modality) + sum(d for d in DECODED if waits(modality, d))
