"""What each stream contributed to the cleaning of the other, found by taking it away."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from neurofuse.fusion.clean import clean
from neurofuse.fusion.controls import shifted, with_partner
from neurofuse.fusion.views.before_after import View, views
from neurofuse.fusion.views.excerpt import excerpt
from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import (
    GATE_OPEN,
    check,
    stream_dataset,
    streams,
    with_stream,
    without_stream,
)

PARTNER = {"eeg": "nirs", "nirs": "eeg"}
RUNS = ("joint", "withheld", "shuffled")


def contribution(
    recording: xr.DataTree,
    model: str = "joint",
    *,
    cleaned: xr.DataTree | None = None,
    truth: xr.DataTree | None = None,
    stranger: xr.DataTree | None = None,
    progress: Callable[[str], None] | None = None,
) -> xr.Dataset:
    """Clean again without the other stream, and beside one that knows nothing.

    Takes four more runs of the model, five without `cleaned`.

    Parameters
    ----------
    recording : Recording
        With both streams. EEG that is still in its file is cut as in `neurofuse.report`.
    model : str
        As of `neurofuse.clean`.
    cleaned : Recording, optional
        `clean(recording, model)`, where it is there already.
    truth : Recording, optional
        The recording without movement; gives `error_db`.
    stranger : Recording, optional
        Whose other stream stands in as the shuffled partner. By default it is the recording's
        own, from half of its duration away.
    progress : callable, optional
        Called with the name of each run.

    Returns
    -------
    Dataset
        Over `stream` and `run`: "joint" (both streams), "withheld" (the same model without the
        other stream), "shuffled" (with a partner that knows nothing).

        - `changed` (stream, run) [V; OD from sample to sample]: root mean square of what was
          taken out of used channels;
        - `opened` (stream, run) [1]: share of channels and time with the gate above 0.5, NaN
          where there is no gate;
        - `from_partner` (stream, run) [1]: energy of the difference from "withheld", over the
          energy that "joint" took out. Of "joint" it is the share of the correction that came
          from the partner; of "shuffled", what any partner would have brought;
        - `course` (stream, run, second): `changed` of each second, `difference` (stream, run,
          second): the same of the difference from "withheld";
        - `error_db` (stream, run) [dB], with a truth: energy of the error over that of the
          untouched recording, where anything moves.

    Raises
    ------
    ParameterError
        If a stream is missing.

    Examples
    --------
    >>> import neurofuse as nf
    >>> from neurofuse.fusion.contribution import contribution
    >>> _, contaminated = nf.simulate(duration=20, seed=2)
    >>> found = contribution(contaminated)
    >>> bool(found.from_partner.sel(run="withheld").max() == 0)
    True
    """
    check(recording)
    if len(streams(recording)) < 2 or (cleaned is not None and len(streams(cleaned)) < 2):
        raise ParameterError(
            f"a Recording with {' and '.join(streams(recording))} only, or a result with one",
            "EEG and fNIRS in both",
            "add the other stream: what one contributes to the other is asked here",
        )
    recording, given, truth, _ = excerpt(recording, cleaned or recording, truth)
    told = progress or (lambda _: None)

    def run(name: str, stream: str) -> xr.DataTree:
        other = PARTNER[stream]
        told(f"{stream}: {other} {name}")
        if name == "withheld":
            return clean(without_stream(recording, other), model)
        if stranger is not None:
            return clean(with_partner(recording, stranger, other), model)
        return clean(shifted(recording, other), model)

    if cleaned is None:
        told("joint")
        given = clean(recording, model)
    tables = []
    for stream in PARTNER:
        results = {name: given if name == "joint" else run(name, stream) for name in RUNS}
        tables.append(_table(recording, results, stream, truth))
    found = xr.concat(tables, xr.Variable("stream", list(PARTNER)), join="outer")
    away = "another recording" if stranger is not None else "another time of this recording"
    return found.assign_attrs(model=model, shuffled=away)


def _table(
    recording: xr.DataTree,
    results: dict[str, xr.DataTree],
    stream: str,
    truth: xr.DataTree | None,
) -> xr.Dataset:
    seen = {}
    for name, result in results.items():
        # partners differ: only the stream that was cleaned is looked at
        alone = without_stream(recording, PARTNER[stream])
        node = with_stream(alone, stream, stream_dataset(result, stream))
        seen[name] = views(alone, node, None if truth is None else _only(truth, stream))[0]
    taken = {name: _taken(view) for name, view in seen.items()}
    time = seen["joint"].time
    seconds = {name: _by_second(values, time) for name, values in taken.items()}
    apart = {name: taken[name] - taken["withheld"] for name in RUNS}
    total = float(np.sum(taken["joint"] ** 2))
    shares = [float(np.sum(apart[n] ** 2)) / total if total else np.nan for n in RUNS]
    columns = {
        "changed": ("run", [float(np.sqrt(np.mean(taken[n] ** 2))) for n in RUNS]),
        "opened": ("run", [_opened(seen[n]) for n in RUNS]),
        "from_partner": ("run", shares),
        "course": (("run", "second"), [seconds[n] for n in RUNS]),
        "difference": (("run", "second"), [_by_second(apart[n], time) for n in RUNS]),
    }
    if truth is not None:
        columns["error_db"] = ("run", [_error(seen[n]) for n in RUNS], {"units": "dB"})
    second = np.floor(time[0]) + np.arange(len(seconds["joint"])) + 0.5
    coords = {"run": list(RUNS), "second": second}
    return xr.Dataset(columns, coords=coords)


def _only(recording: xr.DataTree, stream: str) -> xr.DataTree:
    other = PARTNER[stream]
    return without_stream(recording, other) if other in streams(recording) else recording


def _taken(view: View) -> np.ndarray:
    """(used channel, wavelength, time): what was taken out, of fNIRS from sample to sample."""
    return _steps(view, view.before - view.after)[view.used]


def _steps(view: View, values: np.ndarray) -> np.ndarray:
    values = np.diff(values, axis=-1, prepend=values[..., :1]) if view.stream == "nirs" else values
    return np.nan_to_num(values)


def _by_second(values: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Root mean square of each whole second of the common clock, where streams may begin apart."""
    power = (values**2).mean(axis=(0, 1)) if values.size else np.zeros(values.shape[-1])
    second = (np.floor(time) - np.floor(time[0])).astype(int)
    return np.sqrt(np.bincount(second, power) / np.bincount(second))


def _opened(view: View) -> float:
    if view.gate is None or not view.used.any():
        return np.nan
    return float((view.gate[view.used] > GATE_OPEN).mean())


def _error(view: View) -> float:
    """Energy of the error over that of the untouched recording [dB], where the mask or gate says
    that anything moves; of fNIRS from sample to sample."""
    if view.truth is None:
        return np.nan
    moving = view.motion if view.motion is not None else np.ones(view.before.shape[::2], bool)
    where = (view.used[:, None] & moving)[:, None, :]
    left, was = (
        float(np.sum((_steps(view, values - view.truth) ** 2) * where))
        for values in (view.after, view.before)
    )
    return 10 * np.log10(left / was) if left and was else np.nan
