"""Clean EEG and fNIRS: what was measured, measured again, and what simulated recordings have.

    python -m benchmarks.realism.clean --participants 12

prints, for every quantity of section 3 of motion_statistics.md, its measured 5, 50 and 95 % values,
the same from this file's code on the real recordings at hand (eegmat rest, Homer3 Example6, a part
of those behind the statistics), and the same of simulated participants; "inside" means that the
median of the simulated values lies in the measured 5-95 % range.
"""

import argparse
import json
import logging
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import xarray as xr
from scipy import signal

from benchmarks.realism.nirs import STATISTICS
from neurofuse.io import read, to_haemoglobin, to_optical_density
from neurofuse.models.training.split import data_folder
from neurofuse.synth import simulate

BANDS = {"0p5_2": (0.5, 2), "2_4": (2, 4), "4_8": (4, 8), "8_13": (8, 13), "13_30": (13, 30)}
CORRELATED = {"1_40": (1, 40), "1_4": (1, 4), "8_13": (8, 13), "13_30": (13, 30)}
DISTANCES = {
    "3_7": (0.03, 0.07),
    "7_10": (0.07, 0.10),
    "10_13": (0.10, 0.13),
    "13_22": (0.13, 0.22),
}
EXAMPLE6 = "fnirs_clean_homer3_example6_"
COUPLED = 0.7  # scalp coupling from which a channel counts
FRESH = range(9_000, 9_012)  # seeds never looked at while tuning

Values = dict[str, np.ndarray]


def band(x: np.ndarray, rate: float, low: float, high: float) -> np.ndarray:
    """Band-pass along time, without delay."""
    sos = signal.butter(3, [low, min(high, 0.49 * rate)], "bandpass", fs=rate, output="sos")
    return signal.sosfiltfilt(sos, x, axis=-1)


