"""A paragraph for a paper's Methods, made only of what the files and figures say."""

from collections.abc import Sequence

import xarray as xr

from neurofuse.fusion.methods.registry import PEERS
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.summary import Summary, contents, listed, percent, versions
from neurofuse.io.recording import provenance

NAME = {"eeg": "EEG", "nirs": "fNIRS"}
READING = ("from_mne", "read_xdf", "join")
MODEL = (
    "From {seen} the network estimates when and in which frequency bands each channel moves, which "
    "gives the covariance of the artifact; {filters}. Where it sees no movement, {kept} unchanged."
)
FILTER = {
    "eeg": "from EEG it is removed by a multichannel Wiener filter (after Somers et al. 2018)",
    "nirs": "from fNIRS it is removed by a Gaussian smoother of the changes of optical density, "
    "and levels after movements are set as those of a process that returns to its mean (Uhlenbeck "
    "and Ornstein 1930)",
}
UNCHANGED = {"eeg": "samples of EEG", "nirs": "steps between samples of fNIRS"}
CLOCK = {
    "offset": "by a given offset",
    "events": "by events that both recorded",
    "clock": "by their measurement dates",
    "stamps": "by the time stamps of the file",
    "physiology": "by heart rate",
}


def methods_paragraph(recording: xr.DataTree, found: list[View], measured: list[Summary]) -> str:
    """The paragraph; `recording` is the cleaned one, whose provenance names the steps.

    Examples
    --------
    >>> import neurofuse as nf
    >>> from neurofuse.fusion.views.before_after import views
    >>> from neurofuse.fusion.views.summary import summarize
    >>> before, _ = nf.simulate(20, nirs_montage=None)
    >>> after = nf.clean(before, "asr")
    >>> found = views(before, after)
    >>> "cleaned with “asr”" in methods_paragraph(after, found, [summarize(v) for v in found])
    True
    """
    installed = dict(versions())
    text = [
        f"{listed([contents(v) for v in found])} {_was(found)} processed with neurofuse "
        f"{installed.get('neurofuse', '')} (on MNE-Python {installed.get('mne', '')}, Gramfort et "
        f"al. 2013, and Python {installed['Python']})."
    ]
    if len(found) > 1 and "clock" in recording.children:
        text += _clock(recording["clock"].to_dataset())
    for step in provenance(recording):
        kind = str(step.get("step"))
        if kind not in READING:
            text.append(_step(kind, step.get("parameters") or {}))
    for view, summary in zip(found, measured, strict=True):
        text += _figures(view, summary)
    if any(v.stream == "nirs" for v in found):
        text.append(
            "Coupling of optodes was judged by the scalp coupling index (Pollonini et al. 2014), "
            "movement of all fNIRS channels at once by the global variance of temporal derivatives "
            "(Sherafati et al. 2020)."
        )
    return " ".join(text)


def _step(kind: str, parameters: dict) -> str:
    """One sentence for a step of the provenance."""
    if kind == "clean":
        return _cleaning(str(parameters.get("model", "")), parameters.get("streams"))
    if kind == "mark_bad":
        return "Channels without a usable signal were marked bad and left out."
    if kind == "to_haemoglobin":
        factor = parameters.get("partial_pathlength")
        return (
            "Optical density became changes of haemoglobin concentration by the modified "
            f"Beer-Lambert law (partial pathlength factor {factor}; Delpy et al. 1988)."
        )
    told = ", ".join(f"{k} = {v}" for k, v in parameters.items())
    return f"Then the step “{kind}” was taken{f' ({told})' if told else ''}."


def _cleaning(model: str, streams: list[str] | None) -> str:
    if not streams:
        source = f" ({PEERS[model].citation})" if model in PEERS else ""
        return f"“{model}”{source} was applied{'' if streams is None else ' and treats no stream'}."
    names = listed([NAME.get(s, s) for s in streams])
    if model in PEERS:
        source = PEERS[model].citation.rstrip(".")
        return f"{names} {_was(streams)} cleaned with “{model}” ({source})."
    seen = "both streams" if len(streams) > 1 else "the stream"
    told = MODEL.format(
        seen=seen,
        filters=listed([FILTER[s] for s in streams if s in FILTER]),
        kept=listed([UNCHANGED[s] for s in streams if s in UNCHANGED]) + " stay",
    )
    jointly = " jointly" if len(streams) > 1 else ""
    return f"Movement was removed from {names}{jointly} with the model “{model}”. {told}"


def _was(subjects: Sequence) -> str:
    return "were" if len(subjects) > 1 else "was"


def _figures(view: View, summary: Summary) -> list[str]:
    """How much moved and was changed, and bad channels."""
    text = []
    if view.treated:
        what = "samples" if view.stream == "eeg" else "steps between samples"
        how = "detected" if view.gate is not None else "injected"
        seen = ""
        if summary.moved is not None:
            seen = f"movement was {how} in {summary.moved:.1f} s of {view.seconds:.1f} s, and "
        text.append(
            f"In {view.name}, {seen}{percent(summary.kept)} of the {what} were left unchanged."
        )
    bad = [n for n, b in zip(view.channel, view.bad, strict=True) if b]
    if bad:
        text.append(f"{view.name} channels marked bad: {', '.join(bad)}.")
    return text


def _clock(clock: xr.Dataset) -> list[str]:
    """How streams that do not define the clock came onto it."""
    text = []
    for stream in clock.stream.values:
        row = clock.sel(stream=stream)
        how = row.method.item()
        if how == "own":
            continue
        drift = f", drift {float(row.drift):.3g} ppm" if float(row.drift) else ""
        anchors = int(row.anchors)
        fit = f", {anchors} anchors, residual {float(row.residual) * 1e3:.3g} ms" if anchors else ""
        text.append(
            f"{NAME.get(str(stream), str(stream))} was put on the common clock "
            f"{CLOCK.get(how, f'by “{how}”')} (offset {float(row.offset):.4g} s{drift}{fit})."
        )
    return text
