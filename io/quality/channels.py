"""Channel quality: a value and a mask for each measure, and which channels are unusable."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from neurofuse.io.errors import ReadError, SchemaError
from neurofuse.io.logs import LOG
from neurofuse.io.modality import EEG, MODALITIES, NIRS
from neurofuse.io.quality.eeg import eeg_faults, eeg_quality
from neurofuse.io.quality.nirs import nirs_faults, nirs_quality
from neurofuse.io.recording import note, stream_dataset, streams, with_stream

LARGEST_AMPLITUDE = 0.1  # V; amplifiers saturate below, microvolts taken for volts lie above

Measure = Callable[[xr.Dataset], xr.Dataset]
QUALITY: dict[str, Measure] = {EEG.name: eeg_quality, NIRS.name: nirs_quality}
FAULTS: dict[str, Measure] = {EEG.name: eeg_faults, NIRS.name: nirs_faults}
MASKS: dict[str, dict[str, tuple[str, ...]]] = {
    EEG.name: {
        "missing": ("missing_share",),
        "flat": ("flat_share",),
        "railed": ("rail_share",),
        "noisy": ("deviation", "high_ratio"),
        "line_noisy": ("line_noise",),
        "bridged": ("bridge_distance",),
    },
    NIRS.name: {
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
"""By modality: each mask of `channel_quality`, and the values that it judges."""


def channel_quality(recording: xr.DataTree, stream: str) -> xr.Dataset:
    """Quality measures of each channel of a stream, with a mask for each of them.

    A mask is True where its value is beyond a limit (docs/quality.md lists the limits and their
    sources). Masks do not exclude a channel; `usable` and `reason` do, and `mark_bad` applies them.

    Noisy channels are found as in PREP (Bigdely-Shamlo et al. 2015, Front Neuroinform 9:16),
    bridges by intrinsic Hjorth filtering (Tenke & Kayser 2001, Clin Neurophysiol 112:545), the
    scalp coupling index as in Pollonini et al. 2014 (Hear Res 309:84), the peak spectral power as
    in Pollonini et al. 2016 (Biomed Opt Express 7:5104), GVTD as in Sherafati et al. 2020 (Hum
    Brain Mapp 41:4093).

    Parameters
    ----------
    recording : Recording
        EEG samples may be a dask array: they are read in blocks of time.
    stream : {"eeg", "nirs"}
        The modality to judge.

    Returns
    -------
    xarray.Dataset
        Over `channel`. Both streams:

        - `missing_share` [1], fraction of samples that are not finite; mask `missing`;
        - `flat_share` [1], fraction of windows of 1 s without any change; mask `flat`;
        - `rail_share` [1], fraction of samples at or near the extreme value, if three in a row are
          equal to it; mask `railed` (EEG, both extremes) or `saturated` (fNIRS, the upper one);
        - `usable` (bool) and `reason` (text, "" when usable).

        EEG: `amplitude` [V], half the 5th to 95th percentile range over 1.645 (the standard
        deviation of a Gaussian); `deviation` [V], the standard deviation in 1-50 Hz, and
        `high_ratio` [1], the RMS above 50 Hz over it; mask `noisy`; `line_noise` [dB], the power at
        50 or 60 Hz over that of neighbouring frequencies, mask `line_noisy`, the frequency in attrs
        `line_frequency` [Hz]; `bridge_distance` [V], the standard deviation of the difference to
        the nearest channel, mask `bridged`, and `bridged_to`. NaN where the rate is too low.

        fNIRS, the worst of the wavelengths: `still_share` [1], fraction of windows that change by
        less than 0.05 % of the light, mask `still`; `noise` [1] from sample to sample relative to
        the light, mask `dark`; `non_positive_share` [1] of samples, mask `non_positive`; `sci` [1],
        scalp coupling index (1 is best), mask `uncoupled`; `peak_power` [1/Hz] of the heart beat,
        mask `pulseless`; `step_rms` [1], RMS change of optical density from sample to sample, mask
        `unsteady`; `distance` [m], mask `short`. `sci` and `peak_power` are NaN where the heart
        beat cannot be judged; their attrs `missing_because` give the reason. Attrs `gvtd_…`
        summarise `global_variance`.

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
    return QUALITY[stream](stream_dataset(recording, stream))


def mark_bad(recording: xr.DataTree) -> xr.DataTree:
    """A Recording in which channels without a usable signal are marked bad; samples stay.

    EEG: more than half of the samples missing, flat, or more than a quarter at the rails. fNIRS:
    any sample missing, zero or negative (it has no logarithm), flat, more than a quarter saturated,
    more than half of the time still while other channels show a pulse, or so dark that noise
    exceeds 30 % of the light. Channels that were marked before stay marked.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    Recording
        With more channels marked in `bad`; its provenance lists them with the reasons.

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
    marked: dict[str, dict[str, str]] = {}
    for stream in streams(recording):
        node = stream_dataset(recording, stream)
        table = FAULTS[stream](node)
        was, reason = node.bad.values, table.reason.values
        bad = was | ~table.usable.values
        _refuse_none(stream, node, bad, reason)
        if stream == EEG.name:
            _warn_about_unit(table.amplitude.values[(node.ch_type.values == "eeg") & ~bad])
        names = node.channel.values[bad & ~was]
        new = {str(n): str(r) for n, r in zip(names, reason[bad & ~was], strict=True)}
        if new:
            LOG.warning(
                "bad %s channels, passed through unchanged: %s",
                MODALITIES[stream].display,
                "; ".join(f"{n} ({r})" for n, r in new.items()),
            )
            node = node.assign_coords(bad=("channel", bad))
            recording = with_stream(recording, stream, node)
            marked[stream] = new
    return note(recording, "mark_bad", **marked) if marked else recording


def _refuse_none(stream: str, node: xr.Dataset, bad: np.ndarray, reason: np.ndarray) -> None:
    needed = node.ch_type.values == "eeg" if stream == EEG.name else np.ones(len(bad), bool)
    if (needed & ~bad).any():
        return
    known = [f"{n}: {r}" for n, r in zip(node.channel.values, reason, strict=True) if r]
    why = "; ".join(known[:5]) or "all marked bad"
    raise ReadError(
        f"no usable {MODALITIES[stream].display} channel ({why}{'; …' if len(known) > 5 else ''})",
        "at least one channel with a signal",
        "check electrodes, optodes and units, or leave this stream out",
    )


def _warn_about_unit(amplitude: np.ndarray) -> None:
    if float(np.nanmax(amplitude)) > LARGEST_AMPLITUDE:
        LOG.warning(
            "EEG amplitudes of %.3g V are not plausible: check the unit in the file",
            float(np.nanmax(amplitude)),
        )
