"""fNIRS of people who sat still, at its own rate and at lower ones, before and after cleaning."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.interpolate import CubicSpline
from scipy.signal import butter, sosfiltfilt

from benchmarks.common.calm import LOUD, all_calm, longest, loudness
from benchmarks.common.evaluation import Case
from benchmarks.common.pulse import pulse_left
from benchmarks.still.change import change_in_decibels, spread
from neurofuse.fusion.signal.bands import bandpass
from neurofuse.io import build, mark_bad, read, stream_dataset, to_optical_density
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.quality.channels import channel_quality
from neurofuse.io.recording import GATE_OPEN
from neurofuse.models.training.corpus import CONTACT
from neurofuse.models.training.split import subject_files

SLOW = (0.01, 0.1)  # Hz: responses of haemoglobin and Mayer waves
SHORTEST, LONGEST = 50.0, 300.0  # s of a calm stretch
RATES = (10.0, 5.0, 3.9, 2.0, 1.0)  # Hz, to which good recordings are resampled
FASTEST_SLOW = 3.0  # Hz; recordings at lower rates are not resampled, no pulse shows their contact
OWN_RATE = 0.99  # of a recording's rate, above which it is not resampled
PASSED = 0.8  # of the new Nyquist frequency passes the filter before resampling
NATIVE, RESAMPLED = "native", "resampled"
IN_MOTION = "task-convo"  # recordings of still people that are of a moving task


def cases(part: str) -> Iterator[Case]:
    """The longest calm stretch of every still recording of a part, at every rate."""
    for kind in ("nirs_still", "nirs"):
        for participant, files in subject_files(part, kind).items():
            for path in files:
                node = None if IN_MOTION in path.name else calm_part(path)
                if node is None:
                    continue
                own, who = float(node.attrs["rate"]), ("nirs", participant, path.parent.name)
                yield Case(*who, own, NATIVE, path.stem, build(nirs=node))
                for rate in RATES if own > FASTEST_SLOW else ():
                    if rate < OWN_RATE * own:
                        lower = build(nirs=resampled(node, rate))
                        yield Case(*who, rate, RESAMPLED, path.stem, lower)


def calm_part(path: Path) -> xr.Dataset | None:
    """The longest calm stretch of a file with its coupled channels; None if there is none of 50 s.

    Channels that are loud anywhere in the stretch are left out: what they hold is not rest.
    """
    try:
        recording = mark_bad(read(path))
    except NeurofuseError:
        return None
    node = coupled(recording)
    if not node.sizes["channel"]:
        return None
    rate, density = float(node.attrs["rate"]), rows_of(node)
    stretch = longest(all_calm(density, rate, "nirs"))
    stretch = slice(stretch.start, min(stretch.stop, stretch.start + round(LONGEST * rate)))
    if stretch.stop - stretch.start < SHORTEST * rate:
        return None
    loud = (loudness(density, rate, "nirs")[:, stretch] > LOUD["nirs"]).any(-1)
    loud = loud.reshape(node.sizes["channel"], -1).any(-1)
    node = node.isel(channel=~loud, time=stretch)
    return node.assign_coords(time=np.arange(node.sizes["time"]) / rate)


def coupled(recording: xr.DataTree) -> xr.Dataset:
    """The fNIRS of a Recording without bad channels and those of weak contact."""
    node = stream_dataset(recording, "nirs")
    weak = channel_quality(recording, "nirs").sci.values < CONTACT
    return node.isel(channel=~(node.bad.values | weak))


def rows_of(node: xr.Dataset) -> np.ndarray:
    """Optical density (channel and wavelength, time) of an `/nirs` node."""
    density = stream_dataset(to_optical_density(build(nirs=node)), "nirs").od
    return density.transpose("channel", "wavelength", "time").values.reshape(-1, node.sizes["time"])


def resampled(node: xr.Dataset, rate: float) -> xr.Dataset:
    """An `/nirs` node at a lower rate [Hz], with a zero-phase filter against aliasing."""
    name = "od" if "od" in node else "intensity"
    own = float(node.attrs["rate"])
    sections = butter(8, PASSED * rate / 2, fs=own, output="sos")
    samples = node[name].transpose("channel", "wavelength", "time").values
    level = samples.mean(-1, keepdims=True)
    smooth = sosfiltfilt(sections, samples - level) + level
    old = np.arange(samples.shape[-1]) / own
    new = np.arange(int(old[-1] * rate) + 1) / rate
    dims = ("channel", "wavelength", "time")
    fewer = node.drop_vars([name, "time"]).assign(
        {name: (dims, CubicSpline(old, smooth, axis=-1)(new), node[name].attrs)}
    )
    return fewer.assign_coords(time=new).assign_attrs(rate=rate)


def figures(case: Case, cleaned: xr.DataTree) -> dict[str, float]:
    """What cleaning did to a still recording.

    - `change`, `worst` [dB]: energy of the change in 0.01-0.1 Hz over the signal's there, median
      and worst tenth of channels and wavelengths;
    - `gain`, `gain_low` [1]: slow waves that are left, the projection of output on input in
      0.01-0.1 Hz, median and lowest tenth;
    - `pulse` [1]: power at the pulse's line that is left, median; NaN below 3.6 Hz;
    - `open` [1]: share of channel-time with an open motion mask; NaN without a mask.
    """
    rate = case.rate
    after_node = stream_dataset(cleaned, "nirs")
    before, after = rows_of(stream_dataset(case.recording, "nirs")), rows_of(after_node)
    slow, moved = bandpass(before, rate, *SLOW), bandpass(after - before, rate, *SLOW)
    energy = (slow**2).sum(-1)
    change = change_in_decibels((moved**2).sum(-1), energy)
    gain = 1 + (moved * slow).sum(-1) / energy
    gate = after_node.gate.values > GATE_OPEN if "gate" in after_node else None
    return {
        **spread(change),
        "gain": float(np.median(gain)),
        "gain_low": float(np.quantile(gain, 0.1)),
        "pulse": pulse_left(before, after, rate),
        "open": np.nan if gate is None else float(gate.mean()),
    }
