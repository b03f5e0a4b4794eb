"""The report's section on the self-test: how well methods clean this recording."""

from html import escape

import numpy as np

from neurofuse.fusion.report.html import table
from neurofuse.fusion.self_test import SelfTest
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES

HEADS = {  # of the figures, and how they are written
    "error_db": ("Error in motion [dB]", "{:+.1f}"),
    "clean_change_db": ("Harm to quiet parts [dB]", "{:+.0f}"),
    "alpha_kept": ("Alpha waves kept", "{:.2f}"),
    "response_kept": ("Responses kept", "{:.2f}"),
}


def self_test_section(found: SelfTest) -> str:
    """HTML of a result of `neurofuse.self_test`.

    Raises
    ------
    ParameterError
        If it is something else.

    Examples
    --------
    >>> import xarray as xr
    >>> self_test_section(SelfTest(xr.Dataset(), {}, {"eeg": "EEG: no quiet stretch"}))
    '<h3>EEG</h3><ul><li>EEG: no quiet stretch.</li></ul>'
    """
    if not isinstance(found, SelfTest):
        raise ParameterError(
            f"a self-test that is a {type(found).__name__}",
            "what neurofuse.self_test returned",
            "call it with the recording",
        )
    parts = []
    for modality in dict.fromkeys((*found.movements, *found.lacking)):
        lines = "".join(f"<li>{escape(line)}</li>" for line in found.sentences(modality))
        parts.append(f"<h3>{MODALITIES[modality].display}</h3><ul>{lines}</ul>")
        if modality in found.tested:
            parts.append(_table(found, modality))
    failed = [f"{name} did not run: {why}" for name, why in found.failures().items()]
    parts += [f"<p>{escape(line)}</p>" for line in failed]
    return "".join(parts)


def _table(found: SelfTest, modality: str) -> str:
    known = found.table.value.loc[:, modality].dropna("metric", how="all").metric.values
    shown = [metric for metric in HEADS if metric in known]
    rows = [
        [method, *(_cell(found.figure(method, modality, metric), metric) for metric in shown)]
        for method, _ in found.ranking(modality)
    ]
    caption = (
        f"The recording's own movements within {found.seconds:.0f} s, moved into its own quiet "
        "stretches. An output of zeros has an error of 0 dB; kept is 1 where all of it is there."
    )
    heads = ["Method", *(HEADS[metric][0] for metric in shown)]
    return table(heads, rows, caption, best={(0, 1)} if found.recommended(modality) else set())


def _cell(value: float, metric: str) -> str:
    if np.isnan(value):
        return "–"
    return HEADS[metric][1].format(value) if np.isfinite(value) else "none"
