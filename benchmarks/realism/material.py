"""Real motion, and motion injected into clean recordings of the same participants.

fNIRS: Homer3 Example4_twNI. Its quiet stretches, joined end to end, are the clean base, so that
device, participants and optodes are the same on both sides. EEG: Porr's two electrodes; the base is
the same participant lying relaxed. One detector, that of `motion_statistics.md`, sees both.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import xarray as xr
from scipy import signal

from benchmarks.common.paths import recordings_folder
from neurofuse.io import build, mark_bad, nirs_dataset, read, stream_dataset, to_optical_density
from neurofuse.models.training.corpus import CONTACT
from neurofuse.synth import inject

TWNI = "fnirs_motion/homer3_twni"  # snirf_samples/neuro_run01 is s1_neuro_run01 again: left out
TASKS = {
    "movehead": ("nod", "shake", "tilt"),
    "movehat": ("touch",),
    "jaw": ("jaw",),
    "eyescrunching": ("face",),
    "raisingeyebrows": ("face",),
}
SUBJECTS = range(6)
EEG_RATE = 250.0  # Hz, for features
CUT = 5.0  # s at the start of Porr's files: the filter settles
WINDOW = 0.5  # s, peak to peak of optical density
FLOOR = 0.03  # OD
FIRM, LOOSE = 8.0, 4.0  # robust SD: where an event is, and how far it reaches
BURST, BURST_END = 4.0, 2.0  # times the median 0.2 s RMS of rest
SHORTEST = 6.0  # s of a quiet stretch worth joining
MARGIN = 0.5  # s left out beside a movement


@dataclass(frozen=True)
class Sample:
    """One recording as the classifier sees it."""

    name: str
    subject: str
    rate: float  # Hz
    signal: np.ndarray  # fNIRS (channel, wavelength, time) OD; EEG (channel, time) V, 0.5-45 Hz
    firing: np.ndarray  # (channel, time) bool: size inside the detector's short window is exceeded
    refused: np.ndarray  # (channel, time) bool: joins, and what the base held already
    related: np.ndarray  # (channel, channel) bool: share an optode
    broad: np.ndarray = field(default_factory=lambda: np.zeros(0))  # EEG from 0.5 Hz up
    kind: str = ""


def peak_to_peak(od: np.ndarray, rate: float) -> np.ndarray:
    """Peak to peak (..., time) within the 0.5 s that begin at each sample."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    count = round(WINDOW * rate)
    shift = -(count // 2)  # filters are centred
    sizes = maximum_filter1d(od, count, axis=-1, origin=shift) - minimum_filter1d(
        od, count, axis=-1, origin=shift
    )
    return sizes


def limits(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Firm and loose threshold (..., 1) of sliding sizes (..., time)."""
    middle = np.median(sizes, -1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(sizes - middle), -1, keepdims=True)
    firm = np.maximum(middle + FIRM * spread, FLOOR)
    return firm, np.minimum(np.maximum(middle + LOOSE * spread, FLOOR / 2), firm)


def hysteresis(value: np.ndarray, firm: np.ndarray, loose: np.ndarray) -> np.ndarray:
    """Where (row, time) a value is above `loose` in a piece that somewhere is above `firm`."""
    mask = np.zeros(value.shape, bool)
    for row, (high, low) in enumerate(zip(value > firm, value > loose, strict=True)):
        pieces = _labelled(low)
        mask[row] = np.isin(pieces, np.unique(pieces[high & low])[:]) & low
    return mask


def _labelled(mask: np.ndarray) -> np.ndarray:
    """Numbers (time,) of a mask's pieces, 0 outside."""
    from scipy.ndimage import label

    return np.asarray(label(mask)[0])  # pyright: ignore[reportIndexIssue]


def widened(mask: np.ndarray, samples: int) -> np.ndarray:
    """A mask (..., time) that also holds so many samples on either side."""
    from scipy.ndimage import maximum_filter1d

    return maximum_filter1d(mask.astype(np.uint8), 2 * samples + 1, axis=-1).astype(bool)


def in_motion(od: np.ndarray, rate: float) -> np.ndarray:
    """Events (channel, time) of optical density (channel, wavelength, time), any wavelength."""
    sizes = peak_to_peak(od, rate)
    firm, loose = limits(sizes)
    flat = sizes.reshape(-1, sizes.shape[-1])
    events = hysteresis(flat, firm.reshape(-1, 1), loose.reshape(-1, 1))
    events = widened(np.asarray(events.reshape(sizes.shape).any(1)), 0)
    count = round(WINDOW * rate)
    late = events.copy()  # a size belongs to the half second that follows its sample
    for k in range(1, count):
        late[:, k:] |= events[:, :-k]
    return late


@cache
def real_nirs() -> tuple[tuple[str, xr.Dataset], ...]:
    """Name and optical density of twNI's runs, with unusable channels left out."""
    results = []
    for path in sorted((recordings_folder() / TWNI).glob("*.snirf")):
        recording = mark_bad(read(path))
        node = stream_dataset(recording, "nirs")
        lost = (node.intensity.values <= 0).mean(-1).max(-1) > 0.01
        keep = ~node.bad.values & ~lost
        node = node.isel(channel=keep)
        light = node.intensity.values.astype(float)
        good = np.where(light > 0, light, np.nan)
        for row in good.reshape(-1, good.shape[-1]):
            hole = np.isnan(row)
            row[hole] = np.interp(np.flatnonzero(hole), np.flatnonzero(~hole), row[~hole])
        od = -np.log(good / np.median(good, -1, keepdims=True))
        trim = round(node.attrs["rate"])
        made = _nirs(node, od[..., trim:-trim])
        results.append((path.stem, made))
    return tuple(results)


def _nirs(node: xr.Dataset, od: np.ndarray, rate: float | None = None) -> xr.Dataset:
    return nirs_dataset(
        od,
        rate or node.attrs["rate"],
        node.wavelength.values,
        node.source.values,
        node.detector.values,
        variable="od",
        source_position=node.source_position.values,
        detector_position=node.detector_position.values,
    )


def quiet_base(node: xr.Dataset) -> tuple[xr.Dataset, np.ndarray]:
    """Quiet stretches of a run joined end to end, and where (sample) they were joined.

    A stretch begins at the baseline level where the last one ended; the windows leave out the join
    and what remains of a step between slopes.
    """
    rate, od = node.attrs["rate"], node.od.values
    busy = widened(np.asarray(in_motion(od, rate).any(0)), round(MARGIN * rate))
    pieces = _labelled(~busy)
    half = round(0.25 * rate)
    parts, joins, baseline = [], [], None
    for number in range(1, pieces.max() + 1):
        index = np.flatnonzero(pieces == number)
        if len(index) < SHORTEST * rate:
            continue
        part = od[..., index]
        if baseline is not None:
            part = part - part[..., :half].mean(-1, keepdims=True) + baseline
            joins.append(sum(p.shape[-1] for p in parts))
        baseline = part[..., -half:].mean(-1, keepdims=True)
        parts.append(part)
    return _nirs(node, np.concatenate(parts, -1)), np.array(joins, int)


def related(node: xr.Dataset) -> np.ndarray:
    """Pairs (channel, channel) of channels that share an optode."""
    source, detector = node.source.values, node.detector.values
    same = (source[:, None] == source) | (detector[:, None] == detector)
    return same & ~np.eye(len(source), dtype=bool)


def injected(recording: xr.DataTree, seed: int, types: tuple[str, ...] | None = None):
    """`inject` with the settings of a user who sets nothing, but for the kind of movement."""
    return inject(recording, seed=seed, types=types)[1]


def firing_nirs(od: np.ndarray, rate: float, firm: np.ndarray) -> np.ndarray:
    """Where (channel, time) the 0.5 s from here on exceed a threshold (channel, wavelength, 1)."""
    return np.asarray((peak_to_peak(od, rate) > firm).any(1))


def nirs_same_device(seeds: int) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """Real runs, injected bases and bare bases of twNI, with one threshold a run and channel."""
    real, made, bare = [], [], []
    for number, (name, node) in enumerate(real_nirs()):
        rate, od, kin = node.attrs["rate"], node.od.values, related(node)
        firm, _ = limits(peak_to_peak(od, rate))
        subject = name[:2]
        none = np.zeros(od[:, 0].shape, bool)
        real.append(Sample(name, subject, rate, od, firing_nirs(od, rate, firm), none, kin))
        base, joins = quiet_base(node)
        refused = np.zeros(base.od.values[:, 0].shape, bool)
        refused[:, joins] = True
        refused[:, np.maximum(joins - 1, 0)] = True
        quiet = base.od.values
        bare.append(
            Sample(name, subject, rate, quiet, firing_nirs(quiet, rate, firm), refused, kin)
        )
        for seed in range(seeds):
            contaminated = injected(build(nirs=base), 100 * number + seed)["nirs"].od.values
            fires = firing_nirs(contaminated, rate, firm)
            made.append(Sample(f"{name}+{seed}", subject, rate, contaminated, fires, refused, kin))
    return real, made, bare


def clean_nirs() -> Iterator[tuple[str, str, xr.Dataset]]:
    """Name, participant and optical density of clean recordings of other devices."""
    for pattern in ("fnirs_clean/finemi/*.snirf", "fnirs_clean/homer3_fingertapping/*.snirf"):
        for path in sorted(recordings_folder().glob(pattern)):
            from neurofuse.io import channel_quality

            recording = mark_bad(read(path))
            node = stream_dataset(to_optical_density(recording), "nirs")
            weak = channel_quality(recording, "nirs").sci.values < CONTACT
            keep = ~node.bad.values & ~weak & (node.distance.values > 0.015)
            if keep.sum() >= 4:
                group = path.parent.name + path.name[:6]
                yield path.stem, group, node.isel(channel=keep)


def slowed(od: np.ndarray, rate: float, target: float) -> np.ndarray:
    """Samples (..., time) at a lower rate, without what that rate cannot hold."""
    low = signal.butter(6, 0.45 * target, fs=rate, output="sos")
    smooth = signal.sosfiltfilt(low, od, axis=-1)
    time = np.arange(0, (od.shape[-1] - 1) / rate, 1 / target)
    from scipy.interpolate import make_interp_spline

    return (
        make_interp_spline(np.arange(od.shape[-1]) / rate, smooth, k=3, axis=-1)(time)
        if od.ndim == 1
        else np.moveaxis(
            make_interp_spline(np.arange(od.shape[-1]) / rate, np.moveaxis(smooth, -1, 0), k=3)(
                time
            ),
            0,
            -1,
        )
    )


def nirs_other_device(
    seeds: int, rate: float = 5.0
) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """Real runs of twNI, clean recordings of other devices with motion, and these bare."""
    real, made, bare = [], [], []
    for name, node in real_nirs():
        od, kin = slowed(node.od.values, node.attrs["rate"], rate), related(node)
        firm, _ = limits(peak_to_peak(od, rate))
        firm = np.maximum(firm, 0.1)  # noise of the other devices is higher
        fires = firing_nirs(od, rate, firm)
        real.append(Sample(name, name[:2], rate, od, fires, np.zeros(fires.shape, bool), kin))
    for number, (name, subject, node) in enumerate(clean_nirs()):
        if "homer3" in subject or number % 2 == 0:  # half of FineMI is enough, and quicker
            kin = related(node)
            quiet = slowed(node.od.values, node.attrs["rate"], rate)
            firm = np.maximum(limits(peak_to_peak(quiet, rate))[0], 0.1)
            fires = firing_nirs(quiet, rate, firm)
            refused = widened(fires, round(rate))
            bare.append(Sample(name, subject, rate, quiet, fires, refused, kin))
            for seed in range(seeds):
                contaminated = injected(
                    build(nirs=node.drop_vars("kept", errors="ignore")), 5000 + 100 * number + seed
                )
                od = slowed(contaminated["nirs"].od.values, node.attrs["rate"], rate)
                fires = firing_nirs(od, rate, firm)
                made.append(Sample(f"{name}+{seed}", subject, rate, od, fires, refused, kin))
    return real, made, bare


@cache
def porr(subject: int, task: str) -> xr.DataTree:
    """A recording of Porr's without its first 5 s."""
    path = recordings_folder() / "eeg_motion" / "porr" / f"sub-{subject:02d}_task-{task}_eeg.vhdr"
    recording = read(path)
    node = stream_dataset(recording, "eeg")
    node = node.isel(time=slice(round(CUT * node.attrs["rate"]), None))
    return build(node.assign_coords(time=np.arange(node.sizes["time"]) / node.attrs["rate"]))


def filtered(recording: xr.DataTree) -> tuple[np.ndarray, np.ndarray]:
    """EEG (channel, time) at 250 Hz in 0.5-45 Hz, and from 0.5 Hz up."""
    node = stream_dataset(recording, "eeg")
    values = np.asarray(node.eeg.values, float)
    step = round(node.attrs["rate"] / EEG_RATE)
    high = signal.butter(2, 0.5, "highpass", fs=EEG_RATE, output="sos")
    low = signal.butter(4, 45.0, fs=EEG_RATE, output="sos")
    broad = signal.resample_poly(values - values[:, :1], 1, step, axis=-1)
    broad = signal.sosfiltfilt(high, broad, axis=-1)
    return signal.sosfiltfilt(low, broad, axis=-1), broad


def loudness(slow: np.ndarray) -> np.ndarray:
    """RMS (channel, time) of the 0.2 s that begin at each sample."""
    count = round(0.2 * EEG_RATE)
    total = np.cumsum(np.pad(slow**2, ((0, 0), (1, 0))), -1)
    course = np.sqrt(np.maximum(total[:, count:] - total[:, :-count], 0) / count)
    return np.pad(course, ((0, 0), (0, count - 1)), mode="edge")


@cache
def rest_rms(subject: int) -> np.ndarray:
    """Median 0.2 s RMS (channel, 1) [V] of a participant lying relaxed."""
    slow, _ = filtered(porr(subject, "relaxinglieing"))
    return np.median(loudness(slow), -1, keepdims=True)


def eeg_sample(
    recording: xr.DataTree, subject: int, name: str, kind: str, refused: np.ndarray | None = None
) -> Sample:
    slow, broad = filtered(recording)
    fires = loudness(slow) > BURST * rest_rms(subject)
    kin = np.zeros((len(slow), len(slow)), bool)
    refused = np.zeros(fires.shape, bool) if refused is None else refused
    return Sample(name, f"sub-{subject}", EEG_RATE, slow, fires, refused, kin, broad, kind)


def eeg_material(seeds: int) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """Real tasks, relaxing with motion injected, and relaxing bare.

    Bursts of the participant lying relaxed are left out of all windows, since they are real.
    """
    real, made, bare = [], [], []
    for subject in SUBJECTS:
        base = porr(subject, "relaxinglieing")
        slow, _ = filtered(base)
        rms = loudness(slow)
        burst = hysteresis(rms, BURST * rest_rms(subject), BURST_END * rest_rms(subject))
        refused = widened(burst, round(MARGIN * EEG_RATE)).any(0) & np.ones((len(slow), 1), bool)
        bare.append(eeg_sample(base, subject, f"sub-{subject}", "rest", refused))
        for number, (task, types) in enumerate(TASKS.items()):
            kind = "face" if types == ("face",) else task
            real.append(eeg_sample(porr(subject, task), subject, f"sub-{subject} {task}", kind))
            for seed in range(seeds):
                contaminated = injected(base, 10000 * number + 100 * subject + seed, types)
                name = f"sub-{subject} {task}+{seed}"
                made.append(eeg_sample(contaminated, subject, name, kind, refused))
    return real, made, bare
