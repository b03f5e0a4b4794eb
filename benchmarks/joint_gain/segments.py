"""Energies of truth, artifact and error in every segment of motion and every channel.

A segment is a connected stretch in which any channel of the modality is in motion; for fNIRS
widened by 2 s, as in `neurofuse.fusion.metrics.errors`. In it a channel's samples count where that
channel itself is in motion (widened alike), so that zeros have 0 dB everywhere and channels at rest
do not flatter a motion mask. Samples that are called lost can be left out, of every method alike.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import binary_dilation, uniform_filter1d
from scipy.signal import butter, sosfiltfilt

from neurofuse.fusion.metrics.modality_errors import NIRS_GUARD
from neurofuse.fusion.signal.bands import NIRS_ERROR, bandpass
from neurofuse.io import stream_dataset, to_optical_density
from neurofuse.io.runs import runs

SLOW = 5.0  # Hz; EEG below it is what motion of the head and fNIRS share
VIEWS = {"eeg": ("whole", "slow"), "nirs": ("band", "unfiltered")}  # the first one makes strata
NOTICEABLE = 0.2  # artifact energy over a channel's mean clean energy
NEAR = 0.5  # s over which the artifact's energy is averaged for that
THRESHOLDS = (0.02, *(round(0.05 * k, 2) for k in range(1, 20)), 0.98, 0.999)


@dataclass(frozen=True)
class Material:
    """One modality of a contaminated recording as arrays, and where it is in motion."""

    stream: str
    rate: float  # Hz
    channel: np.ndarray  # names of the channels that count
    truth: np.ndarray  # (row, time) V or OD; a row is a channel, for fNIRS times a wavelength
    contaminated: np.ndarray  # (row, time)
    motion: np.ndarray  # (channel, time) bool
    segment: list[tuple[int, int]]  # first sample and the one after the last
    lost: np.ndarray  # (channel, time) bool, what is left out of the error of every method

    @property
    def waves(self) -> int:
        """Rows of a channel."""
        return len(self.truth) // max(len(self.channel), 1)

    @property
    def near(self) -> np.ndarray:
        """Where (channel, time) a channel is in motion, for fNIRS with 2 s around it."""
        return widened(self.motion, self.stream, self.rate)


def material(
    truth: xr.DataTree, contaminated: xr.DataTree, stream: str, lost: xr.DataArray | None = None
) -> Material:
    """What is scored of one modality: usable channels whose samples are all finite.

    `lost` (channel, time) says which samples are left out; none by default.
    """
    node = stream_dataset(contaminated, stream)
    used = ~node.bad.values
    if stream == "eeg":
        used &= node.ch_type.values == "eeg"
    names = node.channel.values[used]
    arrays = [samples(r, stream, names) for r in (truth, contaminated)]
    waves = len(arrays[0]) // max(len(names), 1)
    finite = np.isfinite(np.concatenate(arrays, axis=-1)).all(-1).reshape(-1, waves).all(-1)
    motion = node.motion.sel(channel=names).values.astype(bool)[finite]
    rate = float(node.attrs["rate"])
    out = np.zeros(motion.shape, bool)
    if lost is not None:
        out = lost.sel(channel=names).transpose("channel", "time").values[finite]
    still, moved = (values[np.repeat(finite, waves)] for values in arrays)
    segment = runs(widened(motion.any(0), stream, rate))
    return Material(stream, rate, names[finite], still, moved, motion, segment, out)


def samples(recording: xr.DataTree, stream: str, names: np.ndarray) -> np.ndarray:
    """Samples (row, time) of named channels in V or optical density."""
    if stream == "eeg":
        values = stream_dataset(recording, "eeg").eeg.sel(channel=names).values
    else:
        node = stream_dataset(to_optical_density(recording), "nirs")
        values = node.od.sel(channel=names).values
    return np.asarray(values, float).reshape(-1, values.shape[-1])


def widened(mask: np.ndarray, stream: str, rate: float) -> np.ndarray:
    """A mask (…, time), for fNIRS with 2 s around it."""
    if stream == "eeg" or not mask.any():
        return mask
    reach = 2 * round(NIRS_GUARD * rate) + 1
    return binary_dilation(mask, np.ones((1,) * (mask.ndim - 1) + (reach,), bool))


def views(rows: np.ndarray, stream: str, rate: float) -> dict[str, np.ndarray]:
    """Rows (row, time) without constants in the bands that are scored, all zero-phase."""
    # by their medians, so that what one long movement leaves does not count in all others
    centred = rows - np.median(rows, axis=-1, keepdims=True)
    if stream == "nirs":
        return {"band": bandpass(centred, rate, *NIRS_ERROR), "unfiltered": centred}
    sections = butter(4, SLOW, "lowpass", fs=rate, output="sos")
    slow = sosfiltfilt(sections, centred, axis=-1, padlen=min(int(2 * rate), rows.shape[-1] - 1))
    return {"whole": centred, "slow": slow}


def energies(
    rows: np.ndarray, data: Material, *, everything: bool = False
) -> dict[str, list[list[float]]]:
    """Energy (segment, channel) of rows (row, time) in each view, in a channel's own motion.

    Without what is lost, or of everything.
    """
    counted = data.near if everything else data.near & ~data.lost
    near = np.repeat(counted, data.waves, axis=0)
    result = {}
    for view, values in views(rows, data.stream, data.rate).items():
        energy = values**2 * near
        per = [energy[:, a:b].sum(-1).reshape(-1, data.waves).sum(-1) for a, b in data.segment]
        result[view] = [[float(f"{v:.5g}") for v in row] for row in per]
    return result


def beside(change: np.ndarray, data: Material) -> tuple[float, float]:
    """Energy of the change to channels at rest while others are in motion, and of the truth there.

    For fNIRS of sample-to-sample changes: a corrected shift changes the baseline level of what
    follows.
    """
    truth = data.truth - data.truth.mean(-1, keepdims=True)
    if data.stream == "eeg":
        change = change - np.median(change, axis=-1, keepdims=True)
    else:
        change, truth = (np.diff(x, prepend=x[:, :1]) for x in (change, data.truth))
    own = data.near
    rest = np.repeat(own.any(0) & ~own & ~data.lost, data.waves, axis=0)
    return float((change**2 * rest).sum()), float((truth**2 * rest).sum())


def noticeable(data: Material) -> np.ndarray:
    """Where (channel, time) an artifact is large enough to be worth finding.

    Its energy within 0.5 s exceeds a fifth of the channel's mean clean energy; for fNIRS of
    sample-to-sample changes, since a shift changes the baseline level for good.
    """
    truth = data.truth - data.truth.mean(-1, keepdims=True)
    artifact = data.contaminated - data.truth
    if data.stream == "nirs":
        truth, artifact = (np.diff(x, prepend=x[:, :1]) for x in (truth, artifact))
    size = max(round(NEAR * data.rate), 1)
    shape = (len(data.channel), data.waves, -1)
    local = uniform_filter1d(artifact**2, size, axis=-1).reshape(shape).sum(1)
    usual = (truth**2).reshape(shape).sum(1).mean(-1, keepdims=True)
    return data.motion & (local > NOTICEABLE * usual)


def gate_mistakes(gate: np.ndarray, data: Material) -> dict[str, Any]:
    """Channel-seconds that a motion mask (channel, time) misses or reports for nothing.

    Motion too small to notice and what is lost count neither way. `missed` and `false` (threshold,
    segment) are inside segments, `false_outside` (threshold,) between them; `seconds` (segment,)
    and `seconds_outside` are what was judged.
    """
    target = noticeable(data) & ~data.lost
    wrong = ~data.motion & ~data.lost
    judged = target | wrong
    count = len(data.segment)
    at = np.full(data.motion.shape[1], count)
    for number, (first, last) in enumerate(data.segment):
        at[first:last] = number

    def per(mask: np.ndarray) -> np.ndarray:
        """Channel-seconds by segment, those outside last."""
        return np.bincount(at, mask.sum(0), minlength=count + 1) / data.rate

    missed = [per(target & (gate < t)) for t in THRESHOLDS]
    false = [per(wrong & (gate >= t)) for t in THRESHOLDS]
    seconds = per(judged)
    return {
        "missed": [m[:-1].round(4).tolist() for m in missed],
        "false": [f[:-1].round(4).tolist() for f in false],
        "false_outside": [round(float(f[-1]), 4) for f in false],
        "seconds": seconds[:-1].round(4).tolist(),
        "seconds_outside": round(float(seconds[-1]), 4),
    }
