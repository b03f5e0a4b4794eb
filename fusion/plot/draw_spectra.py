"""Power spectra of a stream before and after, of the parts with and without movement."""

import numpy as np

from neurofuse.fusion.signal.bands import spectrum, windows
from neurofuse.fusion.views.before_after import View

SEGMENT = {"eeg": 2.0, "nirs": 20.0}  # s: 0.5 Hz and 0.05 Hz between lines
HIGHEST = {"eeg": 45.0, "nirs": np.inf}  # Hz
CHANNELS = 64  # spread evenly over the montage: enough for a median, quick for 300


def spectra(view: View) -> dict | None:
    """Welch spectra: median over channels of the mean over half-overlapping Hann segments.

    A segment counts as "with movement" for a channel if any of its samples moves there, else as
    "without movement"; segments with missing samples are left out.

    Returns
    -------
    dict or None
        `frequency` [Hz], `parts` (part -> which -> power [µV²/Hz or OD²/Hz]), `seconds` a
        segment, `channels` used, `unit`, `name`; None if no segment is whole.

    Examples
    --------
    >>> from neurofuse.fusion.views.before_after import views
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> t = np.arange(2500) / 250
    >>> recording = build(eeg_dataset(1e-5 * np.sin(2 * np.pi * 10 * t)[None], 250.0, ["Oz"]))
    >>> found = spectra(views(recording)[0])
    >>> power = found["parts"]["whole recording"]["recorded"]
    >>> float(found["frequency"][power.argmax()])
    10.0
    """
    seconds = SEGMENT[view.stream]
    length = int(min(round(seconds * view.rate), len(view.time)))
    channels = np.flatnonzero(view.used)
    if length < 8 or not channels.size:
        return None
    channels = channels[np.unique(np.linspace(0, len(channels) - 1, CHANNELS).astype(int))]
    which = ["before", "after"] if view.treated else ["recorded"]
    which += ["truth"] if view.truth is not None else []
    frequency = np.fft.rfftfreq(length, 1 / view.rate)
    keep = (frequency > 0) & (frequency <= HIGHEST[view.stream])
    factor = 1e12 if view.stream == "eeg" else 1.0
    moving = view.moving
    gathered: dict[str, dict[str, list]] = {}
    for index in channels:
        moves = None if moving is None else windows(moving[index], view.rate, seconds).any(-1)
        for name in which:
            values = getattr(view, "before" if name == "recorded" else name)[index]
            for wave in values:
                for part, mean in _means(wave, seconds, view.rate, moves):
                    parts = gathered.setdefault(part, {n: [] for n in which})
                    parts[name].append(factor * mean[keep])
    parts = {
        part: {name: np.median(rows, axis=0) for name, rows in lines.items() if rows}
        for part, lines in sorted(gathered.items())
    }
    if not parts:
        return None
    return {
        "name": view.name,
        "unit": "µV" if view.stream == "eeg" else "OD",
        "frequency": frequency[keep],
        "log_frequency": view.stream == "nirs",
        "parts": parts,
        "seconds": length / view.rate,
        "channels": len(channels),
    }


def _means(values, seconds, rate, moves):
    """Mean spectrum of the whole segments of a series, by part."""
    whole = np.isfinite(windows(values, rate, seconds)).all(axis=1)
    if moves is None:
        chosen = {"whole recording": whole}
    else:
        chosen = {"with movement": whole & moves, "without movement": whole & ~moves}
    for part, pick in chosen.items():
        if pick.any():
            yield part, spectrum(values, rate, seconds, pick)[1]
