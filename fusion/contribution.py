"""What each modality contributed to the cleaning of the other, found by withholding it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.clean import clean
from neurofuse.fusion.controls import shifted, with_partner
from neurofuse.fusion.methods.registry import JOINT
from neurofuse.fusion.views.before_after import View, views_of
from neurofuse.fusion.views.changes import compared
from neurofuse.fusion.views.excerpt import excerpt
from neurofuse.io.deprecation import renamed
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import (
    GATE_OPEN,
    check,
    stream_dataset,
    streams,
    with_stream,
    without_stream,
)

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method

RUNS = ("joint", "withheld", "mismatched")


def contribution(
    recording: xr.DataTree,
    method: "Method" = JOINT,
    *,
    cleaned: xr.DataTree | None = None,
    truth: xr.DataTree | None = None,
    mismatched: xr.DataTree | None = None,
    progress: Callable[[str], None] | None = None,
    model: "Method | None" = None,
    stranger: xr.DataTree | None = None,
) -> xr.Dataset:
    """Clean again without the other modality, and with a mismatched one.

    The method runs four more times, or five without `cleaned`.

    Parameters
    ----------
    recording : Recording
        With both modalities. EEG too large for memory is shortened as in `neurofuse.report`.
    method : str, Path, Cleaner or model
        As of `neurofuse.clean`; one that treats both modalities.
    cleaned : Recording, optional
        `clean(recording, method)`, where it exists already.
    truth : Recording, optional
        The recording without motion; gives `error_db`.
    mismatched : Recording, optional
        A recording of another participant, whose other modality stands in as the mismatched
        partner. By default it is the recording's own, from half of its duration away.
    progress : callable, optional
        Called with the name of each run.
    model, stranger : optional
        The former names of `method` and `mismatched`, accepted until neurofuse 1.0.

    Returns
    -------
    Dataset
        Over `stream` and `run`: "joint" (both modalities), "withheld" (the same method without the
        other modality), "mismatched" (with a mismatched partner).

        - `changed` (stream, run) [V; OD from sample to sample]: root mean square of what was
          removed from used channels;
        - `motion_fraction` (stream, run) [1]: fraction of channels and time in which the motion
          mask is above 0.5, NaN without a mask;
        - `from_partner` (stream, run) [1]: energy of the difference from "withheld", over the
          energy that "joint" removed. Of "joint" it is the part of the correction that came from
          the partner; of "mismatched", what any partner would have contributed;
        - `course` (stream, run, second): `changed` of each second, `difference` (stream, run,
          second): the same of the difference from "withheld";
        - `error_db` (stream, run) [dB], with a truth: energy of the error over that of the
          uncorrected recording, in motion.

    Raises
    ------
    ParameterError
        If a modality is missing.

    Examples
    --------
    >>> import neurofuse as nf
    >>> _, contaminated = nf.simulate(duration=20, seed=2)
    >>> table = nf.contribution(contaminated)
    >>> bool(table.from_partner.sel(run="withheld").max() == 0)
    True
    """
    if model is not None:
        renamed("contribution(model=)", "contribution(method=)")
        method = model
    if stranger is not None:
        renamed("contribution(stranger=)", "contribution(mismatched=)")
        mismatched = stranger if mismatched is None else mismatched
    check(recording)
    if len(streams(recording)) < 2 or (cleaned is not None and len(streams(cleaned)) < 2):
        raise ParameterError(
            f"a Recording with {' and '.join(streams(recording))} only, or a result with one",
            "EEG and fNIRS in both",
            "add the other modality, whose contribution is measured here",
        )
    recording, given, truth, _ = excerpt(recording, cleaned or recording, truth)
    announce = progress or (lambda _: None)

    def run(name: str, stream: str) -> xr.DataTree:
        other = MODALITIES[stream].other.name
        announce(f"{stream}: {other} {name}")
        if name == "withheld":
            return clean(without_stream(recording, other), method)
        if mismatched is not None:
            return clean(with_partner(recording, mismatched, other), method)
        return clean(shifted(recording, other), method)

    if cleaned is None:
        announce("joint")
        given = clean(recording, method)
    tables = []
    for stream in MODALITIES:
        results = {name: given if name == "joint" else run(name, stream) for name in RUNS}
        tables.append(_table(recording, results, stream, truth))
    table = xr.concat(tables, xr.Variable("stream", list(MODALITIES)), join="outer")
    source = "another recording" if mismatched is not None else "another time of this recording"
    return table.assign_attrs(method=str(getattr(method, "name", method)), mismatched=source)


def _table(
    recording: xr.DataTree,
    results: dict[str, xr.DataTree],
    stream: str,
    truth: xr.DataTree | None,
) -> xr.Dataset:
    # partners differ: only the modality that was cleaned is compared
    alone = _only(recording, stream)
    true = None if truth is None else _only(truth, stream)
    views = {}
    for name, result in results.items():
        cleaned = with_stream(alone, stream, stream_dataset(result, stream))
        views[name] = views_of(alone, cleaned, true)[0]
    removed = {name: _removed(view) for name, view in views.items()}
    time = views["joint"].time
    seconds = {name: _by_second(values, time) for name, values in removed.items()}
    difference = {name: removed[name] - removed["withheld"] for name in RUNS}
    total = float(np.sum(removed["joint"] ** 2))
    fractions = [float(np.sum(difference[n] ** 2)) / total if total else np.nan for n in RUNS]
    columns = {
        "changed": ("run", [float(np.sqrt(np.mean(removed[n] ** 2))) for n in RUNS]),
        "motion_fraction": ("run", [_motion_fraction(views[n]) for n in RUNS]),
        "from_partner": ("run", fractions),
        "course": (("run", "second"), [seconds[n] for n in RUNS]),
        "difference": (("run", "second"), [_by_second(difference[n], time) for n in RUNS]),
    }
    if truth is not None:
        columns["error_db"] = ("run", [_error(views[n]) for n in RUNS], {"units": "dB"})
    second = np.floor(time[0]) + np.arange(len(seconds["joint"])) + 0.5
    coords = {"run": list(RUNS), "second": second}
    return xr.Dataset(columns, coords=coords)


def _only(recording: xr.DataTree, stream: str) -> xr.DataTree:
    other = MODALITIES[stream].other.name
    return without_stream(recording, other) if other in streams(recording) else recording


def _removed(view: View) -> np.ndarray:
    """(used channel, wavelength, time): what was removed, of fNIRS from sample to sample."""
    return np.nan_to_num(compared(view, view.before - view.after))[view.used]


def _by_second(values: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Root mean square of each whole second of the common clock, where modalities may begin at
    different times."""
    power = (values**2).mean(axis=(0, 1)) if values.size else np.zeros(values.shape[-1])
    second = (np.floor(time) - np.floor(time[0])).astype(int)
    return np.sqrt(np.bincount(second, power) / np.bincount(second))


def _motion_fraction(view: View) -> float:
    if view.gate is None or not view.used.any():
        return np.nan
    return float((view.gate[view.used] > GATE_OPEN).mean())


def _error(view: View) -> float:
    """Energy of the error over that of the uncorrected recording [dB], within the true motion
    mask where it is known; of fNIRS from sample to sample."""
    if view.truth is None:
        return np.nan
    motion = view.motion if view.motion is not None else np.ones(view.before.shape[::2], bool)
    where = (view.used[:, None] & motion)[:, None, :]
    after, before = (
        float(np.sum((np.nan_to_num(compared(view, values - view.truth)) ** 2) * where))
        for values in (view.after, view.before)
    )
    return 10 * np.log10(after / before) if after and before else np.nan
