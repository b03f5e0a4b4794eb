"""Test methods on a recording's own movements in its own quiet stretches."""

from collections.abc import Callable, Sequence
from inspect import signature
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.cleaner import Cleaner, apply
from neurofuse.fusion.methods.plain import UNCORRECTED
from neurofuse.fusion.methods.registry import cleaners_by_name, default_method, get_method
from neurofuse.fusion.self_test.description import describe
from neurofuse.fusion.self_test.injection import Injected, distances, inject_own
from neurofuse.fusion.self_test.material import MOVING_ENOUGH, Material, material
from neurofuse.fusion.self_test.result import SelfTest
from neurofuse.fusion.self_test.scores import UNITS, InjectedScorer
from neurofuse.fusion.self_test.window import span, tested_part, used_channels
from neurofuse.io.errors import NeurofuseError, ParameterError
from neurofuse.io.logs import LOG
from neurofuse.io.modality import MODALITIES
from neurofuse.io.quality.channels import mark_bad
from neurofuse.io.quality.units import refuse_units
from neurofuse.io.recording import check, stream_dataset, streams

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method

SHORTEST = 20.0  # s that can be tested
DRAWS = 2  # times that movements are moved, each time elsewhere
FOR_ASR = 8  # EEG channels at least; below, wavelets are the usual choice


