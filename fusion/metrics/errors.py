"""Metrics against a known truth: what is left of movement, and what was done to the rest.

Every figure is worth as much as the rows beside it: an output of zeros has `error` 0 dB by
construction, so a cleaner above 0 dB is worse than silence, whatever its SNR gain.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.ndimage import binary_dilation

from neurofuse.fusion.signal.bands import bandpass, decibel, spectrum, windows
from neurofuse.io.errors import ParameterError, SchemaError
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.recording import check, stream_dataset, streams

UNITS: Mapping[str, str] = {
    "error_db": "dB",
    "error_db_median": "dB",
    "residual": "1",
    "rrmse_time": "1",
    "rrmse_spectrum": "1",
    "correlation": "1",
    "snr_before": "dB",
    "snr_after": "dB",
    "snr_change": "dB",
    "eta": "%",
    "clean_change_db": "dB",
    "alpha_ratio_motion": "1",
    "alpha_ratio_quiet": "1",
    "error_db_unfiltered": "dB",
}
ALPHA = (8.0, 13.0)  # Hz
NIRS_BAND = (0.01, 0.7)  # Hz
NIRS_GUARD = 2.0  # s around motion in which fNIRS errors count
Series = list[np.ndarray]  # truth, contaminated, cleaned; each (row, time)
WINDOW = {"eeg": 2.0, "nirs": 20.0}  # s; of spectra


def score(
    truth: xr.DataTree,
    contaminated: xr.DataTree,
    cleaned: xr.DataTree,
    *,
    eeg_band: tuple[float, float] | None = None,
    nirs_band: tuple[float, float] | None = NIRS_BAND,
) -> xr.Dataset:
    """Score a cleaned recording against the truth.

    Channels that are bad in `contaminated`, EEG channels of another `ch_type`, and channels with
    samples that are not finite in `truth` or `contaminated` are left out. Constants are removed
    per channel. EEG is compared as it is unless `eeg_band` is given. fNIRS is compared in optical
    density within `nirs_band`, in motion widened by 2 s.

    Parameters
    ----------
    truth, contaminated, cleaned : Recording
        Same channels (in any order) and times; `contaminated` holds `motion` (channel, time).
    eeg_band, nirs_band : pair of float, or None
        Edges [Hz] of a zero-phase band-pass applied to all three before errors are taken.

    Returns
    -------
    Dataset
        `value` (modality, metric) with the coordinate `units` (metric); a modality that not all
        three hold has no row. In motion, with e = cleaned − truth:

        - `error_db` [dB]: Σe² over Σtruth², all channels pooled (zeros: 0); `error_db_median`:
          its median over channels;
        - `residual` [1]: Σe² over that of the untouched recording (untouched: 1);
        - `rrmse_time`, `rrmse_spectrum` [1]: RMS(e)/RMS(truth), and the same of power spectra
          (Zhang et al. 2021, EEGdenoiseNet), mean over channels;
        - `correlation` [1]: Pearson's, mean over channels (NaN for a constant output);
        - `snr_before`, `snr_after`, `snr_change` [dB]: var(truth)/var(e) of the untouched recording
          and of the cleaned one, and the gain (Sweeney et al. 2012), medians over channels. Zeros
          gain as much as the recording was bad: look at `snr_after` too;
        - `eta` [%]: share of the correlation that was lacking which came back (ibid., with 1 for
          clean recordings), 100 (1 − (1 − R after)/(1 − R before)), median over channels;
          constants have R = 0;
        - `alpha_ratio_motion` [1]: power in 8-13 Hz over that of the truth, median over EEG
          channels; `alpha_ratio_quiet`: the same outside motion;
        - `error_db_unfiltered` [dB]: `error_db` of fNIRS without the band-pass.

        Outside motion: `clean_change_db` [dB], energy of cleaned − contaminated over that of
        the truth; for fNIRS of sample-to-sample changes, since a corrected shift rightly moves
        the level of what follows. −inf where nothing was touched.

        Without any motion the figures in motion are NaN and the others cover all samples.

    Raises
    ------
    ParameterError
        If channels or times differ.
    SchemaError
        If `contaminated` does not say where motion is.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> rng = np.random.default_rng(0)
    >>> brain, artifact = rng.standard_normal((2, 2, 1000)) * 1e-5
    >>> truth = build(eeg_dataset(brain, 250.0, ["C3", "C4"]))
    >>> node = eeg_dataset(brain + artifact, 250.0, ["C3", "C4"])
    >>> node["motion"] = ("channel", "time"), np.ones((2, 1000), bool)
    >>> table = score(truth, build(node), truth)
    >>> table.value.sel(modality="eeg", metric="correlation").round(6).item()
    1.0
    """
    match(truth, contaminated)
    match(cleaned, contaminated)
    rows = [s for s in streams(contaminated) if s in streams(truth) and s in streams(cleaned)]
    if not any("motion" in contaminated[s].data_vars for s in rows):
        raise SchemaError(
            "a contaminated recording without `motion`",
            "a mask `motion` (channel, time) in /eeg or /nirs",
            "make it with neurofuse.inject or simulate, or add the mask to the node",
        )
    value = np.full((len(rows), len(UNITS)), np.nan)
    for row, stream in enumerate(rows):
        band = eeg_band if stream == "eeg" else nirs_band
        series, motion, rate = _series(stream, truth, contaminated, cleaned)
        if motion.shape[0]:
            figures = (_eeg if stream == "eeg" else _nirs)(series, motion, rate, band)
            value[row] = [figures.get(metric, np.nan) for metric in UNITS]
    return xr.Dataset(
        {"value": (("modality", "metric"), value)},
        coords={
            "modality": rows,
            "metric": list(UNITS),
            "units": ("metric", list(UNITS.values())),
        },
    )


def match(one: xr.DataTree, other: xr.DataTree) -> None:
    """Raise ParameterError unless the streams that both hold have the same channels and times.

    The order of channels does not matter.
    """
    check(one)
    check(other)
    common = [s for s in streams(one) if s in streams(other)]
    remedy = "give the recording that the other was made from"
    if not common:
        raise ParameterError(
            f"streams {streams(one)} and {streams(other)}", "a stream in both", remedy
        )
    for stream in common:
        first, second = one[stream], other[stream]
        dims = ("channel",) if stream == "eeg" else ("channel", "wavelength")
        for dim in dims:
            names, others = (sorted(n.coords[dim].values.tolist()) for n in (first, second))
            if names != others:
                odd = sorted(set(names) ^ set(others)) or "doubled names"
                raise ParameterError(f"/{stream} with other {dim}s ({odd})", "the same", remedy)
        times, others = first.time.values, second.time.values
        if times.size != others.size or not np.allclose(
            times, others, rtol=0, atol=0.1 / first.attrs["rate"]
        ):
            raise ParameterError(
                f"/{stream} with {times.size} samples from {times[0]:g} s beside {others.size} "
                f"from {others[0]:g} s",
                "the same times",
                remedy,
            )


def _series(stream: str, *recordings: xr.DataTree) -> tuple[Series, np.ndarray, float]:
    """Samples of truth, contaminated, cleaned; motion (row, time); rate."""
    contaminated = stream_dataset(recordings[1], stream)
    used = ~contaminated.bad.values
    if stream == "eeg":
        used &= contaminated.ch_type.values == "eeg"
    names = contaminated.channel.values[used]
    if stream == "eeg":
        arrays = [stream_dataset(r, "eeg").eeg.sel(channel=names).values for r in recordings]
    else:
        where = {"channel": names, "wavelength": contaminated.wavelength.values}
        arrays = [
            stream_dataset(to_optical_density(r), "nirs").od.sel(where).values for r in recordings
        ]
    samples = contaminated.sizes["time"]
    if "motion" in contaminated:
        motion = contaminated.motion.sel(channel=names).values.astype(bool)
    else:
        motion = np.zeros((names.size, samples), bool)
    rows = [np.asarray(a, np.float64).reshape(-1, samples) for a in arrays]
    motion = np.repeat(motion, len(rows[0]) // max(1, names.size), axis=0)
    finite = np.isfinite(rows[0]).all(-1) & np.isfinite(rows[1]).all(-1)
    return [a[finite] for a in rows], motion[finite], float(contaminated.attrs["rate"])


def _eeg(
    series: Series, motion: np.ndarray, rate: float, band: tuple[float, float] | None
) -> dict[str, float]:
    truth, contaminated, cleaned = series
    change = cleaned - contaminated
    series = [_centred(a) for a in series]
    if band is not None:
        series = [bandpass(a, rate, *band) for a in series]
    return {
        **_in_motion(series, motion, rate, WINDOW["eeg"]),
        "clean_change_db": decibel(_energy(change, ~motion), _energy(truth, ~motion)),
        "alpha_ratio_motion": _alpha_ratio(series[0], series[2], motion, rate, inside=True),
        "alpha_ratio_quiet": _alpha_ratio(series[0], series[2], motion, rate, inside=False),
    }


def _nirs(
    series: Series, motion: np.ndarray, rate: float, band: tuple[float, float] | None
) -> dict[str, float]:
    truth, contaminated, cleaned = series
    near = motion
    if motion.any():
        guard = np.ones((1, 2 * round(NIRS_GUARD * rate) + 1), bool)
        near = binary_dilation(motion, structure=guard)
    change = np.diff(cleaned) - np.diff(contaminated)
    quiet = ~(motion[:, 1:] | motion[:, :-1])
    series = [_centred(a) for a in series]
    unfiltered = _in_motion(series, near, rate, WINDOW["nirs"])
    if band is not None:
        series = [bandpass(a, rate, *band) for a in series]
    return {
        **_in_motion(series, near, rate, WINDOW["nirs"]),
        "clean_change_db": decibel(_energy(change, quiet), _energy(np.diff(truth), quiet)),
        "error_db_unfiltered": unfiltered.get("error_db", np.nan),
    }


def _in_motion(series: Series, motion: np.ndarray, rate: float, seconds: float) -> dict[str, float]:
    """The figures in motion of series without constants; none if nothing moves."""
    truth, contaminated, cleaned = series
    moving = np.flatnonzero(motion.any(-1))
    if not moving.size:
        return {}
    rows = []
    for i in moving:
        inside = motion[i]
        wanted, got, untouched = truth[i, inside], cleaned[i, inside], contaminated[i, inside]
        error, before = got - wanted, untouched - wanted
        similar, similar_before = (_correlation(wanted, x) for x in (got, untouched))
        chosen = np.any(windows(inside, rate, seconds), axis=-1)
        target = spectrum(truth[i], rate, seconds, chosen)[1]
        difference = spectrum(cleaned[i], rate, seconds, chosen)[1] - target
        rows.append(
            {
                "truth": (wanted**2).sum(),
                "error": (error**2).sum(),
                "before": (before**2).sum(),
                "time": _root_ratio(error, wanted),
                "spectrum": _root_ratio(difference, target),
                "correlation": similar,
                "snr_before": -decibel(before.var(), wanted.var()),
                "snr_after": -decibel(error.var(), wanted.var()),
                "snr_change": -decibel(error.var(), before.var()),
                "eta": _regained(similar, similar_before),
            }
        )
    column = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    truth_energy, error, before = (column[n].sum() for n in ("truth", "error", "before"))
    pairs = zip(column["error"], column["truth"], strict=True)
    return {
        "error_db": decibel(error, truth_energy),
        "error_db_median": float(np.median([decibel(e, t) for e, t in pairs])),
        "residual": float(error / before) if before > 0 else np.nan,
        "rrmse_time": float(column["time"].mean()),
        "rrmse_spectrum": float(column["spectrum"].mean()),
        "correlation": float(column["correlation"].mean()),
        **{n: float(np.median(column[n])) for n in ("snr_before", "snr_after", "snr_change")},
        "eta": float(np.median(column["eta"])),
    }


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's; NaN for a constant."""
    spread = one.std() * other.std()
    return (
        float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread else np.nan
    )


