"""Compare cleaners on one recording, joint and single, learned and classical."""

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter

import numpy as np
import xarray as xr

from neurofuse.fusion.clean import MODELS
from neurofuse.fusion.controls import shifted, with_partner
from neurofuse.fusion.methods.registry import PEERS
from neurofuse.fusion.metrics import errors as metrics
from neurofuse.fusion.metrics import no_reference as blind
from neurofuse.fusion.metrics import preserved as kept
from neurofuse.fusion.metrics.memory import Watch
from neurofuse.fusion.metrics.oracle import oracle
from neurofuse.io.errors import NeurofuseError, ParameterError
from neurofuse.io.quality.channels import mark_bad
from neurofuse.io.recording import check, stream_dataset, streams, with_stream

DELAY = 60.0  # s of the joint model and its twins: the window that they see at once
REFERENCES = ("untouched", "zero")  # rows that every comparison has
ORACLE = "oracle"  # with a truth: the row of a perfect correction where motion is
SHUFFLED = "joint, shuffled partner"  # with both streams
METHODS = tuple(name for name in (*MODELS, *PEERS) if name not in REFERENCES)


def compare(
    recording: xr.DataTree,
    methods: Sequence[str] | None = None,
    truth: xr.DataTree | None = None,
    *,
    stranger: xr.DataTree | None = None,
    progress: Callable[[str], None] | None = None,
) -> xr.Dataset:
    """Clean a recording with several methods and score each.

    Parameters
    ----------
    recording : Recording
        What is to be cleaned; with `truth`, the contaminated one with its `motion` masks.
    methods : names, optional
        Of "joint", "eeg", "nirs" and the peers (`neurofuse.fusion.methods.registry.PEERS`); by default
        `METHODS`, all of them.
    truth : Recording, optional
        The same recording without motion. Without it only figures without a reference are
        given; their names begin with `noref_`.
    stranger : Recording, optional
        Somebody else's recording, whose other stream stands in as the shuffled partner. By
        default it is the recording's own, from half of its duration away.
    progress : function, optional
        Called with a method's name before it runs.

    Returns
    -------
    Dataset
        `value` (method, modality, metric), `seconds` (method) [s], `memory` (method) [B], the peak
        beyond what was in use before, and the coordinates `units` (metric), `delay` (method) [s],
        how much of the future a method looks at (inf: the whole recording), and `failure` (method),
        "" where a method ran. What a method does not treat, and a method that failed, is NaN. The
        last rows are always "untouched" and "zero", with a truth also "oracle"
        (`neurofuse.fusion.metrics.oracle`), with both streams and "joint" also "joint, shuffled partner":
        the joint model beside a partner that knows nothing, which must not gain what the true
        one gains.
        Select with `table.value.loc["tddr", "nirs"]`, since `sel(method=...)` means something else
        to xarray. Metrics: `neurofuse.fusion.metrics.errors.score` and `neurofuse.fusion.metrics.preserved.score_kept`,
        or `neurofuse.fusion.metrics.no_reference.score_blind`.

    Raises
    ------
    ParameterError
        If a method is unknown or the truth has other channels or times.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> eeg = np.random.default_rng(0).standard_normal((2, 2500)) * 1e-5
    >>> recording = build(eeg_dataset(eeg, 250.0, ["C3", "C4"]))
    >>> table = compare(recording, ["bandpass"])
    >>> table.method.values.tolist(), table.failure.values.tolist()
    (['bandpass', 'untouched', 'zero'], ['', '', ''])
    """
    check(recording)
    recording = mark_bad(recording)  # once, so that all are judged, and warned of, alike
    names = list(dict.fromkeys(METHODS if methods is None else methods))
    for name in names:
        streams_of(name)
    if not names:
        raise ParameterError("no method", "at least one", f"choose of {', '.join(METHODS)}")
    names = [name for name in names if name not in REFERENCES] + list(REFERENCES)
    runs: dict[str, Callable[[], xr.DataTree]] = {
        name: partial(_clean, recording, name) for name in names
    }
    if truth is not None:
        metrics.match(truth, recording)
        runs[ORACLE] = partial(oracle, truth, recording)
    if stranger is not None or ("joint" in names and len(streams(recording)) > 1):
        runs[SHUFFLED] = partial(_beside_stranger, recording, stranger)
    rows: list[xr.DataArray | None] = []
    seconds, memory, failures = [], [], []
    for name, run in runs.items():
        if progress is not None:
            progress(name)
        start = perf_counter()
        try:
            with Watch() as watch:
                cleaned = run()
        except NeurofuseError as error:
            rows.append(None)
            seconds.append(np.nan)
            memory.append(np.nan)
            failures.append(str(error))
            continue
        seconds.append(perf_counter() - start)
        memory.append(float(watch.peak))
        failures.append("")
        value = _score(recording, cleaned, truth)
        rows.append(value.where(value.modality.isin(_treated(name))))
    known = [row for row in rows if row is not None] or [_score(recording, recording, truth)]
    blank = xr.full_like(known[0], np.nan)
    value = xr.concat([blank if r is None else r for r in rows], xr.Variable("method", list(runs)))
    delays = [_delay(name) for name in runs]
    return xr.Dataset(
        {
            "value": value,
            "seconds": ("method", seconds, {"units": "s"}),
            "memory": ("method", memory, {"units": "B"}),
        },
        coords={"failure": ("method", failures), "delay": ("method", delays, {"units": "s"})},
        attrs={"truth": "known" if truth is not None else "unknown"},
    )