def self_test(
    recording: xr.DataTree,
    methods: "Method | Sequence[Method] | None" = None,
    *,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> SelfTest:
    """How well methods clean this recording, found out in the recording itself.

    The recording's own movements are moved into its own quiet stretches, where the truth is known,
    and cleaned by all methods. Sizes, kinds, rates and channels of movements, and what both
    modalities share of them, are thus the recording's. At most 180 s of it are tested.

    Parameters
    ----------
    recording : Recording
        EEG, fNIRS or both, as recorded.
    methods : sequence of str, Path, Cleaner or model, optional
        As of `neurofuse.compare`. By default the learned method for the modalities at hand, "asr"
        (with fewer than eight EEG channels "wavelet"), "tddr" and "spline".
    seed : int
        Of the responses that are added to fNIRS.
    progress : callable, optional
        Called with the fraction done and the method that runs.

    Returns
    -------
    SelfTest
        `print` shows it in words. A modality without quiet stretches or without movements is not
        tested, and the result says why.

    Raises
    ------
    ParameterError
        For an unknown method, methods that treat none of the modalities, or a seed that is no
        whole number.
    ReadError
        If a modality has no usable channel.
    SchemaError
        If EEG cannot be in volts, or fNIRS cannot be optical density.

    Examples
    --------
    >>> import neurofuse as nf
    >>> _, recording = nf.simulate(duration=60, seed=1, nirs_montage=None)
    >>> found = nf.self_test(recording, "eeg")
    >>> found.tested, found.best("eeg"), found.figure("eeg", "eeg") < 0
    (('eeg',), 'eeg', True)
    """
    check(recording)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError(f"seed={seed!r}", "a whole number of at least 0", "0 is the default")
    refuse_units(recording)
    step = progress or (lambda fraction, label: None)
    start, stop = span(recording)
    if methods is not None:
        _treating(recording, _cleaners(methods))
    if stop - start < SHORTEST:
        return _too_short(recording, stop - start)
    step(0.0, "looking for quiet stretches")
    part = mark_bad(tested_part(recording))
    cleaners = _cleaners(_usual(part) if methods is None else methods)
    repaired = apply(get_method(default_method(part)), part, judged=True)
    found = {
        stream: material(part, repaired, stream)
        for stream in streams(part)
        if "gate" in repaired[stream]
    }
    lacking = {stream: one.lacking for stream, one in found.items() if one.lacking}
    parts = [one for stream, one in found.items() if stream not in lacking]
    described = describe(part, repaired, found)
    seconds = span(part)[1] - span(part)[0]
    made = [
        inject_own(repaired, parts, distance, seed + number)
        for number, distance in enumerate(distances(parts, DRAWS) if parts else [])
    ]
    for one in list(parts):
        scored = max((_scored(one, injected) for injected in made), default=0.0)
        if scored < MOVING_ENOUGH:
            name = MODALITIES[one.stream].display
            lacking[one.stream] = (
                f"{name}: movements and quiet stretches are so arranged that none of the movements "
                "can be moved into a quiet stretch"
            )
            parts.remove(one)
    if not parts:
        return SelfTest(xr.Dataset(), described, lacking, {}, seconds)
    table, factors = _run(cleaners, made, [one.stream for one in parts], step)
    return SelfTest(table, described, lacking, factors, seconds)


def _run(
    cleaners: dict[str, Cleaner],
    made: Sequence[Injected],
    tested: list[str],
    step: Callable[[float, str], None],
) -> tuple[xr.Dataset, dict[str, dict[str, float]]]:
    """Table of all methods, and factors on the uncertainty of those that state one."""
    scorers = [InjectedScorer(injected) for injected in made]
    shape = (len(cleaners), len(tested), len(UNITS), len(made))
    values = np.full(shape, np.nan)
    failures, factors = [], {}
    for row, (name, cleaner) in enumerate(cleaners.items()):
        step((1 + row) / (1 + len(cleaners)), name)
        stating = "uncertainty" in signature(cleaner.transform).parameters
        own: dict[str, list[float]] = {}
        failure = ""
        try:
            for draw, scorer in enumerate(scorers):
                mixed = scorer.injected.mixed
                cleaned = apply(cleaner, mixed, judged=True, uncertainty=stating)
                for column, stream in enumerate(tested):
                    if stream not in cleaner.streams or not scorer.injected.scored[stream].any():
                        continue
                    figures = scorer.figures(cleaned, stream)
                    values[row, column, :, draw] = [figures[metric] for metric in UNITS]
                    if stating and "uncertainty" in cleaned[stream]:
                        factor = scorer.uncertainty_factor(cleaned, stream)
                        own.setdefault(stream, []).append(factor)
        except Exception as error:  # a cleaner may be anybody's: the other rows go on
            known = isinstance(error, NeurofuseError)
            if not known:
                LOG.warning("%s failed with %s: %s", name, type(error).__name__, error)
            failure = str(error) if known else f"{type(error).__name__}: {error}"
            values[row] = np.nan
            own = {}
        failures.append(failure)
        means = {stream: float(_mean(np.array(given))) for stream, given in own.items()}
        means = {stream: mean for stream, mean in means.items() if np.isfinite(mean)}
        if means:
            factors[name] = means
    table = xr.Dataset(
        {"value": (("method", "modality", "metric"), _mean(values))},
        coords={
            "method": list(cleaners),
            "modality": tested,
            "metric": list(UNITS),
            "units": ("metric", list(UNITS.values())),
            "failure": ("method", failures),
        },
    )
    return table, factors


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is known; −inf stays −inf."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(-1)
    return np.where(known.any(-1), total / np.maximum(known.sum(-1), 1), np.nan)


def _usual(part: xr.DataTree) -> "list[Method]":
    """The learned method, and what is commonly used beside it."""
    chosen: list[Method] = [default_method(part)]
    if "eeg" in streams(part):
        count = int(used_channels(stream_dataset(part, "eeg"), "eeg").sum())
        chosen.append("asr" if count >= FOR_ASR else "wavelet")
    if "nirs" in streams(part):
        chosen += ["tddr", "spline"]
    return chosen


def _cleaners(methods: "Method | Sequence[Method]") -> dict[str, Cleaner]:
    """Cleaners by their name, "uncorrected" last."""
    found = cleaners_by_name(methods, {UNCORRECTED.name: get_method(UNCORRECTED.name)})
    found.pop(UNCORRECTED.name, None)
    return {**found, UNCORRECTED.name: get_method(UNCORRECTED.name)}


def _treating(recording: xr.DataTree, cleaners: dict[str, Cleaner]) -> None:
    """Refuse methods none of which treats what there is."""
    chosen = {name: one for name, one in cleaners.items() if name != UNCORRECTED.name}
    present = streams(recording)
    if chosen and not any(set(one.streams) & set(present) for one in chosen.values()):
        has = " and ".join(MODALITIES[stream].display for stream in present)
        raise ParameterError(
            f"a Recording with {has} only, which {' and '.join(chosen)} cannot treat",
            f"a method that treats {has}",
            "choose one that `neurofuse methods` lists for it, or add the other modality",
        )


def _scored(one: Material, injected: Injected) -> float:
    """Seconds per used channel in which errors count."""
    return float(injected.scored[one.stream][one.used].sum(-1).mean() / one.rate)


def _too_short(recording: xr.DataTree, seconds: float) -> SelfTest:
    shared = " of both modalities together" if len(streams(recording)) > 1 else ""
    lacking = {
        stream: f"{MODALITIES[stream].display}: too short to test ({max(seconds, 0):.1f} s{shared}"
        f", at least {SHORTEST:g} s are needed)"
        for stream in streams(recording)
    }
    return SelfTest(xr.Dataset(), {}, lacking, {}, max(seconds, 0.0))
