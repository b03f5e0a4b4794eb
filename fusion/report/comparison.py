"""The report's page of a comparison: errors, what is kept of brain signals, what did not run."""

from html import escape

import numpy as np
import xarray as xr

from neurofuse.fusion.report.html import cell, table
from neurofuse.io.errors import ParameterError

MEANING = {
    "error_db": "energy of cleaned − truth over that of the truth, in movement; lower is better, "
    "an output of zeros has 0",
    "error_db_median": "the same, median over channels",
    "error_db_unfiltered": "error without the band-pass",
    "residual": "energy of the error over that of the untouched recording, in movement; lower is "
    "better, untouched has 1",
    "rrmse_time": "RMS error over RMS of the truth, in movement; lower is better",
    "rrmse_spectrum": "the same of power spectra",
    "correlation": "with the truth, in movement; higher is better",
    "snr_before": "signal-to-noise ratio of the untouched recording, in movement",
    "snr_after": "the same of the cleaned one; higher is better, an output of zeros has 0",
    "snr_change": "the gain; higher is better, but zeros gain as much as the recording was bad",
    "eta": "share of the lacking correlation with the truth that came back; 100 is best",
    "clean_change_db": "what was changed outside movement, over the energy of the truth; lower is "
    "better, −inf where nothing was touched",
    "alpha_ratio_motion": "power in 8–13 Hz over that of the truth, in movement; 1 is best",
    "alpha_ratio_quiet": "the same outside movement",
    "noref_motion_ratio": "power in 0.5–8 Hz in moving relative to quiet windows, channel median",
    "noref_quiet_change": "energy of the change in quiet samples (fNIRS: of steps between samples) "
    "relative to the energy there; −inf where nothing was touched",
    "noref_gvtd_ratio": "95th percentile over median of GVTD; rises also where quiet parts are "
    "smoothed",
    "noref_sci": "mean scalp coupling index",
    "noref_alpha": "power in 8–13 Hz of quiet windows after over before; 1 is best",
    "noref_pulse": "power of the pulse's line in quiet windows after over before; 1 is best",
    "noref_accelerometer": "rank correlation of what was taken out with how the head shook",
    "kept_delta": "power in 1–4 Hz over that of the truth; 1 is best, as for all that is kept",
    "kept_theta": "the same in 4–8 Hz",
    "kept_alpha": "the same in 8–13 Hz",
    "kept_beta": "the same in 13–30 Hz",
    "kept_alpha_peak": "shift of the alpha peak; 0 is best",
    "kept_erp_amplitude": "peak of the average over events, over that of the truth",
    "kept_erp_latency": "its shift; 0 is best",
    "kept_erp_correlation": "of the averages",
    "kept_hrf_amplitude": "peak of HbO averaged over events, over that of the truth",
    "kept_hrf_peak_time": "its shift; 0 is best",
    "kept_hrf_area": "its area over that of the truth",
    "kept_glm_beta": "size of the canonical response over that in the truth",
    "kept_connectivity": "change of the matrix between channels (EEG: coherence in 8–13 Hz; fNIRS: "
    "correlation of HbO) over its mean; 0 is best",
    "kept_coupling": "change of the correlation between rhythms' fall and HbO 5 s later; 0 is best",
}
KEPT = "kept_"
SHORT = ("erp", "glm", "gvtd", "hrf", "rrmse", "sci", "snr")


def heading(metric: str, units: str = "1") -> str:
    """A metric as a column's head.

    Examples
    --------
    >>> heading("noref_motion_ratio", "dB"), heading("error_db_median"), heading("kept_hrf_area")
    ('motion ratio [dB]', 'error median', 'HRF area')
    """
    words = metric.removeprefix("noref_").removeprefix(KEPT).replace("_db", "").split("_")
    text = " ".join(word.upper() if word in SHORT else word for word in words)
    return text if units == "1" else f"{text} [{units}]"


def comparison_section(comparison: xr.Dataset) -> str:
    """HTML of a comparison: for each stream a table of errors and one of what is kept.

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
        name = {"eeg": "EEG", "nirs": "fNIRS"}.get(str(modality), str(modality))
        kept = np.char.startswith(value.metric.values.astype(str), KEPT)
        text += f"<h3>{escape(name)}</h3>" + (_rows(value[:, ~kept]) or "<p>No figure.</p>")
        brain = _rows(value[:, kept])
        text += f"<h4>Brain signals kept in {escape(name)}</h4>{brain}" if brain else ""
        known = value.metric.values[value.notnull().any("method").values]
        shown += [n for n in known.tolist() if n not in shown]
    text += _cost(comparison)
    if "failure" in comparison.coords:
        pairs = zip(comparison.method.values, comparison.failure.values, strict=True)
        failed = [f"<li>{escape(f'{m}: {reason}')}</li>" for m, reason in pairs if reason]
        text += f"<h3>Did not run</h3><ul>{''.join(failed)}</ul>" if failed else ""
    if comparison.attrs.get("truth") == "unknown":
        text += "<p>Truth unknown: these figures tell what shrank, not what was artifact.</p>"
    meanings = [
        f"<dt>{'kept: ' * n.startswith(KEPT)}{escape(heading(n))}</dt><dd>{MEANING[n]}</dd>"
        for n in shown
        if n in MEANING
    ]
    return text + (f'<dl class="note">{"".join(meanings)}</dl>' if meanings else "")


def _cost(comparison: xr.Dataset) -> str:
    """What methods cost: time, memory, and how much of the future they look at."""
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
    caption = "Time and peak memory of this run; delay is how much of the future a method looks at."
    return f"<h3>Cost</h3>{table(head, body, caption)}" if body else ""


def _rows(value: xr.DataArray) -> str:
    """A table of (method, metric) without what nobody has; empty if nothing is known."""
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
