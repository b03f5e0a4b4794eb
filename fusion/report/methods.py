"""A paragraph for a paper's Methods, made only of what the files and figures say."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from neurofuse.fusion.methods.learned import Learned
from neurofuse.fusion.methods.registry import get_method, names
from neurofuse.fusion.report.citations import method_of
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.cleaning_summary import CleaningSummary
from neurofuse.fusion.views.cleaning_text import contents, versions
from neurofuse.fusion.views.phrases import listed, percent
from neurofuse.io.modality import MODALITIES, NIRS
from neurofuse.io.recording import provenance

READING = ("from_mne", "read_xdf", "join")
MODEL = (
    "From {inputs} the network estimates when and in which frequency bands each channel contains "
    "artifacts, which gives their covariance; {filters}. Outside the motion mask, {unchanged} "
    "remain unchanged."
)
FILTER = {
    "eeg": "from EEG it is removed by a multichannel Wiener filter (after Somers et al. 2018)",
    "nirs": "from fNIRS it is removed by a Gaussian smoother of the changes of optical density, "
    "and baseline levels after movements are estimated as those of a process that returns to its "
    "mean (Uhlenbeck and Ornstein 1930)",
}
ALIGNED_BY = {
    "offset": "a given offset",
    "events": "events in both files",
    "clock": "the measurement dates",
    "stamps": "the time stamps of the file",
    "physiology": "heart rate",
}


def methods_paragraph(
    recording: xr.DataTree, views: Sequence[View], summaries: Sequence[CleaningSummary]
) -> str:
    """The paragraph; `recording` is the cleaned one, whose provenance names the steps.

    Examples
    --------
    >>> import neurofuse as nf
    >>> from neurofuse.fusion.views.before_after import views_of
    >>> from neurofuse.fusion.views.cleaning_summary import summarize
    >>> before, _ = nf.simulate(20, nirs_montage=None)
    >>> after = nf.clean(before, "asr")
    >>> views = views_of(before, after)
    >>> "cleaned with “asr”" in methods_paragraph(after, views, [summarize(v) for v in views])
    True
    """
    installed = dict(versions())
    text = [
        f"{listed([contents(v) for v in views])} {_was(views)} processed with neurofuse "
        f"{installed.get('neurofuse', '')} (on MNE-Python {installed.get('mne', '')}, Gramfort et "
        f"al. 2013, and Python {installed['Python']})."
    ]
    if len(views) > 1 and "clock" in recording.children:
        text += _clock(recording["clock"].to_dataset())
    for step in provenance(recording):
        if step.get("step") not in READING:
            text.append(_step(step))
    for view, summary in zip(views, summaries, strict=True):
        text += _figures(view, summary)
    if any(view.modality is NIRS for view in views):
        text.append(
            "Optode contact was assessed by the scalp coupling index (Pollonini et al. 2014), "
            "motion common to all fNIRS channels by the global variance of temporal derivatives "
            "(Sherafati et al. 2020)."
        )
    return " ".join(text)


def _step(step: Mapping[str, Any]) -> str:
    """One sentence for a step of the provenance."""
    kind, parameters = str(step.get("step")), step.get("parameters") or {}
    if kind == "clean":
        return _cleaning(method_of(step), parameters.get("streams"))
    if kind == "mark_bad":
        return "Channels without a usable signal were marked bad and left out."
    if kind == "to_haemoglobin":
        factor = parameters.get("partial_pathlength")
        return (
            "Optical density was converted to changes of haemoglobin concentration by the modified "
            f"Beer-Lambert law (partial pathlength factor {factor}; Delpy et al. 1988)."
        )
    settings = ", ".join(f"{name} = {value}" for name, value in parameters.items())
    return f"Then the step “{kind}” was applied{f' ({settings})' if settings else ''}."


def _cleaning(method: str, streams: Sequence[str] | None) -> str:
    citation = _citation(method)
    source = f" ({citation})" if citation else ""
    if not streams:
        nothing = "" if streams is None else " and changes no modality"
        return f"“{method}”{source} was applied{nothing}."
    treated = listed([MODALITIES[stream].display for stream in streams])
    if citation:
        return f"{treated} {_was(streams)} cleaned with “{method}”{source}."
    joint = len(streams) > 1
    details = MODEL.format(
        inputs="both modalities" if joint else "this modality",
        filters=listed([FILTER[stream] for stream in streams]),
        unchanged=listed(
            [f"{MODALITIES[stream].compared} of {MODALITIES[stream].display}" for stream in streams]
        ),
    )
    jointly = " jointly" if joint else ""
    how = f"{jointly} with the model “{method}”"
    return f"Motion artifacts were removed from {treated}{how}. {details}"


def _citation(method: str) -> str:
    """The paper of a baseline method or plug-in; "" for learned models, which are described."""
    if method not in names():
        return ""
    cleaner = get_method(method)
    return "" if isinstance(cleaner, Learned) else cleaner.citation.rstrip(".")


def _was(subjects: Sequence[object]) -> str:
    return "were" if len(subjects) > 1 else "was"


def _figures(view: View, summary: CleaningSummary) -> list[str]:
    """How much motion there was, how much was changed, and bad channels."""
    text = []
    if view.treated:
        how = "detected" if view.gate is not None else "injected"
        motion = ""
        if summary.motion_seconds is not None:
            seconds = f"{summary.motion_seconds:.1f} s of {view.seconds:.1f} s"
            motion = f"motion was {how} in {seconds}, and "
        text.append(
            f"In {view.name}, {motion}{percent(summary.unchanged)} of the "
            f"{view.modality.compared} were left unchanged."
        )
    bad = [name for name, bad in zip(view.channel, view.bad, strict=True) if bad]
    if bad:
        text.append(f"{view.name} channels marked bad: {', '.join(bad)}.")
    return text


def _clock(clock: xr.Dataset) -> list[str]:
    """How the modalities that do not define the clock were aligned to it."""
    text = []
    for stream in clock.stream.values.astype(str):
        row = clock.sel(stream=stream)
        method = str(row.method.item())
        if method == "own":
            continue
        drift = f", drift {float(row.drift):.3g} ppm" if float(row.drift) else ""
        anchors = int(row.anchors)
        fit = f", {anchors} anchors, residual {float(row.residual) * 1e3:.3g} ms" if anchors else ""
        name = MODALITIES[stream].display if stream in MODALITIES else stream
        text.append(
            f"{name} was aligned to the common clock by {ALIGNED_BY.get(method, f'“{method}”')} "
            f"(offset {float(row.offset):.4g} s{drift}{fit})."
        )
    return text
