"""Explain every movement: what raised the motion mask, who saw it, and what it looks like."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.kinds.templates import load_templates
from neurofuse.fusion.methods.learned import Learned
from neurofuse.fusion.methods.registry import MODELS, get_method
from neurofuse.fusion.movements import (
    REPAIRED,
    VERDICTS,
    Movement,
    described,
    evidence_within,
    movements,
    shares_of_evidence,
)
from neurofuse.io.errors import ParameterError
from neurofuse.io.lazy import HeldBlock
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import (
    EVIDENCE_INPUTS,
    check,
    dims_in_order,
    provenance,
    stream_dataset,
    streams,
    with_stream,
)
from neurofuse.models.joint.architecture import Architecture
from neurofuse.synth.movement import TYPES

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method
    from neurofuse.models.explanation.explain import Explained

ADVICE = (
    f"one of {', '.join(MODELS)}, or weights of yours as `method`",
    "clean with one of these: other methods have no evidence to explain",
)
LARGEST = 3  # movements of each modality whose bands and channels are looked at


def explain(
    recording: xr.DataTree,
    cleaned: xr.DataTree,
    method: "Method | None" = None,
    *,
    largest: int = LARGEST,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Why each stretch was taken for movement.

    Three answers: which input the evidence came from, what the movement looks like, and, for the
    largest movements, which bands of which channels raised the motion mask. Evidence is the logit
    of the motion mask before it is clipped, mean over the time of a movement and over channels as
    far as they are in motion; of many, over twelve that move most, and others where these do not.

    Parameters
    ----------
    recording : Recording
        As it was.
    cleaned : Recording
        What a learned method made of it.
    method : str, Path, Cleaner or model, optional
        The method that cleaned it; by default the one that the provenance of `cleaned` names.
    largest : int
        Movements of each modality whose bands and channels are looked at: seconds each.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    Dataset
        Over `movement`, in the order of `neurofuse.movements`, with `onset`, `duration` [s],
        `modality`, `verdict`, `kind` and `kind_probability` as there, and

        - `evidence` (movement) [log odds]: above that of a channel at rest;
        - `shapley` (movement, input) [log odds]: exact Shapley values of "eeg", "nirs" and "imu",
          which add up to it; 0 for one that there is not, or that is not believed. A modality's own
          signal is left out by a channel at rest, the others by taking them away; `share`
          (movement, input) [1]: the same over their sum. Negative: it spoke against the movement;
        - `probability` (movement, type) [1] and `distance` (movement, type) [standard deviations]:
          of each kind of movement, and from its template;
        - `eeg_bands` (movement, eeg_channel, eeg_band), `nirs_bands` (movement, nirs_channel,
          nirs_band), `imu_attribution` (movement) [log odds]: integrated gradients of the
          evidence, in the inputs' bands above their quiet level; `incomplete` (movement) [1]: by
          which part their sum misses the evidence above that of a recording at rest;
        - `eeg_weights` (movement, eeg_channel_used, eeg_channel) [1]: shares of the recorded
          channels in the correction of each channel, which add up to 1;
        - `nirs_weights` (movement, nirs_channel_used, nirs_channel) [1]: the clean signal of each
          channel in motion is predicted from the others before its own past and future are asked;
          their shares of the prediction, which add up to 1.

        NaN where something does not apply or was not looked at. Below eight electrodes loud
        samples open the motion mask also without evidence of the network.

    Raises
    ------
    ParameterError
        If the two have other channels or times or are of other recordings, or `cleaned` was not
        made by a learned method that is known.
    SchemaError
        If one of them is no Recording.
    ReadError
        If weights cannot be read.

    Examples
    --------
    >>> import neurofuse as nf
    >>> _, recording = nf.simulate(20.0, seed=2, eeg_montage=["C3", "C4"], nirs_montage=None)
    >>> table = nf.explain(recording, nf.clean(recording), largest=1)
    >>> table.share.sel(input="eeg").round(3).values.tolist() == [1.0] * table.sizes["movement"]
    True
    """
    from neurofuse.models.explanation.explain import Place
    from neurofuse.models.explanation.explain import explain as explain_places

    if isinstance(largest, bool) or not isinstance(largest, int | np.integer) or largest < 0:
        raise ParameterError(f"largest={largest!r}", "a whole number of at least 0", "3 is usual")
    check(cleaned)
    learned = _learned(cleaned, method)
    found = movements(recording, cleaned)
    judged = dims_in_order(_with_bad_of(recording, cleaned))
    places = [
        Place(
            one.modality,
            one.onset,
            one.onset + one.duration,
            tuple(
                np.flatnonzero(np.isin(judged[one.modality].channel.values, one.channels)).tolist()
            ),
        )
        for one in found
    ]
    repaired = [n for n, one in enumerate(found) if one.verdict == VERDICTS[REPAIRED]]
    chosen = _largest(found, repaired, largest)
    made = explain_places(
        judged,
        [places[n] for n in repaired],
        learned.model,
        attributed=[k for k, n in enumerate(repaired) if n in chosen],
        progress=progress,
    )
    whole: list[Explained | None] = [None] * len(found)
    for number, one in zip(repaired, made, strict=True):
        whole[number] = one
    dataset = _about_movements(found).merge(_likeness(recording, cleaned, found))
    dataset = dataset.merge(_evidence(_told(judged, cleaned, learned), found))
    dataset = dataset.merge(_attributed(whole))
    for stream in streams(judged):
        dataset = dataset.merge(_weights(judged, learned, stream, whole))
        dataset = dataset.merge(_bands(judged, learned, stream, whole))
    return dataset.assign_attrs(method=learned.name)


