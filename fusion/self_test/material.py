"""What a self-test is made of: quiet stretches, movements, and what these added to the samples."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurofuse.fusion.self_test.own_movements import own_artifact
from neurofuse.fusion.self_test.window import samples, used_channels
from neurofuse.io.modality import MODALITIES
from neurofuse.io.quality.calm import calm, widened
from neurofuse.io.quality.lost import lost_samples
from neurofuse.io.recording import GATE_OPEN, stream_dataset
from neurofuse.io.runs import runs

QUIET_ENOUGH = 10.0  # s of quiet per used channel, on average
MOVING_ENOUGH = 0.5  # s of movement per used channel, on average
ENOUGH = 3  # movements; what happens to fewer says little of others
PAUSE = 0.5  # s without motion in any channel between two movements


@dataclass(frozen=True)
class Material:
    """One modality of the part that is tested.

    Attributes
    ----------
    stream : {"eeg", "nirs"}
    rate : float
        [Hz].
    recorded, repaired : array (channel, time) or (channel, wavelength, time)
        EEG [V] or optical density, as recorded and with its movements repaired.
    used : bool array (channel,)
    quiet, moving, lost : bool array (channel, time)
    artifact : array
        What movements added, of fNIRS from sample to sample.
    """

    stream: str
    rate: float
    recorded: np.ndarray
    repaired: np.ndarray
    used: np.ndarray
    quiet: np.ndarray
    moving: np.ndarray
    lost: np.ndarray
    artifact: np.ndarray

    @property
    def moving_share(self) -> float:
        """Of the time of used channels in which they move."""
        return float(self.moving[self.used].mean()) if self.used.any() else 0.0

    @property
    def quiet_share(self) -> float:
        """Of the time of used channels in which they are quiet."""
        return float(self.quiet[self.used].mean()) if self.used.any() else 0.0

    @property
    def lost_share(self) -> float:
        """Of the time of used channels in which they measure nothing of the participant."""
        return float(self.lost[self.used].mean()) if self.used.any() else 0.0

    @property
    def count(self) -> int:
        """How many movements there are."""
        anywhere = np.asarray(self.moving.any(0))[None]
        return len(runs(widened(anywhere, round(PAUSE * self.rate / 2))[0]))

    @property
    def lacking(self) -> str:
        """What is missing for a test, in words; "" if nothing is."""
        length = self.quiet.shape[-1] / self.rate
        name = MODALITIES[self.stream].display
        if not self.used.any():
            return f"{name}: no channel without gaps"
        if self.quiet_share * length < QUIET_ENOUGH:
            seconds = self.quiet_share * length
            return (
                f"{name}: no quiet stretch to test in ({seconds:.1f} s of quiet per channel within "
                f"{length:.0f} s, at least {QUIET_ENOUGH:g} s are needed)"
            )
        if self.moving_share * length < MOVING_ENOUGH or not self.artifact[self.used].any():
            return f"{name}: no movement was found that could be moved into quiet stretches"
        if self.count < ENOUGH:
            return (
                f"{name}: too few movements to test with ({self.count} within {length:.0f} s, at "
                f"least {ENOUGH} are needed)"
            )
        return ""


def material(recording: xr.DataTree, cleaned: xr.DataTree, stream: str) -> Material:
    """Movements and quiet stretches of a modality.

    A channel is quiet where it looks calm and its motion mask is 0, and moves where the mask is
    above 0.5; what is lost is neither.

    Parameters
    ----------
    recording, cleaned : Recording
        The part that is tested, fNIRS as optical density, and what a learned method made of it.
    stream : {"eeg", "nirs"}
    """
    node, after = (stream_dataset(one, stream) for one in (recording, cleaned))
    rate = float(node.attrs["rate"])
    signal, repaired = samples(node, stream), samples(after, stream)
    finite = np.isfinite(signal) & np.isfinite(repaired)
    used = used_channels(node, stream) & used_channels(after, stream)
    used &= finite.reshape(len(finite), -1).all(-1)
    gate = after.gate.transpose("channel", "time").values
    lost = lost_samples(node, stream)
    measured = used[:, None] & ~lost
    quiet = calm(signal, rate, stream) & (gate == 0) & measured
    moving = (gate > GATE_OPEN) & measured
    artifact = own_artifact(signal, rate, stream, moving, quiet)
    return Material(stream, rate, signal, repaired, used, quiet, moving, lost, artifact)
