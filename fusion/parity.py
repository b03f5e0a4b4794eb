"""Clean the same recordings with a model and with its export, and say how far they are apart."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.live import LiveCleaner
from neurofuse.fusion.methods.cleaner import apply
from neurofuse.fusion.methods.learned import Learned
from neurofuse.fusion.metrics.errors import score
from neurofuse.io.modality import MODALITIES
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.recording import stream_dataset, streams, with_stream

if TYPE_CHECKING:
    from neurofuse.models.export.material import Known

CLOSE = 0.01  # of a motion mask, up to which two are taken for equal
Clean = Callable[[xr.DataTree], xr.DataTree]


@dataclass(frozen=True)
class Row:
    """How one modality of a recording comes back from a model and from its export."""

    recording: str
    modality: str
    rate: float  # Hz
    channels: int
    model_db: float  # error in motion: energy of (cleaned - true) over that of the true signal
    export_db: float
    gate_difference: float  # largest
    gate_close: float  # fraction of channel-time in which masks differ by `CLOSE` at most
    model_seconds: float  # for the whole recording
    export_seconds: float


def offline(model: str | Path) -> Clean:
    """Cleaning with a model or an export, as `neurofuse.clean` does it."""
    cleaner = Learned(model)
    return lambda recording: apply(cleaner, recording)


def live(model: str | Path) -> Clean:
    """Cleaning all samples as while they are recorded; the last ones keep the level before them."""

    def clean(recording: xr.DataTree) -> xr.DataTree:
        recording = to_optical_density(recording) if "nirs" in streams(recording) else recording
        nodes = {s: stream_dataset(recording, s) for s in streams(recording)}
        given = {s: node[MODALITIES[s].variable(node)] for s, node in nodes.items()}
        eeg, nirs = (given[s].values if s in given else None for s in ("eeg", "nirs"))
        out = LiveCleaner(recording, model).push(eeg, nirs)
        for s, node in nodes.items():
            samples = given[s].copy(deep=True)
            done = out[s].shape[-1]
            if s == "nirs":
                samples.values[..., done:] += (out[s] - samples.values[..., :done])[..., -1:]
            samples.values[..., :done] = out[s]
            gate = np.zeros((node.sizes["channel"], node.sizes["time"]))
            gate[:, :done] = out.gate[s]
            made = node.assign({samples.name: samples, "gate": (("channel", "time"), gate)})
            recording = with_stream(recording, s, made)
        return recording

    return clean


def rows(model: Clean, export: Clean, recordings: Iterable["Known"]) -> Iterator[Row]:
    """A row for each modality of each recording.

    Parameters
    ----------
    model, export : function
        From a Recording to a cleaned one.
    recordings : iterable of Known
        With known motion.
    """
    for one in recordings:
        made, seconds = [], []
        for clean in (model, export):
            begun = perf_counter()
            made.append(clean(one.contaminated))
            seconds.append(perf_counter() - begun)
        values = [score(one.truth, one.contaminated, cleaned).value for cleaned in made]
        for s in streams(one.contaminated):
            first, second = (stream_dataset(cleaned, s).gate.values for cleaned in made)
            apart = np.abs(first - second)
            node = stream_dataset(one.contaminated, s)
            errors = [float(v.sel(modality=s, metric="error_db")) for v in values]
            yield Row(
                one.name,
                s,
                float(node.attrs["rate"]),
                node.sizes["channel"],
                errors[0],
                errors[1],
                float(apart.max()),
                float((apart <= CLOSE).mean()),
                seconds[0],
                seconds[1],
            )


def table(found: Sequence[Row]) -> str:
    """The rows in Markdown, and the largest difference first.

    Examples
    --------
    >>> print(table([Row("a", "eeg", 250.0, 19, -6.0, -5.99, 2e-3, 1.0, 2.0, 1.0)]).splitlines()[0])
    Error of export and model differ by 0.010 dB at most.
    """
    worst = max((abs(row.export_db - row.model_db) for row in found), default=0.0)
    lines = [
        f"Error of export and model differ by {worst:.3f} dB at most.",
        "",
        "Error is the energy of (cleaned − true) in motion over that of the true signal; motion "
        f"was injected. Masks are equal up to {CLOSE:g}. Seconds are for the whole recording.",
        "",
        "| recording | modality | channels, rate | model | export | mask differs by | equal masks "
        "| model | export |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in found:
        lines.append(
            f"| {row.recording} | {MODALITIES[row.modality].display} | {row.channels}, "
            f"{row.rate:g} Hz | {row.model_db:.3f} dB | {row.export_db:.3f} dB | "
            f"{row.gate_difference:.2g} | {100 * row.gate_close:.2f} % | {row.model_seconds:.1f} s "
            f"| {row.export_seconds:.1f} s |"
        )
    return "\n".join(lines) + "\n"


def card(spec: Mapping[str, object], found: Sequence[Row]) -> str:
    """The model card of an export: what it is, what it takes and gives, and its limits."""
    people = spec["calibration_participants"]
    assert isinstance(people, dict)
    calibrated = "; ".join(f"{s}: {', '.join(names)}" for s, names in people.items())
    use = (
        "`neurofuse.LiveCleaner(montage, FOLDER)`"
        if spec["kind"] == "live"
        else "`neurofuse.clean(recording, FOLDER)` or `neurofuse clean … --method FOLDER`"
    )
    files = spec["files"]
    assert isinstance(files, dict)
    size = sum(part["bytes"] for part in files.values())
    return "\n".join(
        [
            f"# Model card: export of `{spec['name']}`",
            "",
            "Removes head-motion artifacts from EEG and fNIRS, for research; no medical device. It "
            "is the packaged model in another form, without torch: its data, participants, errors "
            "and limits are those of the model card of neurofuse.",
            "",
            f"- **Use.** {use}.",
            "- **In.** EEG [V], fNIRS intensity or optical density at their own rates, any number "
            "of channels.",
            "- **Out.** The same with the estimated artifact subtracted, a motion mask and a "
            "verdict on every sample.",
            f"- **Numbers.** {size} bytes; convolutions with {spec['bits']}-bit weights"
            + (f", inputs calibrated on {calibrated}." if calibrated else "."),
            f"- **Weights.** SHA-256 {spec['weights_sha256']}.",
            "- **Not.** It was compared with the model on injected motion only:",
            "",
            table(found),
        ]
    )
