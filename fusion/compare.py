"""Compare cleaners on one recording, joint and single, learned and classical."""

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter

import numpy as np
import xarray as xr

from neurofuse.fusion import blind, kept, metrics
from neurofuse.fusion.clean import MODELS
from neurofuse.fusion.memory import Watch
from neurofuse.fusion.oracle import oracle
from neurofuse.fusion.peers import PEERS
from neurofuse.io.errors import NeurofuseError, ParameterError
from neurofuse.io.recording import check, note, stream_dataset, streams, time_axis, with_stream

DELAY = 60.0  # s of the joint model and its twins: the window that they see at once
REFERENCES = ("untouched", "zero")  # rows that every comparison has
ORACLE = "oracle"  # with a truth: the row of a perfect correction where motion is
SHUFFLED = "joint, shuffled partner"  # with somebody else's recording
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
        Of "joint", "eeg", "nirs" and the peers (`neurofuse.fusion.peers.PEERS`); by default
        `METHODS`, all of them.
    truth : Recording, optional
        The same recording without motion. Without it only figures without a reference are
        given; their names begin with `noref_`.
    stranger : Recording, optional
        Somebody else's recording: the joint model is then also given its other stream as a
        partner, which must take away what the true partner gains.
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
        (`neurofuse.fusion.oracle`), with a stranger "joint, shuffled partner".
        Select with `table.value.loc["tddr", "nirs"]`, since `sel(method=...)` means something else
        to xarray. Metrics: `neurofuse.fusion.metrics.score` and `neurofuse.fusion.kept.score_kept`,
        or `neurofuse.fusion.blind.score_blind`.

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
    if stranger is not None:
        runs[SHUFFLED] = partial(_with_stranger, recording, stranger)
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


def with_partner(recording: xr.DataTree, partner: xr.DataTree, stream: str) -> xr.DataTree:
    """A Recording whose `stream` comes from another recording: a partner that knows nothing.

    A joint cleaner that gains as much from such a partner as from the true one gains nothing from
    the other stream. The partner's stream keeps its rate and starts where the replaced one did.
    It is cut to the same duration; where it is too short it runs back and forth, so that no step
    appears at a seam.

    Parameters
    ----------
    recording, partner : Recording
        Both hold `stream`.
    stream : {"eeg", "nirs"}
        The stream to replace.

    Raises
    ------
    ParameterError
        If one of them lacks the stream.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> one, other = (build(eeg_dataset(np.full((1, n), n), 10.0, ["Cz"])) for n in (50, 20))
    >>> with_partner(one, other, "eeg").eeg.eeg.values[0, ::20].tolist()
    [20, 20, 20]
    """
    for side, name in ((recording, "recording"), (partner, "partner")):
        if stream not in streams(side):
            raise ParameterError(
                f"a {name} with {' and '.join(streams(side))} only", f"/{stream} in both", "add it"
            )
    replaced, other = stream_dataset(recording, stream), stream_dataset(partner, stream)
    rate, length = other.attrs["rate"], other.sizes["time"]
    samples = max(1, round(replaced.sizes["time"] / replaced.attrs["rate"] * rate))
    there = np.arange(samples) % max(1, 2 * length - 2)
    index = np.minimum(there, 2 * length - 2 - there) if length > 1 else there
    taken = other.isel(time=index).assign_coords(
        time=time_axis(samples, rate, float(replaced.time[0]))
    )
    swapped = with_stream(recording, stream, taken)
    if "events" in recording.children:
        events = stream_dataset(recording, "events")
        swapped = with_stream(swapped, "events", events.isel(event=events.stream != stream))
    return note(swapped, "with_partner", stream=stream)


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


def _with_stranger(recording: xr.DataTree, stranger: xr.DataTree) -> xr.DataTree:
    """Each stream cleaned by the joint model beside the other stream of somebody else."""
    if len(streams(recording)) < 2:
        raise ParameterError(
            f"a Recording with {streams(recording)[0]} only", "both streams", "leave `stranger` out"
        )
    cleaned = recording
    for stream, other in (("eeg", "nirs"), ("nirs", "eeg")):
        beside = _clean(with_partner(recording, stranger, other), "joint")
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