def _regained(after: float, before: float) -> float:
    """Share [%] of the lacking correlation that came back; a constant correlates with nothing."""
    lacking = 1 - np.nan_to_num(before)
    return 100 * (1 - (1 - np.nan_to_num(after)) / lacking) if lacking > 0 else np.nan


def _alpha_ratio(
    truth: np.ndarray, cleaned: np.ndarray, motion: np.ndarray, rate: float, *, inside: bool
) -> float:
    """Median over channels of alpha power over that of the truth, in windows (not) in motion."""
    ratios = []
    for wanted, got, mask in zip(truth, cleaned, motion, strict=True):
        chosen = np.any(windows(mask, rate, WINDOW["eeg"]), axis=-1) == inside
        if chosen.any():
            frequency, target = spectrum(wanted, rate, WINDOW["eeg"], chosen)
            band = (frequency >= ALPHA[0]) & (frequency <= ALPHA[1])
            power = spectrum(got, rate, WINDOW["eeg"], chosen)[1][band].sum()
            if target[band].sum() > 0:
                ratios.append(power / target[band].sum())
    return float(np.median(ratios)) if ratios else np.nan


def _centred(data: np.ndarray) -> np.ndarray:
    return data - data.mean(-1, keepdims=True)


def _energy(data: np.ndarray, mask: np.ndarray) -> float:
    """Energy without constants of series (row, time) within the mask."""
    parts = (series[inside] for series, inside in zip(data, mask, strict=True))
    return float(sum(((part - part.mean()) ** 2).sum() for part in parts if part.size))


def _root_ratio(error: np.ndarray, reference: np.ndarray) -> float:
    energy = (reference**2).sum()
    return float(np.sqrt((error**2).sum() / energy)) if energy > 0 else np.nan
