"""Compare methods on one recording: joint, single-modality and baseline methods side by side."""

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.controls import shifted, with_partner
from neurofuse.fusion.memory import PeakMemory
from neurofuse.fusion.methods.cleaner import Cleaner, apply
from neurofuse.fusion.methods.plain import UNCORRECTED, ZERO
from neurofuse.fusion.methods.registry import (
    EVERY,
    JOINT,
    cleaners_by_name,
    get_method,
    names,
    quick_names,
)
from neurofuse.fusion.metrics.scorer import Scorer
from neurofuse.fusion.upper_bound import oracle
from neurofuse.io.deprecation import renamed
from neurofuse.io.errors import NeurofuseError, ParameterError
from neurofuse.io.logs import LOG
from neurofuse.io.modality import MODALITIES
from neurofuse.io.quality.channels import mark_bad
from neurofuse.io.recording import check, stream_dataset, streams, with_stream

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method

REFERENCES = (UNCORRECTED.name, ZERO.name)  # rows that every comparison has
ORACLE = "oracle"  # with a truth: the row of a perfect correction where motion is
MISMATCHED = f"{JOINT}, mismatched partner"  # with both modalities


def compare(
    recording: xr.DataTree,
    methods: "Method | Sequence[Method] | None" = None,
    truth: xr.DataTree | None = None,
    *,
    mismatched: xr.DataTree | None = None,
    progress: Callable[[str], None] | None = None,
    stranger: xr.DataTree | None = None,
) -> xr.Dataset:
    """Clean a recording with several methods and score each.

    Parameters
    ----------
    recording : Recording
        What is to be cleaned; with `truth`, the contaminated one with its `motion` masks.
    methods : sequence of str, Path, Cleaner or model, optional
        Names of `neurofuse.methods()`, paths of weights, configured or fitted methods, models, and
        cleaners of your own, or one of these; "all" for all that have a name. By default the quick
        ones: neurofuse's models and the methods in use, in seconds for a minute and a half.
    truth : Recording, optional
        The same recording without motion. Without it only no-reference metrics are given; their
        names begin with `noref_`.
    mismatched : Recording, optional
        A recording of another participant, whose other modality stands in as the mismatched
        partner. By default it is the recording's own, from half of its duration away.
    progress : callable, optional
        Called with a method's name before it runs.
    stranger : optional
        The former name of `mismatched`, accepted until neurofuse 1.0.

    Returns
    -------
    Dataset
        `value` (method, modality, metric), `seconds` (method) [s], `memory` (method) [B], the peak
        beyond what was in use before, and the coordinates `units` (metric), `delay` (method) [s],
        how much of the future a method looks at (inf: the whole recording), and `failure` (method),
        "" where a method ran. What a method does not treat, and a method that failed, is NaN. The
        last rows are always "uncorrected" and "zero" (an output of zeros), with a truth also
        "oracle" (`neurofuse.fusion.oracle`), with both modalities and "joint" among the methods
        named (or a `mismatched` recording) also "joint, mismatched partner": the joint model with a
        partner that was not recorded at the same time, so that any gain that remains did not come
        from the true one. Select with `table.value.loc["tddr", "nirs"]`, since `sel(method=...)`
        means something else to xarray.

    Raises
    ------
    ParameterError
        If a method is unknown, or the truth has other channels or times.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> eeg = np.random.default_rng(0).standard_normal((2, 2500)) * 1e-5
    >>> recording = build(eeg_dataset(eeg, 250.0, ["C3", "C4"]))
    >>> table = compare(recording, ["bandpass"])
    >>> table.method.values.tolist(), table.failure.values.tolist()
    (['bandpass', 'uncorrected', 'zero'], ['', '', ''])
    """
    if stranger is not None:
        renamed("compare(stranger=)", "compare(mismatched=)")
        mismatched = stranger if mismatched is None else mismatched
    check(recording)
    recording = mark_bad(recording)  # once: all methods get the same bad channels, with one warning
    cleaners = _cleaners(quick_names() if methods is None else methods)
    scorer = Scorer(recording, truth)
    runs: dict[str, Callable[[], xr.DataTree]] = {
        name: partial(apply, cleaner, recording, judged=True) for name, cleaner in cleaners.items()
    }
    treated = {name: cleaner.streams for name, cleaner in cleaners.items()}
    delays = {name: float(cleaner.delay) for name, cleaner in cleaners.items()}
    if truth is not None:
        runs[ORACLE] = partial(oracle, truth, recording)
        treated[ORACLE], delays[ORACLE] = tuple(MODALITIES), np.nan
    named = methods is not None and JOINT in cleaners  # it takes two more runs of the model
    if mismatched is not None or (named and len(streams(recording)) > 1):
        joint = get_method(JOINT)
        runs[MISMATCHED] = partial(_beside_mismatched, recording, mismatched)
        treated[MISMATCHED], delays[MISMATCHED] = joint.streams, float(joint.delay)
    rows: list[xr.DataArray | None] = []
    seconds, memory, failures = [], [], []
    for name, run in runs.items():
        if progress is not None:
            progress(name)
        start = perf_counter()
        try:
            with PeakMemory() as used:
                cleaned = run()
        except Exception as error:  # a cleaner may be anybody's: the other rows go on
            known_error = isinstance(error, NeurofuseError)
            if not known_error:
                LOG.warning("%s failed with %s: %s", name, type(error).__name__, error)
            rows.append(None)
            seconds.append(np.nan)
            memory.append(np.nan)
            failures.append(str(error) if known_error else f"{type(error).__name__}: {error}")
            continue
        seconds.append(perf_counter() - start)
        memory.append(float(used.peak))
        failures.append("")
        value = scorer.score(cleaned)
        rows.append(value.where(value.modality.isin(treated[name])))
    known = [row for row in rows if row is not None] or [scorer.score(recording)]
    blank = xr.full_like(known[0], np.nan)
    value = xr.concat([blank if r is None else r for r in rows], xr.Variable("method", list(runs)))
    return xr.Dataset(
        {
            "value": value,
            "seconds": ("method", seconds, {"units": "s"}),
            "memory": ("method", memory, {"units": "B"}),
        },
        coords={
            "failure": ("method", failures),
            "delay": ("method", [delays[name] for name in runs], {"units": "s"}),
        },
        attrs={"truth": "known" if truth is not None else "unknown"},
    )


def _cleaners(methods: "Method | Sequence[Method]") -> dict[str, Cleaner]:
    """Cleaners by the name of their row, each once, the references last."""
    if isinstance(methods, str) and methods == EVERY:
        methods = names()
    own = {name: get_method(name) for name in (*REFERENCES, JOINT)}  # rows with a meaning
    found = cleaners_by_name(methods, {**own, ORACLE: None, MISMATCHED: None})
    for name in REFERENCES:
        found[name] = found.pop(name, get_method(name))
    return found


def _beside_mismatched(recording: xr.DataTree, mismatched: xr.DataTree | None) -> xr.DataTree:
    """Each modality, cleaned by the joint model with a mismatched partner."""
    if len(streams(recording)) < 2:
        raise ParameterError(
            f"a Recording with {streams(recording)[0]} only",
            "both modalities",
            "leave `mismatched` out",
        )
    cleaned = recording
    for modality in MODALITIES.values():
        other = modality.other.name
        if mismatched is None:
            given = shifted(recording, other)
        else:
            given = with_partner(recording, mismatched, other)
        beside = apply(get_method(JOINT), given)
        cleaned = with_stream(cleaned, modality.name, stream_dataset(beside, modality.name))
    return cleaned