def _learned(cleaned: xr.DataTree, method: "Method | None") -> Learned:
    """The learned method that cleaned."""
    if method is not None:
        return explainable(method)
    steps = [step for step in provenance(cleaned) if step["step"] == "clean"]
    name = steps[-1]["parameters"].get("method") if steps else None
    if name in MODELS:
        return explainable(name)
    raise ParameterError(f"a Recording cleaned by {name!r}", *ADVICE)


def explainable(method: "Method") -> Learned:
    """A method whose evidence can be explained.

    Raises
    ------
    ParameterError
        If it is no learned one.
    """
    made = get_method(method)
    if not isinstance(made, Learned) or made.exported:
        raise ParameterError(f"an explanation of {getattr(made, 'name', method)!r}", *ADVICE)
    return made


def _with_bad_of(recording: xr.DataTree, cleaned: xr.DataTree) -> xr.DataTree:
    """The recording with the channels marked bad that cleaning found to be so."""
    for stream in streams(recording):
        if stream in streams(cleaned):
            node, after = stream_dataset(recording, stream), stream_dataset(cleaned, stream)
            bad = node.bad.values | after.bad.sel(channel=node.channel.values).values
            recording = with_stream(recording, stream, node.assign_coords(bad=("channel", bad)))
    return recording


def _largest(found: Sequence[Movement], among: Sequence[int], count: int) -> set[int]:
    """The largest movements of each modality."""
    chosen: set[int] = set()
    for stream in MODALITIES:
        own = [n for n in among if found[n].modality == stream]
        own.sort(key=lambda n: np.nan_to_num(found[n].size_before), reverse=True)
        chosen |= set(own[:count])
    return chosen


def _about_movements(found: Sequence[Movement]) -> xr.Dataset:
    def column(name: str, kind: type) -> tuple[str, np.ndarray]:
        return "movement", np.array([getattr(one, name) for one in found], kind)

    return xr.Dataset(
        {
            "onset": column("onset", float),
            "duration": column("duration", float),
            "modality": column("modality", str),
            "verdict": column("verdict", str),
            "kind": ("movement", np.array([one.kind or "n/a" for one in found], str)),
            "kind_probability": column("kind_probability", float),
            "size_before": column("size_before", float),
        }
    )


def _likeness(
    recording: xr.DataTree, cleaned: xr.DataTree, found: Sequence[Movement]
) -> xr.Dataset:
    """Probability of each kind of movement, and distance from its nearest template."""
    templates = load_templates()
    probability, distance = np.full((2, len(found), len(TYPES)), np.nan)
    for stream, numbers in described(recording, cleaned)[0].items():
        judged = templates.judge(numbers)
        rows = [
            n
            for n, one in enumerate(found)
            if one.modality == stream and one.verdict == VERDICTS[REPAIRED]
        ]
        probability[rows] = judged.probability
        for kind in range(len(TYPES)):
            distance[rows, kind] = judged.distance[:, templates.kind == kind].min(1)
    dims = ("movement", "type")
    return xr.Dataset(
        {"probability": (dims, probability), "distance": (dims, distance)}, {"type": list(TYPES)}
    )


