"""From streams in the network to a live session: subscribed, described, with files open."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurofuse.io.errors import ParameterError

if TYPE_CHECKING:
    import xarray as xr

    from neurofuse.cli.session import Session
    from neurofuse.io.live.inlet import LiveInlet

Make = Callable[["xr.DataTree", Mapping[str, float]], Any]  # montage, rates -> a cleaner


def live_cleaner(method: str) -> Make:
    """Makes a `neurofuse.LiveCleaner` of a montage and rates."""

    def make(montage: "xr.DataTree", rates: Mapping[str, float]) -> Any:
        import neurofuse as nf

        return nf.LiveCleaner(montage, method, rates=dict(rates))

    return make


def connected(
    inlets: "dict[str, LiveInlet]",
    make: Make,
    *,
    method: str,
    settled: bool,
    record: Path | None,
    overwrite: bool,
    real_time: bool,
) -> "Session":
    """A session of these inlets, with which nothing has happened yet; it closes them at its end.

    Raises
    ------
    NeurofuseError
        If there is nothing to clean, the method is unknown, or files are there already. Then all
        is closed.
    """
    from neurofuse.cli.session import Session
    from neurofuse.io.live.layout import IMU, montage
    from neurofuse.io.live.outlet import cleaned_outlet, mask_outlet, status_outlet
    from neurofuse.io.live.recorder import Recorder

    with ExitStack() as undo:
        for inlet in inlets.values():
            undo.callback(inlet.close)
        cleaned = {kind: inlet for kind, inlet in inlets.items() if kind != IMU}
        if not cleaned:
            raise ParameterError("an IMU alone", "EEG, fNIRS or both", "name one (--eeg, --nirs)")
        rates = {kind: inlet.clock.rate for kind, inlet in inlets.items()}
        anew = partial(make, montage([inlet.layout for inlet in inlets.values()]), rates)
        cleaner = anew()
        facts = {kind: _facts(kind, inlets, method, cleaner.lookahead[kind]) for kind in cleaned}
        outlets = {kind: cleaned_outlet(inlet, facts[kind]) for kind, inlet in cleaned.items()}
        masks = {kind: mask_outlet(inlet, facts[kind]) for kind, inlet in cleaned.items()}
        later = {}
        if settled:
            from neurofuse.fusion.settled import BEHIND

            late = {kind: _facts(kind, inlets, method, BEHIND) for kind in cleaned}
            later = {k: cleaned_outlet(i, late[k], "settled") for k, i in cleaned.items()}
        first = next(iter(cleaned.values())).stream
        status = status_outlet(first.source or first.name)
        for outlet in (*outlets.values(), *masks.values(), *later.values(), status):
            undo.callback(outlet.close)
        recorder = None
        if record is not None:
            sent = {kind: outlet.header for kind, outlet in outlets.items()}
            sent |= {f"{kind} mask": outlet.header for kind, outlet in masks.items()}
            made = {"cleaned": sent}
            if later:
                made["settled"] = {kind: outlet.header for kind, outlet in later.items()}
            received = {kind: inlet.header for kind, inlet in inlets.items()}
            recorder = Recorder(record, received, made, overwrite=overwrite)
        undo.pop_all()
    return Session(
        inlets,
        anew,
        cleaner,
        outlets=outlets,
        masks=masks,
        status=status,
        settled=later,
        recorder=recorder,
        real_time=real_time,
        method=method,
    )


def _facts(
    kind: str, inlets: "Mapping[str, LiveInlet]", method: str, lookahead: float
) -> dict[str, object]:
    """What an outlet's description says of the cleaning."""
    return {
        "version": version("neurofuse"),
        "method": method,
        "lookahead": lookahead,
        "partners": " ".join(other for other in inlets if other != kind),
    }