def streams_of(method: str) -> tuple[str, ...]:
    """The streams that a method treats.

    Raises
    ------
    ParameterError
        If there is no such method.

    Examples
    --------
    >>> streams_of("joint"), streams_of("pca")
    (('eeg', 'nirs'), ('eeg',))
    """
    if method in MODELS:
        return MODELS[method]
    if method in PEERS:
        return PEERS[method].streams
    raise ParameterError(
        f"the method {method!r}", f"one of {', '.join([*MODELS, *PEERS])}", "check its name"
    )


def _clean(recording: xr.DataTree, name: str) -> xr.DataTree:
    if name in PEERS:
        return PEERS[name].transform(recording)
    lacking = [s for s in MODELS[name] if s not in streams(recording)]
    if len(lacking) == len(MODELS[name]):
        raise ParameterError(
            f"a Recording without {lacking[0]}", f"a stream that {name!r} treats", "add the stream"
        )
    from neurofuse.fusion.clean import clean

    return clean(recording, model=name)


def _beside_stranger(recording: xr.DataTree, stranger: xr.DataTree | None) -> xr.DataTree:
    """Each stream cleaned by the joint model beside another stream that knows nothing of it."""
    if len(streams(recording)) < 2:
        raise ParameterError(
            f"a Recording with {streams(recording)[0]} only", "both streams", "leave `stranger` out"
        )
    cleaned = recording
    for stream, other in (("eeg", "nirs"), ("nirs", "eeg")):
        if stranger is None:
            given = shifted(recording, other)
        else:
            given = with_partner(recording, stranger, other)
        beside = _clean(given, "joint")
        cleaned = with_stream(cleaned, stream, stream_dataset(beside, stream))
    return cleaned


def _treated(name: str) -> tuple[str, ...]:
    return MODELS["joint"] if name in (ORACLE, SHUFFLED) else streams_of(name)


def _delay(name: str) -> float:
    if name in PEERS:
        return PEERS[name].delay
    return np.nan if name == ORACLE else DELAY


def _score(recording: xr.DataTree, cleaned: xr.DataTree, truth: xr.DataTree | None) -> xr.DataArray:
    if truth is None:
        return blind.score_blind(recording, cleaned).value
    errors = metrics.score(truth, recording, cleaned).value
    return xr.concat([errors, kept.score_kept(truth, recording, cleaned).value], "metric")
