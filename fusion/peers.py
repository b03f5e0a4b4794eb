"""Classical cleaners that know one stream at a time, behind one interface.

To add one: write a function from samples to samples, and add a `Peer` to `PEERS` with `_peer`.
Channels without a usable signal are marked bad first. Bad channels and channels of another type
pass through unchanged and unused, as does a stream that the peer does not treat. A peer holds the
whole of the streams that it treats in memory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr

from neurofuse.fusion.bands import bandpass
from neurofuse.fusion.blind import moving
from neurofuse.io.eeg import raw_from_eeg
from neurofuse.io.errors import ParameterError
from neurofuse.io.guard import quiet
from neurofuse.io.optics import plain_raw, to_intensity, to_optical_density
from neurofuse.io.quality import mark_bad
from neurofuse.io.recording import check, note, stream_dataset, streams, with_stream

EEG_BAND = (1.0, 40.0)  # Hz
NIRS_BAND = (0.01, 0.5)  # Hz
# Excess, that of a Laplace distribution. Of 2, 3, 5, 10 and 20 it left ICA the least mean error (2
# did as well) on four recordings of eeg_clean with injected motion: set in favour of the peer.
KURTOSIS = 3.0
MUSCLE_BAND = (7, 45)  # Hz
SEED = 0  # of ICA's starting point

Treatment = Callable[[xr.Dataset], np.ndarray]
"""From a node with usable channels only to their cleaned samples (float64).

