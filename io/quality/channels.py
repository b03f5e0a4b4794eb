"""Which channels carry a signal, and how good it is: a value and a mask for each measure."""

import numpy as np
import xarray as xr

from neurofuse.io.errors import ReadError, SchemaError
from neurofuse.io.logs import LOG
from neurofuse.io.quality.eeg import eeg_faults, eeg_quality
from neurofuse.io.quality.nirs import nirs_faults, nirs_quality
from neurofuse.io.recording import note, stream_dataset, streams, with_stream

LARGEST_EEG = 0.1  # V; amplifiers end below, microvolts taken for volts lie above
NAMES = {"eeg": "EEG", "nirs": "fNIRS"}
MASKS = {
    "eeg": {
        "missing": ("missing_share",),
        "flat": ("flat_share",),
        "railed": ("rail_share",),
        "noisy": ("deviation", "high_ratio"),
        "line_noisy": ("line_noise",),
        "bridged": ("bridge_distance",),
    },
    "nirs": {
        "missing": ("missing_share",),
        "flat": ("flat_share",),
        "saturated": ("rail_share",),
        "still": ("still_share",),
        "dark": ("noise",),
        "non_positive": ("non_positive_share",),
        "uncoupled": ("sci",),
        "pulseless": ("peak_power",),
        "unsteady": ("step_rms",),
        "short": ("distance",),
    },
}
"""Per stream: each mask of `channel_quality`, and the values that it judges."""


def channel_quality(recording: xr.DataTree, stream: str) -> xr.Dataset:
    """Tell for each channel of a stream what is wrong with it: values and masks.

    A mask is True where its value is beyond a limit (docs/quality.md has the limits and their
    sources). Most only report; `usable` and `reason` tell what `mark_bad` goes by.

    Parameters
    ----------
    recording : Recording
        EEG samples may be a dask array: they are read in blocks of time.
    stream : {"eeg", "nirs"}

    Returns
    -------
    xarray.Dataset
        Over `channel`. Both streams:

        - `missing_share` of samples that are not finite, `missing`;
        - `flat_share` of windows of 1 s in which nothing changes, `flat`;
        - `rail_share` of samples at or beside the extreme value, where three in a row are equal to
          it: `railed` (EEG, both extremes) or `saturated` (fNIRS, the upper one);
        - `usable`, `reason` (text, "" when usable).

        EEG: `amplitude` [V], half the 5th to 95th percentile range over 1.645: the standard
        deviation of a Gaussian; `deviation` [V] in 1-50 Hz and `high_ratio` [1] of what lies above
        50 Hz to it, `noisy`; `line_noise` [dB] over its neighbours at 50 or 60 Hz, `line_noisy`,
        the frequency found in attrs `line_frequency` [Hz]; `bridge_distance` [V], the
        standard deviation of the difference to the nearest channel, `bridged`, `bridged_to`. NaN
        where the rate is too low.

        fNIRS, the worst of the wavelengths: `still_share` of windows that change by less than
        0.05 % of the light, `still`; `noise` [1] from sample to sample over the light, `dark`;
        `non_positive_share` of samples, `non_positive`; `sci`, scalp coupling index (1 best),
        `uncoupled`; `peak_power` [1/Hz] of the heart beat, `pulseless`; `step_rms` [1] of the
        change of optical density from sample to sample, `unsteady`; `distance` [m], `short`. `sci`
        and `peak_power` are NaN where the heart beat cannot be told; their attrs
        `missing_because` say why. Attrs `gvtd_…` sum up `global_variance`.

    Raises
    ------
    SchemaError
        If the Recording lacks the stream.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> data = np.vstack([np.zeros(500), 1e-5 * np.sin(np.arange(500))])
    >>> table = channel_quality(build(eeg_dataset(data, 250.0, ["C3", "C4"])), "eeg")
    >>> table.flat.values.tolist(), table.usable.values.tolist(), table.reason.values.tolist()
    ([True, False], [False, True], ['flat', ''])
    """
    if stream not in streams(recording):
        raise SchemaError(
            f"a Recording with {', '.join(streams(recording))}",
            f"the stream {stream!r}",
            "choose a stream that it has",
        )
    node = stream_dataset(recording, stream)
    return eeg_quality(node) if stream == "eeg" else nirs_quality(node)


def mark_bad(recording: xr.DataTree) -> xr.DataTree:
    """A Recording in which channels without a usable signal are marked bad; samples stay.

    EEG: all or more than half of the samples missing, flat, or more than a quarter at the rails.
    fNIRS: any sample missing, zero or negative (it has no logarithm), flat, more than a quarter
    saturated, more than half still while other channels are not, or so dark that noise is more
    than 30 % of the light. What was marked before stays marked. The provenance names the new ones
    and why.

    Raises
    ------
    ReadError
        If a stream has no usable channel left.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> data = np.vstack([np.zeros(500), 1e-5 * np.sin(np.arange(500))])
    >>> mark_bad(build(eeg_dataset(data, 250.0, ["C3", "C4"])))["eeg"].bad.values.tolist()
    [True, False]
    """
    found: dict[str, dict[str, str]] = {}
    for stream in streams(recording):
        node = stream_dataset(recording, stream)
        table = eeg_faults(node) if stream == "eeg" else nirs_faults(node)
        was, reason = node.bad.values, table.reason.values
        bad = was | ~table.usable.values
        _refuse_none(stream, node, bad, reason)
        if stream == "eeg":
            _tell_unit(table.amplitude.values[(node.ch_type.values == "eeg") & ~bad])
        names = node.channel.values[bad & ~was]
        new = {str(n): str(r) for n, r in zip(names, reason[bad & ~was], strict=True)}
        if new:
            LOG.warning(
                "bad %s channels, passed through unchanged: %s",
                NAMES[stream],
                "; ".join(f"{n} ({r})" for n, r in new.items()),
            )
            marked = node.assign_coords(bad=("channel", bad))
            recording = with_stream(recording, stream, marked)
            found[stream] = new
    return note(recording, "mark_bad", **found) if found else recording


def _refuse_none(stream: str, node: xr.Dataset, bad: np.ndarray, reason: np.ndarray) -> None:
    needed = node.ch_type.values == "eeg" if stream == "eeg" else np.ones(len(bad), bool)
    if (needed & ~bad).any():
        return
    known = [f"{n}: {r}" for n, r in zip(node.channel.values, reason, strict=True) if r]
    why = "; ".join(known[:5]) or "all marked bad"
    raise ReadError(
        f"no usable {NAMES[stream]} channel ({why}{'; …' if len(known) > 5 else ''})",
        "at least one channel with a signal",
        "check electrodes, optodes and units, or leave this stream out",
    )


def _tell_unit(amplitude: np.ndarray) -> None:
    if float(np.nanmax(amplitude)) > LARGEST_EEG:
        LOG.warning(
            "EEG amplitudes of %.3g V cannot be true: check the unit in the file",
            float(np.nanmax(amplitude)),
        )
