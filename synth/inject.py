"""Inject head motion into both streams of a Recording at once, with exact truth."""

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError
from neurofuse.io.optics import to_intensity, to_optical_density
from neurofuse.io.recording import check, events_dataset, note, stream_dataset, streams, with_stream
from neurofuse.synth.eeg_artifact import eeg_artifact
from neurofuse.synth.movement import SHARE, Movement, draw_movements
from neurofuse.synth.nirs_artifact import nirs_artifact


def inject(
    recording: xr.DataTree, *, seed: int = 0, share: str = "timing", severity: float = 1.0
) -> tuple[xr.DataTree, xr.DataTree]:
    """Disturb a Recording by movements that both streams see.

    EEG artifacts are added in volts; fNIRS artifacts are added in optical density, where they are
    additive, also when the Recording holds intensity. Bad and non-EEG channels stay as they are.

    Parameters
    ----------
    recording : Recording
        Clean recording, simulated or real, with EEG, fNIRS or both.
    seed : int
        Seed of all that is drawn; stored in `attrs["seed"]` of the result.
    share : {"none", "timing", "partial", "full"}
        What the streams share of a movement: nothing, onset and intensity, or also part of its
        waveform (R² 0.2 or 0.8).
    severity : float
        Factor on the artifacts' size; 1 is a typical recording with movement, 0 leaves none.

    Returns
    -------
    truth, contaminated : Recording
        `truth` is the input. `contaminated` holds the movements in `/events` (description
        "motion/<type>") and `motion` (channel, time; bool) in each stream: where EEG samples are
        disturbed, and where fNIRS samples change by movement.

    Raises
    ------
    ParameterError
        For an unknown `share` or a negative `severity`.

    Examples
    --------
    >>> from neurofuse.io import build, eeg_dataset
    >>> rest = build(eeg_dataset(np.zeros((2, 7500)), 250.0, ["C3", "C4"]))
    >>> truth, contaminated = inject(rest, seed=1)
    >>> same = contaminated["eeg"].eeg.values == truth["eeg"].eeg.values
    >>> bool(same[~contaminated["eeg"].motion.values].all()), bool(same.all())
    (True, False)
    """
    check(recording)
    if share not in SHARE:
        raise ParameterError(
            f"share={share!r}", f"one of {', '.join(SHARE)}", "choose one of these"
        )
    if not (np.isfinite(severity) and severity >= 0):
        raise ParameterError(
            f"severity={severity}", "a number of at least 0", "1 is typical motion"
        )
    movement_rng, eeg_rng, nirs_rng = np.random.default_rng(seed).spawn(3)
    present = streams(recording)
    start = min(float(recording[s].time[0]) for s in present)
    length = max(float(recording[s].time[-1]) for s in present) - start
    movements = draw_movements(length, movement_rng, share)
    for _ in range(100):  # short stretches often hold no movement, and whoever injects wants some
        if all(movements[s] for s in present):
            break
        movements = draw_movements(length, movement_rng, share)
    contaminated = recording
    if "eeg" in present:
        contaminated = _disturb_eeg(contaminated, movements["eeg"], start, severity, eeg_rng)
    if "nirs" in present:
        contaminated = _disturb_nirs(contaminated, movements["nirs"], start, severity, nirs_rng)
    contaminated = _with_events(contaminated, movements, start)
    contaminated = note(contaminated, "inject", seed=seed, share=share, severity=severity)
    contaminated.attrs["seed"] = seed
    return recording, contaminated


def _disturb_eeg(recording, movements, start, severity, rng) -> xr.DataTree:
    node = stream_dataset(recording, "eeg")
    artifact, mask = eeg_artifact(movements, node.time.values - start, node.position.values, rng)
    treated = ((node.ch_type == "eeg") & ~node.bad).values[:, None]
    artifact, mask = severity * artifact * treated, mask & treated & (severity > 0)
    eeg = node.eeg.copy(data=np.where(mask, node.eeg.values + artifact, node.eeg.values))
    return with_stream(recording, "eeg", node.assign(eeg=eeg, motion=(("channel", "time"), mask)))


def _disturb_nirs(recording, movements, start, severity, rng) -> xr.DataTree:
    density = to_optical_density(recording)
    node = stream_dataset(density, "nirs")
    artifact, mask = nirs_artifact(
        movements,
        node.time.values - start,
        node.source.values,
        node.detector.values,
        node.sizes["wavelength"],
        rng,
    )
    treated = ~node.bad.values
    artifact = severity * artifact * treated[:, None, None]
    mask = mask & treated[:, None] & (severity > 0)
    node = node.assign(od=node.od + artifact, motion=(("channel", "time"), mask))
    density = with_stream(density, "nirs", node)
    if "intensity" not in recording["nirs"].data_vars:
        return density
    disturbed = stream_dataset(to_intensity(density), "nirs")
    # untouched channels keep their very samples: going through the logarithm rounds
    moved = (artifact != 0).any(axis=(1, 2))[:, None, None]
    before = recording["nirs"].intensity
    intensity = before.copy(data=np.where(moved, disturbed.intensity.values, before.values))
    return with_stream(
        recording,
        "nirs",
        stream_dataset(recording, "nirs").assign(intensity=intensity, motion=node.motion),
    )


def _with_events(
    recording: xr.DataTree, movements: dict[str, list[Movement]], start: float
) -> xr.DataTree:
    events = recording["events"].to_dataset()
    names = ("onset", "duration", "description", "channel", "stream")
    rows = list(zip(*(events[n].values for n in names), strict=True))
    rows = [(float(o), float(d), str(k), str(c), str(s)) for o, d, k, c, s in rows]
    rows += [
        (start + m.onset, m.duration, f"motion/{m.type}", "", stream)
        for stream in streams(recording)
        for m in movements[stream]
    ]
    return with_stream(recording, "events", events_dataset(rows))
