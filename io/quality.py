"""Which channels carry a signal: flat, missing, at the rail, without a logarithm, badly coupled."""

import numpy as np
import xarray as xr

from neurofuse.io.errors import ReadError, SchemaError
from neurofuse.io.guard import LOG, quiet
from neurofuse.io.optics import plain_raw, to_optical_density
from neurofuse.io.recording import build, note, stream_dataset, streams, with_stream

FLAT_EEG = 1e-8  # V peak to peak: a tenth of the noise of the best amplifiers (about 0.1 uV)
FLAT_NIRS = 1e-9  # of the channel's largest value: below the noise of a 24-bit converter
LARGEST_EEG = 0.1  # V; amplifiers end below, microvolts taken for volts lie above
RAIL_SHARE = 0.01  # more than this share of samples at the extreme value: the channel is railed
RAIL_UNUSABLE = 0.5  # more than this share at the rail: nothing left to clean
MISSING_UNUSABLE = 0.5  # share of NaN
SCI_BAND = (0.7, 1.5)  # Hz, heart beat (Pollonini et al. 2014)
SCI_SHORTEST = 12.0  # s, the length of the band-pass filter
JUDGED = ("eeg", "eog", "ecg", "emg")  # types that must show a voltage; a trigger may be flat


def channel_quality(recording: xr.DataTree, stream: str, *, coupling: bool = True) -> xr.Dataset:
    """Tell for each channel of a stream what is wrong with it.

    Parameters
    ----------
    recording : Recording
    stream : {"eeg", "nirs"}
    coupling : bool
        Compute the scalp coupling index, the slow part (MNE, band 0.7-1.5 Hz).

    Returns
    -------
    xarray.Dataset
        Over `channel`. Both: `flat` (bool), `missing` (share of NaN samples), `railed` (EEG) or
        `saturated` (fNIRS) (bool: more than 1 % of samples at the extreme values, somewhere three
        or more in a row), `rail_share`, `usable` (bool), `reason` (text, "" when usable). EEG:
        `amplitude` [V], half the 5th to 95th percentile range over 1.645: the standard deviation
        of a Gaussian. fNIRS: `non_positive` (share of samples <= 0), `sci` (1 best; NaN below
        3.6 Hz, under 12 s, with one wavelength or a missing logarithm), `distance` [m]. A low
        `sci` alone leaves a channel usable.

    Raises
    ------
    SchemaError
        If the Recording lacks the stream.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> data = np.vstack([np.zeros(500), 1e-5 * np.sin(np.arange(500))])
    >>> table = channel_quality(build(eeg_dataset(data, 250.0, ["C3", "C4"])), "eeg")
    >>> table.usable.values.tolist(), table.reason.values.tolist()
    ([False, True], ['flat', ''])
    """
    if stream not in streams(recording):
        raise SchemaError(
            f"a Recording with {', '.join(streams(recording))}",
            f"the stream {stream!r}",
            "choose a stream that it has",
        )
    node = stream_dataset(recording, stream)
    return _eeg_quality(node) if stream == "eeg" else _nirs_quality(node, coupling)


