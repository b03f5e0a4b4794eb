"""Each modality before and after cleaning, side by side, in the unit in which artifacts add."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import EEG, MODALITIES, NIRS, Modality
from neurofuse.io.recording import GATE_OPEN, LOST, check, dims_in_order, stream_dataset, streams

# what `fusion/views/haemoglobin.py` makes of fNIRS
HAEMOGLOBIN = replace(
    NIRS,
    name="haemoglobin",
    display="HbO and HbR",
    cleaned_unit="mol/L",
    plot_unit="µmol/L",
    plot_scale=1e6,
)
SHOWN = {**MODALITIES, HAEMOGLOBIN.name: HAEMOGLOBIN}


@dataclass(frozen=True)
class View:
    """One modality before and after cleaning, on one clock.

    Attributes
    ----------
    stream : {"eeg", "nirs", "haemoglobin"}
        Its node in a Recording; the last one is made of fNIRS.
    rate : float
        Sampling rate [Hz].
    time : array (time)
        On the common clock [s].
    channel : list of str
        Names.
    wavelength : list of float
        [nm]; empty for EEG.
    before, after, truth : array (channel, wavelength, time)
        EEG [V] with one "wavelength"; fNIRS as optical density over the reference intensity of
        `before`. Without a result `after` is `before`; without a truth `truth` is None.
    gate, motion : array (channel, time) or None
        The motion mask of the cleaner (0 to 1), and the true one of injected motion (bool).
    lost : array (channel, time) or None
        Where nothing of the participant was measured, by the verdict of `neurofuse.clean`.
    bad, short, used : array (channel)
        Marked bad; short (fNIRS); treated by a cleaner.
    identical : array (channel)
        The fraction of the stored samples that is the same, bit for bit.
    treated : bool
        Whether there is a result that contains this modality.
    """

    stream: str
    rate: float
    time: np.ndarray
    channel: list[str]
    wavelength: list[float]
    before: np.ndarray
    after: np.ndarray
    truth: np.ndarray | None
    gate: np.ndarray | None
    motion: np.ndarray | None
    lost: np.ndarray | None
    bad: np.ndarray
    short: np.ndarray
    used: np.ndarray
    identical: np.ndarray
    treated: bool

    @property
    def modality(self) -> Modality:
        """What is known of EEG or of fNIRS: name, units."""
        return SHOWN[self.stream]

    @property
    def name(self) -> str:
        """The modality's name in texts."""
        return self.modality.display

    @property
    def seconds(self) -> float:
        """Duration [s]."""
        return len(self.time) / self.rate

    @property
    def in_motion(self) -> np.ndarray | None:
        """(channel, time): where the motion mask counts, else the true mask, else None."""
        return self.motion if self.gate is None else self.gate > GATE_OPEN

    @property
    def any_in_motion(self) -> np.ndarray | None:
        """(time): some channel is in motion."""
        mask = self.in_motion
        return None if mask is None else np.logical_or.reduce(mask, axis=0)


def views_of(
    before: xr.DataTree, after: xr.DataTree | None = None, truth: xr.DataTree | None = None
) -> list[View]:
    """Every modality of a Recording beside its cleaned (and, if known, true) version.

    Parameters
    ----------
    before, after, truth : Recording
        In the modalities that `after` and `truth` contain they share channels and clocks with
        `before`.

    Returns
    -------
    list of View
        EEG first.

    Raises
    ------
    ParameterError
        If they do not.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.zeros((2, 500)), 250.0, ["C3", "C4"]))
    >>> [(view.name, view.before.shape) for view in views_of(recording)]
    [('EEG', (2, 1, 500))]
    """
    check(before)
    for other, role in ((after, "after"), (truth, "truth")):
        if other is not None:
            check(other)
            _same_grid(before, other, role)
    before = dims_in_order(before)
    after = None if after is None else dims_in_order(after)
    truth = None if truth is None else dims_in_order(truth)
    return [_view(stream, before, after, truth) for stream in streams(before)]


