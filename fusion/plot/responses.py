"""Responses to events: ERP of the EEG; HbO and HbR of fNIRS."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.metrics.evoked import ERP_SPAN, HRF_SPAN
from neurofuse.fusion.plot.canvas import panels, style
from neurofuse.fusion.plot.style import COLOURS, LABELS, label
from neurofuse.fusion.signal.bands import HAEMODYNAMIC, bandpass
from neurofuse.fusion.views.before_after import views_of
from neurofuse.fusion.views.best_channel import best_channel
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.optics.conversion import to_haemoglobin
from neurofuse.io.quality.channels import channel_quality
from neurofuse.io.recording import check, stream_dataset, streams

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SPAN = {"eeg": ERP_SPAN, "nirs": HRF_SPAN}
DASHES = {"hbo": "-", "hbr": "--"}
HAEMOGLOBINS = {"hbo": "HbO", "hbr": "HbR"}


def evoked(
    before: xr.DataTree,
    after: xr.DataTree | None = None,
    truth: xr.DataTree | None = None,
    *,
    stream: str = "eeg",
    event: str | None = None,
    channel: str | None = None,
    span: tuple[float, float] | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """The mean response to an event in one channel, with its 95 % interval over events.

    EEG as it is [µV]; fNIRS as HbO (solid) and HbR (dashed) in 0.01-0.2 Hz [µmol/L]. The mean
    before the onset is subtracted. Events whose span leaves the recording are left out.

    Parameters
    ----------
    before : Recording
        What was recorded, with the events.
    after, truth : Recording, optional
        The cleaned and the true recording, with the channels and times of `before`.
    stream : {"eeg", "nirs"}
        The modality that responds.
    event : str, optional
        Description of the event; by default the most frequent one that is not about motion.
    channel : str, optional
        By default the channel with the best quality (`neurofuse.io.channel_quality`).
    span : (float, float), optional
        Start and stop about the onset [s]; -0.2 to 0.8 for EEG, -2 to 20 for fNIRS.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes

    Raises
    ------
    ParameterError
        If the modality, channel or event is not in the recording, or there are fewer than two such
        events.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=120, seed=2)
    >>> nf.plot.evoked(contaminated, truth=truth, stream="nirs").get_ylabel()
    'µmol/L'
    """
    check(before)
    if stream not in streams(before):
        raise ParameterError(
            f"the stream {stream!r}", f"one of {', '.join(streams(before))}", "choose one"
        )
    name, onsets = _onsets(before, event)
    low, high = span or SPAN[stream]
    given = {"before": before, "after": after, "truth": truth}
    averaged = {
        which: _epochs(recording, stream, onsets, (low, high))
        for which, recording in given.items()
        if recording is not None and stream in streams(recording)
    }
    usable = before[stream].channel.values[~before[stream].bad.values].astype(str)
    if channel is None:
        channel = _best(before, after, stream)
    elif channel not in before[stream].channel:
        raise ParameterError(
            f"the channel {channel!r}", f"one of {', '.join(usable)}", "check its name"
        )
    alone = len(averaged) == 1
    with style():
        if ax is None:
            (ax,) = panels(None, [3.2])
        for which, kinds in averaged.items():
            for kind, epochs in kinds.items():
                colour = COLOURS["after" if alone else which]
                _draw(ax, epochs.sel(channel=channel), which, kind, colour)
        count = next(iter(next(iter(averaged.values())).values())).sizes["event"]
        ax.axvline(0, color="0.4", linewidth=0.7, linestyle=":")
        ax.axhline(0, color="0.4", linewidth=0.5)
        ax.set_xlim(low, high)
        ax.set_xlabel(f"Time from “{label(name)}” [s]")
        ax.set_ylabel(EEG.plot_unit if stream == EEG.name else "µmol/L")
        ax.set_title(f"{label(channel)}, mean of {count} with 95 % interval")
        ax.legend(fontsize=8)
    return ax


def _best(before: xr.DataTree, after: xr.DataTree | None, stream: str) -> str:
    if after is not None and stream not in streams(after):
        after = None
    view = next(view for view in views_of(before, after) if view.stream == stream)
    found = best_channel(view, channel_quality(before, stream))
    return view.channel[0 if found is None else found]


def _onsets(recording: xr.DataTree, event: str | None) -> tuple[str, np.ndarray]:
    node = stream_dataset(recording, "events") if "events" in recording.children else None
    names = [] if node is None else [str(n) for n in node.description.values]
    known = [n for n in names if not n.lower().startswith(("bad", "motion/"))]
    if event is None and known:
        event = max(dict.fromkeys(known), key=known.count)
    count = names.count(event or "")
    if node is None or event is None or count < 2:
        raise ParameterError(
            f"{count} events {event!r}" if event else "no event",
            "at least two of one description"
            + (f": {', '.join(sorted(set(known)))}" * bool(known)),
            "name an event of the recording",
        )
    return event, np.unique(node.onset.values[node.description.values.astype(str) == event])


def _epochs(
    recording: xr.DataTree, stream: str, onsets: np.ndarray, span: tuple[float, float]
) -> dict[str, xr.DataArray]:
    """(event, channel, time) of each kind of signal, in the unit that is drawn."""
    if stream == NIRS.name:
        node = stream_dataset(to_haemoglobin(recording), "nirs")
        signals = {"hbo": node.hbo, "hbr": node.hbr}
    else:
        node = stream_dataset(recording, "eeg")
        signals = {"": node.eeg}
    rate, time = float(node.attrs["rate"]), node.time.values
    first = np.round((onsets - time[0] + span[0]) * rate).astype(int)
    length = round((span[1] - span[0]) * rate)
    first = first[(first >= 0) & (first + length <= time.size)]
    if first.size < 2:
        raise ParameterError(
            f"{first.size} events whose {span[0]:g} to {span[1]:g} s lie inside the recording",
            "at least two",
            "choose a shorter span or another event",
        )
    lags = span[0] + np.arange(length) / rate
    epochs_of = {}
    for kind, signal in signals.items():
        data = 1e6 * np.asarray(signal.transpose("channel", "time").values, float)
        if stream == NIRS.name:
            whole = np.isfinite(data).all(-1)
            data[whole] = bandpass(data[whole], rate, *HAEMODYNAMIC)
        epochs = data[:, first[:, None] + np.arange(length)].swapaxes(0, 1)
        epochs = epochs - epochs[..., lags < max(0.0, lags[1])].mean(-1, keepdims=True)
        dims, names = ("event", "channel", "time"), node.channel.values.astype(str)
        epochs_of[kind] = xr.DataArray(epochs, dims=dims, coords={"channel": names, "time": lags})
    return epochs_of


def _draw(ax: "Axes", epochs: xr.DataArray, which: str, kind: str, colour: str) -> None:
    mean = epochs.mean("event")
    reach = 1.96 * epochs.std("event", ddof=1) / np.sqrt(epochs.sizes["event"])
    text = f"{HAEMOGLOBINS[kind]}, {LABELS[which]}" if kind else LABELS[which]
    ax.plot(mean.time, mean, DASHES.get(kind, "-"), color=colour, label=text)
    ax.fill_between(mean.time, mean - reach, mean + reach, color=colour, alpha=0.15, linewidth=0)