def slope(frequency: np.ndarray, power: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Slopes (channel,) of log power against log frequency."""
    return np.polyfit(np.log10(frequency[used]), np.log10(power[..., used]).T, 1)[0]


def measure_eeg(recording: xr.DataTree) -> Values:
    """Quantities of one participant's EEG: key of the JSON -> one value, or one a channel."""
    node = recording["eeg"]
    rate = float(node.attrs["rate"])
    keep = (node.ch_type.values == "eeg") & ~node.bad.values
    volt = node.eeg.transpose("channel", "time").values[keep] * 1e6
    place = node.position.values[keep]
    frequency, power = signal.welch(volt, rate, nperseg=int(4 * rate))
    away = (frequency >= 2) & (frequency <= 40) & ((frequency < 6.5) | (frequency > 14))
    results: Values = {"eeg_clean_psd_slope_2_40hz": slope(frequency, power, away)}
    names = [str(n) for n in node.channel.values[keep]]
    back = [i for i, n in enumerate(names) if n in ("O1", "O2", "P3", "P4", "Pz")]
    spectrum = np.median(power[back or slice(None)], axis=0)
    fit = np.polyfit(np.log10(frequency[away]), 10 * np.log10(spectrum[away]), 1)
    above = 10 * np.log10(np.maximum(spectrum, 1e-30)) - np.polyval(
        fit, np.log10(np.maximum(frequency, 0.1))
    )
    alpha = np.flatnonzero((frequency >= 7) & (frequency <= 13.5))
    peak = alpha[above[alpha].argmax()]
    results["eeg_clean_alpha_peak_hz"] = frequency[[peak]]
    results["eeg_clean_alpha_prominence_db"] = above[[peak]]
    broad = band(volt, rate, 1, 40)
    results["eeg_clean_sd_1_40hz_uv"] = np.array([np.median(broad.std(axis=1))])
    window = int(2 * rate)
    whole = band(volt, rate, 0.5, 45)
    cut = whole[:, : whole.shape[1] // window * window].reshape(len(broad), -1, window)
    results["eeg_clean_ptp_2s_uv"] = np.array([np.median(np.ptp(cut, axis=-1))])
    for name, (low, high) in BANDS.items():
        rms = np.sqrt(power[:, (frequency >= low) & (frequency < high)].sum(axis=1) * frequency[1])
        results[f"eeg_clean_rms_{name}_hz_uv"] = np.array([np.median(rms)])
    apart = np.linalg.norm(place[:, None] - place, axis=-1)
    upper = np.triu(np.ones(apart.shape, bool), 1)
    for name, limits in CORRELATED.items():
        alike = np.corrcoef(band(volt, rate, *limits))
        for far, (near, limit) in DISTANCES.items():
            pairs = upper & (apart >= near) & (apart < limit)
            if pairs.any():
                key = f"eeg_clean_corr_{name}_hz_dist_{far}cm"
                results[key] = np.array([np.median(alike[pairs])])
    return results


def measure_nirs(recording: xr.DataTree, prefix: str = EXAMPLE6) -> Values:
    """Quantities of one fNIRS recording's long channels: key -> one value, or one a channel."""
    node = to_haemoglobin(to_optical_density(recording), partial_pathlength=6.0)["nirs"]
    rate = float(node.attrs["rate"])
    long = ~node.short.values & np.isfinite(node.hbo.values).all(axis=1)
    od = node.od.transpose("channel", "wavelength", "time").values[long][
        ..., int(rate) : -int(rate)
    ]
    hbo = node.hbo.values[long][..., int(rate) : -int(rate)]
    heart = band(od, rate, 0.7, 2.0)
    coupling = np.array([np.corrcoef(c[0], c[1])[0, 1] for c in heart])
    good = coupling > COUPLED
    results = {"channel_fraction_scalp_coupling_gt_0p7": good.astype(float)}
    od, hbo = od[good], hbo[good]
    if len(od) >= 2:
        results |= _pulse(od, rate) | _slow(od, hbo, rate)
    return {prefix + key: value for key, value in results.items()}


def _spectra(x: np.ndarray, rate: float, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    return signal.welch(x, rate, nperseg=min(int(seconds * rate), x.shape[-1]), detrend="linear")


def _peak(
    frequency: np.ndarray, power: np.ndarray, low: float, high: float, around: tuple[float, float]
) -> tuple[float, np.ndarray]:
    """Peak frequency of the channels' median, and its height [dB] over the power-law beside it."""
    inside = (frequency >= low) & (frequency <= high)
    near = (frequency >= around[0]) & (frequency <= around[1]) & (frequency > 0)
    x = np.log10(np.maximum(frequency, 1e-6))
    decibels = 10 * np.log10(np.maximum(power, 1e-30))
    typical = np.median(decibels, axis=0)
    beside = near & ~inside
    fits = np.polyfit(x[beside], decibels[:, beside].T, 1)
    rest = np.polyfit(x[beside], typical[beside], 1)
    spot = np.flatnonzero(inside)[(typical - np.polyval(rest, x))[inside].argmax()]
    return float(frequency[spot]), decibels[:, spot] - (fits[0] * x[spot] + fits[1])


def _pulse(od: np.ndarray, rate: float) -> Values:
    frequency, power = _spectra(od, rate, 60.0)
    peak, height = _peak(frequency, power[:, 1], 0.7, 1.6, (0.5, 2.2))
    beat = band(od, rate, max(peak - 0.3, 0.5), peak + 0.3)
    rms = beat.std(axis=-1)
    alike = np.corrcoef(band(od[:, 1], rate, 0.5, 2.0))
    return {
        "cardiac_peak_hz": np.array([peak]),
        "cardiac_prominence_db": height,
        "cardiac_rms_od_w2": rms[:, 1],
        "cardiac_amplitude_ratio_short_over_long_wavelength": rms[:, 0] / rms[:, 1],
        "interchannel_corr_od_0p5_2hz": np.array([np.median(alike[np.triu_indices(len(od), 1)])]),
    }


def _slow(od: np.ndarray, hbo: np.ndarray, rate: float) -> Values:
    frequency, power = _spectra(od, rate, 100.0)
    used = (frequency >= 0.01) & (frequency <= 0.6)
    mayer, height = _peak(frequency, power[:, 1], 0.07, 0.13, (0.03, 0.25))
    breath, rise = _peak(frequency, power[:, 1], 0.15, 0.4, (0.1, 0.6))
    hbo_frequency, hbo_power = _spectra(hbo, rate, 100.0)
    alike = np.corrcoef(band(hbo, rate, 0.01, 0.2))
    return {
        "mayer_peak_hz": np.array([mayer]),
        "mayer_prominence_db": np.array([np.median(height)]),
        "respiration_peak_hz": np.array([breath]),
        "respiration_prominence_db": np.array([np.median(rise)]),
        "band_0p06_0p14hz_rms_od_w2": band(od[:, 1], rate, 0.06, 0.14).std(axis=-1),
        "band_0p15_0p45hz_rms_od_w2": band(od[:, 1], rate, 0.15, 0.45).std(axis=-1),
        "psd_slope_0p01_0p6hz_od_w1": slope(frequency, power[:, 0], used),
        "psd_slope_0p01_0p6hz_od_w2": slope(frequency, power[:, 1], used),
        "psd_slope_0p01_0p6hz_hbo": slope(hbo_frequency, hbo_power, used),
        "interchannel_corr_hbo_0p01_0p2hz": np.array(
            [np.median(alike[np.triu_indices(len(hbo), 1)])]
        ),
    }


def gather(recordings: Iterable[xr.DataTree], measure: Callable[[xr.DataTree], Values]) -> Values:
    """The values of several recordings, one after another."""
    results: dict[str, list[np.ndarray]] = {}
    for recording in recordings:
        for key, value in measure(recording).items():
            results.setdefault(key, []).append(value)
    return {key: np.concatenate(values) for key, values in results.items()}


def clean_quantities(seeds: Iterable[int] = FRESH) -> Values:
    """Quantities of simulated participants, by their key in the JSON (without the percentile).

    EEG as eegmat has it (19 electrodes, 182 s at rest, 250 Hz), fNIRS as Example6 (690 and 830 nm,
    5 Hz, 392 s, tapping).
    """
    seeds = list(seeds)
    eeg = (simulate(182.0, seed=s, severity=0.0, nirs_montage=None, task=None)[0] for s in seeds)
    nirs = (
        simulate(
            392.0, seed=s, severity=0.0, eeg_montage=None, nirs_rate=5.0, wavelengths=(690.0, 830.0)
        )[0]
        for s in seeds
    )
    return gather(eeg, measure_eeg) | gather(nirs, measure_nirs)


def real_quantities(data: Path) -> Values:
    """The same of the real recordings at hand."""
    eeg = (read(p) for p in sorted((data / "eeg_clean").glob("*rest*.edf")))
    nirs = (
        read(p) for p in sorted((data / "fnirs_clean" / "homer3_fingertapping").glob("*.snirf"))
    )
    return gather(eeg, measure_eeg) | gather(nirs, measure_nirs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--participants", type=int, default=len(FRESH), help="simulated")
    parser.add_argument("--first", type=int, default=FRESH.start, help="seed")
    chosen = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    wanted_all = json.loads(STATISTICS.read_text(encoding="utf-8"))
    folder = data_folder()
    real = real_quantities(folder) if folder else {}
    made = clean_quantities(range(chosen.first, chosen.first + chosen.participants))
    print("| quantity | strength | measured 5/50/95 % | measured again | simulated | |")
    print("|---|---|---|---|---|---|")
    for key, values in made.items():
        percentiles = [wanted_all.get(f"{key}_q{q:02d}", {}).get("value") for q in (5, 50, 95)]
        strength = wanted_all.get(f"{key}_q50", wanted_all.get(key, {})).get("strength", "-")
        verdict, middle = "", float(np.median(values))
        if None not in percentiles:
            verdict = "inside" if percentiles[0] <= middle <= percentiles[2] else "OUTSIDE"
        elif key in wanted_all:
            percentiles, values = [wanted_all[key]["value"]], values.mean(keepdims=True)
            real[key] = real.get(key, np.zeros(1)).mean(keepdims=True)
        again = _three(real[key]) if key in real else "-"
        wanted = " / ".join(f"{p:.3g}" for p in percentiles if p is not None)
        print(f"| {key} | {strength} | {wanted} | {again} | {_three(values)} | {verdict} |")


def _three(values: np.ndarray) -> str:
    shown = np.percentile(values, [5, 50, 95]) if len(values) > 1 else values
    return " / ".join(f"{x:.3g}" for x in shown)


if __name__ == "__main__":
    main()
