"""What the figures of a comparison are called, what they mean, and which way is better."""

import numpy as np

LOWER, HIGHER, ONE, NOUGHT, FULL = "↓", "↑", "→ 1", "→ 0", "→ 100"
DIRECTIONS = {
    LOWER: "lower is better",
    HIGHER: "higher is better",
    ONE: "1 is best",
    NOUGHT: "0 is best",
    FULL: "100 is best",
}
# of each metric: which way is better ("" where it is the same for all methods), and its meaning
METRICS = {
    "error_db": (
        LOWER,
        "energy of cleaned − true over that of the true signal, in motion; an output of zeros "
        "has 0",
    ),
    "error_db_median": (LOWER, "error, median over channels"),
    "error_db_unfiltered": (LOWER, "error without the band-pass"),
    "residual": (
        LOWER,
        "energy of the error over that of the uncorrected recording, in motion; uncorrected has 1",
    ),
    "rrmse_time": (LOWER, "RMS error over RMS of the true signal, in motion"),
    "rrmse_spectrum": (LOWER, "the same of power spectra"),
    "correlation": (HIGHER, "with the true signal, in motion"),
    "snr_before": ("", "signal-to-noise ratio of the uncorrected recording, in motion"),
    "snr_after": (HIGHER, "the same of the cleaned one; an output of zeros has 0"),
    "snr_change": (
        HIGHER,
        "gain in signal-to-noise ratio in motion; zeros gain as much as the recording was noisy",
    ),
    "eta": (
        FULL,
        "how much of the correlation with the true signal that was lost to motion was recovered",
    ),
    "clean_change_db": (
        LOWER,
        "what was changed outside motion, over the energy of the true signal; −inf where nothing "
        "was changed",
    ),
    "alpha_ratio_motion": (ONE, "power in 8–13 Hz over that of the true signal, in motion"),
    "alpha_ratio_quiet": (ONE, "the same outside motion"),
    "noref_motion_ratio": (
        NOUGHT,
        "power in 0.5–8 Hz in windows with motion over that in quiet windows, channel median; "
        "below 0 signals are lost, too",
    ),
    "noref_quiet_change": (
        LOWER,
        "energy of the change in quiet samples (fNIRS: of steps between samples) relative to the "
        "energy there; −inf where nothing was changed",
    ),
    "noref_gvtd_ratio": (
        LOWER,
        "95th percentile over median of GVTD; rises also where quiet parts are smoothed",
    ),
    "noref_sci": (HIGHER, "mean scalp coupling index"),
    "noref_alpha": (ONE, "power in 8–13 Hz of quiet windows, cleaned over recorded"),
    "noref_pulse": (ONE, "power at the pulse rate in quiet windows, cleaned over recorded"),
    "noref_accelerometer": (
        HIGHER,
        "rank correlation of what was removed with the head's acceleration",
    ),
    "kept_delta": (ONE, "power in 1–4 Hz over that of the true signal"),
    "kept_theta": (ONE, "the same in 4–8 Hz"),
    "kept_alpha": (ONE, "the same in 8–13 Hz"),
    "kept_beta": (ONE, "the same in 13–30 Hz"),
    "kept_alpha_peak": (NOUGHT, "shift of the alpha peak"),
    "kept_erp_amplitude": (ONE, "peak of the average over events, over that of the true signal"),
    "kept_erp_latency": (NOUGHT, "its shift"),
    "kept_erp_correlation": (ONE, "correlation of the averages"),
    "kept_hrf_amplitude": (
        ONE,
        "peak of HbO averaged over events, over that of the true signal",
    ),
    "kept_hrf_peak_time": (NOUGHT, "its shift"),
    "kept_hrf_area": (ONE, "its area over that of the true signal"),
    "kept_glm_beta": (ONE, "size of the canonical response over that in the truth"),
    "kept_connectivity": (
        NOUGHT,
        "change of the matrix between channels (EEG: coherence in 8–13 Hz; fNIRS: correlation of "
        "HbO) over its mean",
    ),
    "kept_coupling": (
        NOUGHT,
        "change of the correlation between the decrease of rhythms and HbO 5 s later "
        "(neurovascular coupling)",
    ),
}
PRESERVED = "kept_"
ABBREVIATIONS = ("erp", "glm", "gvtd", "hrf", "rrmse", "sci", "snr")


def heading(metric: str, units: str = "1") -> str:
    """A metric as a column's heading, with an arrow that points to what is better.

    Examples
    --------
    >>> heading("error_db", "dB"), heading("noref_alpha"), heading("kept_hrf_area")
    ('error [dB] ↓', 'alpha → 1', 'HRF area → 1')
    """
    way, _ = METRICS.get(metric, ("", ""))
    return f"{name_of(metric)}{'' if units == '1' else f' [{units}]'} {way}".rstrip()


def name_of(metric: str) -> str:
    """A metric in words.

    Examples
    --------
    >>> name_of("noref_motion_ratio"), name_of("error_db_median")
    ('motion ratio', 'error median')
    """
    words = metric.removeprefix("noref_").removeprefix(PRESERVED).replace("_db", "").split("_")
    return " ".join(word.upper() if word in ABBREVIATIONS else word for word in words)


def meaning(metric: str) -> str:
    """What a metric is and which way is better, as a legend has it; "" of another's metric.

    Examples
    --------
    >>> meaning("correlation")
    'with the true signal, in motion; higher is better'
    """
    way, text = METRICS.get(metric, ("", ""))
    return f"{text}; {DIRECTIONS[way]}" if way else text


def badness(metric: str, values: np.ndarray) -> np.ndarray:
    """How far values are from the best one could be: the smallest is the best; NaN without a way.

    Examples
    --------
    >>> badness("kept_alpha", np.array([1.0, 0.5, 2.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    way, _ = METRICS.get(metric, ("", ""))
    values = np.asarray(values, float)
    if way in (LOWER, HIGHER):
        return values if way == LOWER else -values
    best = {ONE: 1.0, NOUGHT: 0.0, FULL: 100.0}.get(way, np.nan)
    return np.abs(values - best)