def mark_bad(recording: xr.DataTree) -> xr.DataTree:
    """A Recording in which channels without a usable signal are marked bad; samples stay.

    What was marked before stays marked. The provenance names the new ones and why.

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
        table = channel_quality(recording, stream, coupling=False)
        bad = node.bad.values | ~table.usable.values
        reasons = {
            str(name): str(reason)
            for name, reason in zip(node.channel.values, table.reason.values, strict=True)
            if reason
        }
        needed = node.ch_type.values == "eeg" if stream == "eeg" else np.ones(len(bad), bool)
        if not (needed & ~bad).any():
            what = {"eeg": "EEG", "nirs": "fNIRS"}[stream]
            why = "; ".join(f"{n}: {r}" for n, r in list(reasons.items())[:5]) or "all marked bad"
            raise ReadError(
                f"no usable {what} channel ({why}{'; …' if len(reasons) > 5 else ''})",
                "at least one channel with a signal",
                "check electrodes, optodes and units, or leave this stream out",
            )
        if stream == "eeg" and float(table.amplitude.values[needed & ~bad].max()) > LARGEST_EEG:
            LOG.warning(
                "EEG amplitudes of %.3g V cannot be true: check the unit in the file",
                float(table.amplitude.values[needed & ~bad].max()),
            )
        new = {
            n: r
            for n, r, was in zip(
                node.channel.values.tolist(), table.reason.values, node.bad.values, strict=True
            )
            if r and not was
        }
        if new:
            LOG.warning(
                "bad %s channels, passed through unchanged: %s",
                {"eeg": "EEG", "nirs": "fNIRS"}[stream],
                "; ".join(f"{n} ({r})" for n, r in new.items()),
            )
            marked = node.assign_coords(bad=("channel", bad))
            recording = with_stream(recording, stream, marked)
            found[stream] = {str(n): str(r) for n, r in new.items()}
    return note(recording, "mark_bad", **found) if found else recording


def _eeg_quality(node: xr.Dataset) -> xr.Dataset:
    data = node.eeg.transpose("channel", "time").values
    rows = []
    for row, kind in zip(data, node.ch_type.values, strict=True):
        facts, finite = _facts(row, FLAT_EEG, 0.0, both=True)
        low, high = np.percentile(finite, [5, 95]) if len(finite) else (np.nan, np.nan)
        judged = kind in JUDGED
        rows.append(
            {
                **facts,
                "amplitude": (high - low) / 3.29,
                "reason": _reason(facts) if judged else "",
            }
        )
    table = _table(rows, node.channel, "railed")
    table["amplitude"].attrs["units"] = "V"
    return table


def _nirs_quality(node: xr.Dataset, coupling: bool) -> xr.Dataset:
    light = "intensity" in node
    data = node["intensity" if light else "od"].transpose("channel", "wavelength", "time").values
    kept = [str(n) for n in node.kept_channel.values] if "kept" in node else []
    rows = []
    for name, channel in zip(node.channel.values, data, strict=True):
        if str(name) in kept:  # no logarithm: judge the intensity itself
            channel = node.kept.isel(kept_channel=kept.index(str(name))).values
        as_light = light or str(name) in kept
        parts = [_facts(row, 0.0, FLAT_NIRS if as_light else 1e-12, both=False) for row in channel]
        low = [float(np.mean(v <= 0)) if len(v) and as_light else 0.0 for _, v in parts]
        facts = {
            "flat": any(f["flat"] for f, _ in parts),
            "missing": max(f["missing"] for f, _ in parts),
            "rail_share": max(f["rail_share"] for f, _ in parts),
            "non_positive": max(low),
        }
        reason = _reason(facts)
        if not reason and facts["missing"] > 0:
            reason = f"{100 * facts['missing']:.3g} % missing samples"
        if facts["non_positive"] > 0:
            share = f"{100 * facts['non_positive']:.3g} % zero or negative samples"
            reason = f"{reason}, {share}" if reason else share
        rows.append({**facts, "reason": reason})
    table = _table(rows, node.channel, "saturated")
    table["distance"] = node.distance.reset_coords(drop=True)
    table["sci"] = ("channel", _coupling(node) if coupling else np.full(len(rows), np.nan))
    return table


def _facts(row: np.ndarray, absolute: float, relative: float, *, both: bool):
    finite = row if np.isfinite(row).all() else row[np.isfinite(row)]
    facts = {"flat": False, "missing": 1 - len(finite) / max(len(row), 1), "rail_share": 0.0}
    if len(finite):
        low, high = float(finite.min()), float(finite.max())
        largest = max(abs(low), abs(high))
        facts["flat"] = len(finite) > 1 and high - low <= max(absolute, relative * largest)
        if not facts["flat"]:
            # a hum that overdrives the amplifier jumps from rail to rail: both count as one
            at = (finite == high) | (finite == low) if both else finite == high
            facts["rail_share"] = _rail_share(at)
    return facts, finite


def _rail_share(at: np.ndarray) -> float:
    """Share of samples at the rail, 0 unless three of them follow each other somewhere.

    A signal in coarse steps may meet its extreme now and then without a rail; hum that overdrives
    an amplifier touches it for one sample a period, and for longer only here and there.
    """
    held = len(at) >= 3 and bool((at[:-2] & at[1:-1] & at[2:]).any())
    return float(at.mean()) if held else 0.0


def _reason(facts: dict) -> str:
    if facts["missing"] == 1:
        return "all samples missing"
    if facts["missing"] > MISSING_UNUSABLE:
        return f"{100 * facts['missing']:.0f} % missing samples"
    if facts["flat"]:
        return "flat"
    if facts["rail_share"] > RAIL_UNUSABLE:
        return f"{100 * facts['rail_share']:.0f} % at the rail"
    return ""


def _table(rows: list[dict], channel: xr.DataArray, rail: str) -> xr.Dataset:
    columns = {name: ("channel", [row[name] for row in rows]) for name in rows[0]}
    table = xr.Dataset(columns, coords={"channel": channel.values})
    table[rail] = table.rail_share > RAIL_SHARE
    table["usable"] = table.reason == ""
    return table


def _coupling(node: xr.Dataset) -> np.ndarray:
    """Scalp coupling index of each channel: the least correlation between its wavelengths."""
    import mne

    sci = np.full(node.sizes["channel"], np.nan)
    rate = node.attrs["rate"]
    enough = node.sizes["time"] / rate >= SCI_SHORTEST
    if node.sizes["wavelength"] < 2 or rate <= 2 * SCI_BAND[1] + 0.6 or not enough:
        return sci
    od = stream_dataset(to_optical_density(build(nirs=node)), "nirs")
    whole = np.isfinite(od.od).all(("wavelength", "time")).values
    if whole.any():
        with quiet():
            raw = plain_raw(od.isel(channel=whole))
            every = mne.preprocessing.nirs.scalp_coupling_index(
                raw, l_freq=SCI_BAND[0], h_freq=SCI_BAND[1]
            )
        first = {name: i for i, name in enumerate(raw.ch_names)}
        wave = f"{node.wavelength.values[0]:g}"
        count = int(whole.sum())
        sci[whole] = [every[first[f"S{k}_D{k} {wave}"]] for k in range(1, count + 1)]
    return sci
