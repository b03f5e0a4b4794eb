"""The report's comparison of methods: errors, preservation of brain signals, what did not run."""

from html import escape

import numpy as np
import xarray as xr

from neurofuse.fusion.report.html import cell, table
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES

MEANING = {
    "error_db": "energy of cleaned − true over that of the true signal, in motion; lower is "
    "better, an output of zeros has 0",
    "error_db_median": "the same, median over channels",
    "error_db_unfiltered": "error without the band-pass",
    "residual": "energy of the error over that of the uncorrected recording, in motion; lower is "
    "better, uncorrected has 1",
    "rrmse_time": "RMS error over RMS of the true signal, in motion; lower is better",
    "rrmse_spectrum": "the same of power spectra",
    "correlation": "with the true signal, in motion; higher is better",
    "snr_before": "signal-to-noise ratio of the uncorrected recording, in motion",
    "snr_after": "the same of the cleaned one; higher is better, an output of zeros has 0",
    "snr_change": "their difference; higher is better, but zeros gain as much as the recording was "
    "noisy",
    "eta": "how much of the correlation with the true signal that was lost to motion was "
    "recovered; 100 is best",
    "clean_change_db": "what was changed outside motion, over the energy of the true signal; lower "
    "is better, −inf where nothing was changed",
    "alpha_ratio_motion": "power in 8–13 Hz over that of the true signal, in motion; 1 is best",
    "alpha_ratio_quiet": "the same outside motion",
    "noref_motion_ratio": "power in 0.5–8 Hz in windows with motion over that in quiet windows, "
    "channel median",
    "noref_quiet_change": "energy of the change in quiet samples (fNIRS: of steps between samples) "
    "relative to the energy there; −inf where nothing was changed",
    "noref_gvtd_ratio": "95th percentile over median of GVTD; rises also where quiet parts are "
    "smoothed",
    "noref_sci": "mean scalp coupling index",
    "noref_alpha": "power in 8–13 Hz of quiet windows, cleaned over recorded; 1 is best",
    "noref_pulse": "power at the pulse rate in quiet windows, cleaned over recorded; 1 is best",
    "noref_accelerometer": "rank correlation of what was removed with the head's acceleration",
    "kept_delta": "power in 1–4 Hz over that of the true signal; 1 is best, as for all preserved "
    "signals",
    "kept_theta": "the same in 4–8 Hz",
    "kept_alpha": "the same in 8–13 Hz",
    "kept_beta": "the same in 13–30 Hz",
    "kept_alpha_peak": "shift of the alpha peak; 0 is best",
    "kept_erp_amplitude": "peak of the average over events, over that of the true signal",
    "kept_erp_latency": "its shift; 0 is best",
    "kept_erp_correlation": "of the averages",
    "kept_hrf_amplitude": "peak of HbO averaged over events, over that of the true signal",
    "kept_hrf_peak_time": "its shift; 0 is best",
    "kept_hrf_area": "its area over that of the true signal",
    "kept_glm_beta": "size of the canonical response over that in the truth",
    "kept_connectivity": "change of the matrix between channels (EEG: coherence in 8–13 Hz; fNIRS: "
    "correlation of HbO) over its mean; 0 is best",
    "kept_coupling": "change of the correlation between the decrease of rhythms and HbO 5 s later "
    "(neurovascular coupling); 0 is best",
}
PRESERVED = "kept_"
ABBREVIATIONS = ("erp", "glm", "gvtd", "hrf", "rrmse", "sci", "snr")


def heading(metric: str, units: str = "1") -> str:
    """A metric as a column's heading.

    Examples
    --------
    >>> heading("noref_motion_ratio", "dB"), heading("error_db_median"), heading("kept_hrf_area")
    ('motion ratio [dB]', 'error median', 'HRF area')
    """
    words = metric.removeprefix("noref_").removeprefix(PRESERVED).replace("_db", "").split("_")
    text = " ".join(word.upper() if word in ABBREVIATIONS else word for word in words)
    return text if units == "1" else f"{text} [{units}]"


def comparison_section(comparison: xr.Dataset) -> str:
    """HTML of a comparison: for each modality a table of errors and one of preservation.

    Raises
    ------
    ParameterError
        If it is not what `neurofuse.compare` returns.
    """
    if not {"method", "modality", "metric"} <= set(comparison.get("value", xr.DataArray()).dims):
        raise ParameterError(
            f"a comparison of {sorted(map(str, comparison.variables))}",
            "`value` over method, modality and metric",
            "pass what neurofuse.compare returned",
        )
    text = ""
    shown: list[str] = []
    for modality in comparison.modality.values:
        value = comparison.value.sel(modality=modality).transpose("method", "metric")
        name = MODALITIES[str(modality)].display
        preserved = np.char.startswith(value.metric.values.astype(str), PRESERVED)
        text += f"<h3>{escape(name)}</h3>" + (_rows(value[:, ~preserved]) or "<p>No figure.</p>")
        brain = _rows(value[:, preserved])
        text += f"<h4>Preservation of brain signals in {escape(name)}</h4>{brain}" if brain else ""
        known = value.metric.values[value.notnull().any("method").values]
        shown += [n for n in known.tolist() if n not in shown]
    text += _cost(comparison)
    if "failure" in comparison.coords:
        pairs = zip(comparison.method.values, comparison.failure.values, strict=True)
        failed = [f"<li>{escape(f'{m}: {reason}')}</li>" for m, reason in pairs if reason]
        text += f"<h3>Did not run</h3><ul>{''.join(failed)}</ul>" if failed else ""
    if comparison.attrs.get("truth") == "unknown":
        text += (
            "<p>Truth unknown: these no-reference metrics show what became smaller, not what was "
            "artifact.</p>"
        )
    meanings = [
        f"<dt>{'preserved: ' * n.startswith(PRESERVED)}{escape(heading(n))}</dt>"
        f"<dd>{MEANING[n]}</dd>"
        for n in shown
        if n in MEANING
    ]
    return text + (f'<dl class="note">{"".join(meanings)}</dl>' if meanings else "")


def _cost(comparison: xr.Dataset) -> str:
    """What methods cost: time, memory, and how much of the future they need."""
    if not {"seconds", "memory", "delay"} <= set(comparison.variables):
        return ""
    body = [
        [
            str(row.method.item()),
            cell(row.seconds.item()),
            cell(row.memory.item() / 1e6),
            "whole recording" if np.isinf(row.delay) else cell(row.delay.item()),
        ]
        for row in (comparison.isel(method=m) for m in range(comparison.sizes["method"]))
        if np.isfinite(row.seconds)
    ]
    head = ["Method", "time [s]", "memory [MB]", "delay [s]"]
    caption = "Time and peak memory of this run; delay is how much of the future a method needs."
    return f"<h3>Cost</h3>{table(head, body, caption)}" if body else ""


def _rows(value: xr.DataArray) -> str:
    """A table of (method, metric) without empty rows and columns; "" if nothing is known."""
    known = value.notnull().values
    metrics = np.flatnonzero(known.any(axis=0))
    head = ["Method"]
    for metric in value.metric[metrics]:
        unit = str(metric.units.item()) if "units" in metric.coords else "1"
        head.append(heading(str(metric.item()), unit))
    body = [
        [str(value.method.values[m]), *(cell(value.values[m, k]) for k in metrics)]
        for m in np.flatnonzero(known.any(axis=1))
    ]
    return table(head, body, kind="wide") if body else ""