def _told(judged: xr.DataTree, cleaned: xr.DataTree, learned: Learned) -> xr.DataTree:
    """A cleaned Recording that holds its evidence, which other files than .nc lose."""
    treated = [stream for stream in streams(cleaned) if stream in learned.streams]
    if all("evidence" in cleaned[stream] for stream in treated):
        return cleaned
    return learned.transform(judged, judged=True)


def _evidence(told: xr.DataTree, found: Sequence[Movement]) -> xr.Dataset:
    shapley = np.full((len(found), len(EVIDENCE_INPUTS)), np.nan)
    held = {
        stream: HeldBlock(told[stream].evidence, float(told[stream].attrs["rate"]))
        for stream in streams(told)
        if "evidence" in told[stream]
    }
    for row, one in enumerate(found):
        if one.modality in held and one.verdict == VERDICTS[REPAIRED]:
            time = told[one.modality].time.values
            middle = 0.5 / float(told[one.modality].attrs["rate"])
            first, last = np.searchsorted(
                time + middle, (one.onset, one.onset + one.duration), side="right"
            )
            shapley[row] = evidence_within(held[one.modality], int(first), int(last))
    dims = ("movement", "input")
    return xr.Dataset(
        {
            "evidence": ("movement", shapley.sum(1)),
            "shapley": (dims, shapley),
            "share": (dims, shares_of_evidence(shapley)),
        },
        {"input": list(EVIDENCE_INPUTS)},
    )


def _attributed(made: Sequence["Explained | None"]) -> xr.Dataset:
    def column(name: str) -> tuple[str, np.ndarray]:
        values = [np.nan if one is None else getattr(one, name) for one in made]
        return "movement", np.array(values, float)

    return xr.Dataset({"imu_attribution": column("from_imu"), "incomplete": column("incomplete")})


def _weights(
    judged: xr.DataTree, learned: Learned, stream: str, made: Sequence["Explained | None"]
) -> xr.Dataset:
    """Shares of used channels in the corrections of one modality."""
    if stream not in learned.streams:
        return xr.Dataset()
    names, used = _channels(judged, stream)
    values = np.full((len(made), len(used), len(used)), np.nan, np.float32)
    for row, one in enumerate(made):
        if one is not None and stream == one.modality:
            values[row] = one.weights
    channel = f"{stream}_channel"
    return xr.Dataset(
        {f"{stream}_weights": (("movement", f"{channel}_used", channel), values)},
        {f"{channel}_used": names[used], channel: names[used]},
    )


def _bands(
    judged: xr.DataTree, learned: Learned, stream: str, made: Sequence["Explained | None"]
) -> xr.Dataset:
    if stream not in learned.streams:
        return xr.Dataset()
    names, used = _channels(judged, stream)
    labels = band_names(learned.architecture, stream)
    values = np.full((len(made), len(used), len(labels)), np.nan, np.float32)
    for row, one in enumerate(made):
        if one is not None and stream in one.bands:
            values[row] = one.bands[stream]
    dims = ("movement", f"{stream}_channel", f"{stream}_band")
    return xr.Dataset(
        {f"{stream}_bands": (dims, values)},
        {f"{stream}_channel": names[used], f"{stream}_band": labels},
    )


def _channels(judged: xr.DataTree, stream: str) -> tuple[np.ndarray, np.ndarray]:
    """Names of all channels of a modality, and numbers of those that the model uses."""
    node = judged[stream]
    used = ~node.bad.values.astype(bool)
    if stream == "eeg":
        used &= node.ch_type.values == "eeg"
    return node.channel.values.astype(str), np.flatnonzero(used)


def band_names(architecture: Architecture, stream: str) -> list[str]:
    """What the bands of a modality are called.

    Examples
    --------
    >>> band_names(Architecture(), "nirs")
    ['below 0.1 Hz', '0.1-0.5 Hz', '0.5-2 Hz', 'above 2 Hz', 'agreement of wavelengths']
    """
    edges = architecture.bands.edges(stream)
    middle = [f"{low:g}-{high:g} Hz" for low, high in pairwise(edges)]
    names = [f"below {edges[0]:g} Hz", *middle, f"above {edges[-1]:g} Hz"] if edges else ["all"]
    return [*names, "agreement of wavelengths"] if stream == "nirs" else names