`eeg` (channel, time) [V], or `od` (channel, wavelength, time) [1]; the rate is in its attrs.
"""


@dataclass(frozen=True)
class Peer:
    """A named method, the streams it treats, and where it comes from."""

    name: str
    streams: tuple[str, ...]
    transform: Callable[[xr.DataTree], xr.DataTree]
    reference: str


def get(name: str) -> Peer:
    """The peer called `name`.

    Raises
    ------
    ParameterError
        If there is none; the message lists those there are.

    Examples
    --------
    >>> get("tddr").streams
    ('nirs',)
    """
    if name not in PEERS:
        raise ParameterError(f"the method {name!r}", f"one of {', '.join(PEERS)}", "check its name")
    return PEERS[name]


def _transform(
    recording: xr.DataTree, *, name: str, treatments: dict[str, Treatment]
) -> xr.DataTree:
    """A new Recording in which the streams that `treatments` names are treated."""
    check(recording)
    treated = [s for s in streams(recording) if s in treatments]
    if not treated:
        raise ParameterError(
            f"a Recording with {' and '.join(streams(recording))} only",
            f"the stream {' or '.join(treatments)}, which {name!r} treats",
            "choose another method or add the stream",
        )
    cleaned = checked = mark_bad(recording)
    for stream in treated:
        apply = _treat_eeg if stream == "eeg" else _treat_nirs
        cleaned = with_stream(cleaned, stream, apply(checked, name, treatments[stream]))
    return note(cleaned, "clean", model=name, streams=treated)


def _treat_eeg(recording: xr.DataTree, name: str, treat: Treatment) -> xr.Dataset:
    node = stream_dataset(recording, "eeg")
    used = (node.ch_type.values == "eeg") & ~node.bad.values
    out = node.eeg.copy(data=np.array(node.eeg.values))
    if used.any():
        good = node.assign(eeg=out).isel(channel=used)
        _refuse_gaps(good.eeg, name)
        out[{"channel": used}] = treat(good.assign(eeg=good.eeg.astype(np.float64)))
    return node.assign(eeg=out)


def _treat_nirs(recording: xr.DataTree, name: str, treat: Treatment) -> xr.Dataset:
    node = stream_dataset(recording, "nirs")
    variable = "intensity" if "intensity" in node else "od"
    used = ~node.bad.values
    if variable == "intensity":  # what has no logarithm passes through, as in io.optics
        used &= ~(node.intensity <= 0).any(["wavelength", "time"]).values
    out = node[variable].copy(deep=True)
    if used.any():
        good = node.isel(channel=used).drop_vars(["kept", "kept_channel"], errors="ignore")
        _refuse_gaps(good[variable], name)
        part = to_optical_density(with_stream(recording, "nirs", good))
        good = stream_dataset(part, "nirs")
        good = good.assign(od=good.od.astype(np.float64))
        part = with_stream(part, "nirs", good.assign(od=good.od.copy(data=treat(good))))
        if variable == "intensity":
            part = to_intensity(part)
        out[{"channel": used}] = part["nirs"][variable].values
    # Haemoglobin worked out before cleaning is stale now.
    return node.assign({variable: out}).drop_vars(["hbo", "hbr"], errors="ignore")


def _refuse_gaps(data: xr.DataArray, name: str) -> None:
    finite = np.isfinite(data.transpose("channel", ...).values)
    gaps = data.channel.values[~finite.reshape(len(finite), -1).all(-1)]
    if gaps.size:
        raise ParameterError(
            f"samples that are not numbers in {', '.join(map(str, gaps[:5]))}",
            f"finite samples for {name!r}",
            "set `bad` for these channels, or crop the recording",
        )


def _refuse_few(node: xr.Dataset, name: str, least: int) -> None:
    if node.sizes["channel"] < least:
        raise ParameterError(
            f"{node.sizes['channel']} usable EEG channel(s)",
            f"at least {least} for {name!r}",
            "choose a method that works on single channels, such as bandpass",
        )


def _untouched(recording: xr.DataTree) -> xr.DataTree:
    check(recording)
    return note(recording, "clean", model="untouched", streams=[])


def _samples(node: xr.Dataset) -> np.ndarray:
    return (node.eeg if "eeg" in node else node.od).values


def _zero(node: xr.Dataset) -> np.ndarray:
    return np.zeros_like(_samples(node))


def _bandpass(node: xr.Dataset, *, band: tuple[float, float]) -> np.ndarray:
    return bandpass(_samples(node), node.attrs["rate"], *band)


def _tddr(node: xr.Dataset) -> np.ndarray:
    from mne.preprocessing.nirs import temporal_derivative_distribution_repair

    if node.sizes["wavelength"] < 2:
        raise ParameterError(
            "one wavelength", "at least two for 'tddr' (as MNE-Python has it)", "use bandpass"
        )
    raw = temporal_derivative_distribution_repair(plain_raw(node), verbose="error")
    return raw.get_data().reshape(node.od.shape)


def _pca(node: xr.Dataset) -> np.ndarray:
    """Remove from moving samples the components of which movement is more than half.

    Components are those of the covariance in moving samples (found by `moving`). One whose
    variance there exceeds twice its variance in quiet samples holds more movement than brain.
    """
    _refuse_few(node, "pca", 2)
    data = node.eeg.values
    mask = moving(data, node.attrs["rate"])
    if not mask.any() or mask.all():
        return data
    centred = data - data[:, ~mask].mean(-1, keepdims=True)
    variance, axes = np.linalg.eigh(centred[:, mask] @ centred[:, mask].T / mask.sum())
    quiet = ((axes.T @ centred[:, ~mask]) ** 2).mean(-1)
    removed = axes[:, variance > 2 * quiet]
    cleaned = data.copy()
    cleaned[:, mask] -= removed @ (removed.T @ centred[:, mask])
    return cleaned


def _ica(node: xr.Dataset) -> np.ndarray:
    """Remove bursting components (excess kurtosis > 3) and, given positions, muscle components."""
    from mne.preprocessing import ICA
    from scipy.stats import kurtosis

    _refuse_few(node, "ica", 2)
    rate = node.attrs["rate"]
    raw = raw_from_eeg(node)
    ica = ICA(method="fastica", max_iter="auto", random_state=SEED, verbose="error")
    with quiet():
        fitted = raw.copy().filter(1.0, None)
        try:
            # ICA needs no more than 125 Hz to find the mixture; it is applied to every sample.
            ica.fit(fitted, decim=max(1, int(rate // 125)))
            bursts = kurtosis(ica.get_sources(fitted).get_data(), axis=-1) > KURTOSIS
            removed = set(np.flatnonzero(bursts).tolist())
            if np.isfinite(node.position.values).all() and rate > 2 * MUSCLE_BAND[1]:
                low, high = MUSCLE_BAND
                removed |= set(ica.find_bads_muscle(fitted, l_freq=low, h_freq=high)[0])
        except (RuntimeError, ValueError, np.linalg.LinAlgError) as error:
            raise ParameterError(
                f"EEG that ICA cannot separate ({error})",
                "channels that differ from each other, for long enough",
                "mark flat or bridged channels bad, or choose another method",
            ) from error
        return ica.apply(raw, exclude=sorted(removed)).get_data()


def _peer(name: str, reference: str, **treatments: Treatment) -> Peer:
    transform = partial(_transform, name=name, treatments=treatments)
    return Peer(name, tuple(treatments), transform, reference)


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("untouched", ("eeg", "nirs"), _untouched, "the recording as it is"),
        _peer("zero", "no signal at all (optical density 0)", eeg=_zero, nirs=_zero),
        _peer(
            "tddr",
            "temporal derivative distribution repair: Fishburn et al. 2019, NeuroImage 184:171, "
            "as in MNE-Python",
            nirs=_tddr,
        ),
        _peer(
            "bandpass",
            "zero-phase Butterworth band-pass, EEG 1-40 Hz, optical density 0.01-0.5 Hz",
            eeg=partial(_bandpass, band=EEG_BAND),
            nirs=partial(_bandpass, band=NIRS_BAND),
        ),
        _peer(
            "pca",
            "principal components of moving samples removed where movement is more than half: "
            "after Lagerlund et al. 1997, J Clin Neurophysiol 14:73, applied to moving samples "
            "only as Yücel et al. 2014, J Innov Opt Health Sci 7:1350066",
            eeg=_pca,
        ),
        _peer(
            "ica",
            "independent components with excess kurtosis above 3 (after Delorme et al. 2007, "
            "NeuroImage 34:1443) or muscle-like (Dharmaprani et al. 2016) removed; FastICA, "
            "MNE-Python",
            eeg=_ica,
        ),
    )
}