def _same_grid(before: xr.DataTree, other: xr.DataTree, role: str) -> None:
    shared = [stream for stream in streams(before) if stream in streams(other)]
    if not shared:
        raise ParameterError(
            f"`{role}` with {streams(other)} for a recording of {streams(before)}",
            "a modality that both contain",
            "pass the Recording that was made from `before`",
        )
    for stream in shared:
        here, there = before[stream], other[stream]
        same = here.channel.values.tolist() == there.channel.values.tolist()
        same = same and here.sizes["time"] == there.sizes["time"]
        if not same or not np.allclose(here.time, there.time, atol=1e-3 / here.attrs["rate"]):
            raise ParameterError(
                f"`{role}` whose /{stream} has other channels or times than `before`",
                "the same channels in the same order, on the same clock",
                "cut and pick both Recordings alike before the report",
            )


def _view(
    stream: str, before: xr.DataTree, after: xr.DataTree | None, truth: xr.DataTree | None
) -> View:
    node = stream_dataset(before, stream)
    result = None
    if after is not None and stream in streams(after):
        result = stream_dataset(after, stream)
    cleaned = node if result is None else result
    values, reference = _values(before, stream)
    # cleaning may find further channels bad
    bad = node.bad.values.astype(bool) | cleaned.bad.values.astype(bool)
    kind = node.coords.get("ch_type")
    used = ~bad if kind is None else (kind.values == "eeg") & ~bad
    motion = next((d.motion for d in (cleaned, node) if "motion" in d), None)
    return View(
        stream=stream,
        rate=float(node.attrs["rate"]),
        time=node.time.values,
        channel=[str(name) for name in node.channel.values],
        wavelength=[float(w) for w in node.wavelength.values] if "wavelength" in node.dims else [],
        before=values,
        after=values if after is None or result is None else _values(after, stream, reference)[0],
        truth=None
        if truth is None or stream not in streams(truth)
        else _values(truth, stream, reference)[0],
        gate=_by_channel(cleaned.gate) if "gate" in cleaned else None,
        motion=None if motion is None else _by_channel(motion).astype(bool),
        lost=_by_channel(cleaned.verdict) == LOST if "verdict" in cleaned else None,
        bad=bad,
        short=node.short.values.astype(bool) if "short" in node.coords else np.zeros_like(bad),
        used=used,
        identical=_identical(node, cleaned, MODALITIES[stream].variable(node)),
        treated=result is not None,
    )


def _by_channel(variable: xr.DataArray) -> np.ndarray:
    return variable.transpose("channel", "time").values


def _values(
    recording: xr.DataTree, stream: str, reference: xr.DataArray | None = None
) -> tuple[np.ndarray, xr.DataArray | None]:
    """(channel, wavelength, time), and the reference intensity of optical density."""
    if stream == EEG.name:
        return recording[stream].eeg.transpose("channel", "time").values[:, None, :], None
    from neurofuse.io.optics.conversion import to_optical_density

    node = recording[stream]
    if "od" not in node.data_vars:
        node = to_optical_density(recording)[stream]
    od = node.od.transpose("channel", "wavelength", "time")
    own = node.coords.get("reference")
    if reference is not None and own is not None:
        # cleaning changes the mean intensity: both are drawn over the reference of `before`
        od = od + np.log(reference / own)
    return od.transpose("channel", "wavelength", "time").values, own


def _identical(node: xr.Dataset, cleaned: xr.Dataset, variable: str) -> np.ndarray:
    if variable not in cleaned.data_vars:
        return np.zeros(node.sizes["channel"])
    fractions = []
    for index in range(node.sizes["channel"]):
        a = node[variable].isel(channel=index).values
        b = cleaned[variable].isel(channel=index).values
        fractions.append(np.mean((a == b) | (np.isnan(a) & np.isnan(b))))
    return np.array(fractions)
