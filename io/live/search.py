"""Which of the streams in the network are EEG, fNIRS and a head's IMU."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.io.live.header import stream_of
from neurofuse.io.live.inlet import OPEN_WAIT, LiveInlet
from neurofuse.io.live.layout import IMU, KINDS, kind_of
from neurofuse.io.live.lsl import lsl
from neurofuse.io.modality import EEG, NIRS

By = Literal["name", "type", "source_id"]
OWN = "neurofuse-"  # what the source_id of everything that we send begins with
FIELDS = {"name": "name", "type": "stype", "source_id": "source_id"}
ALL_WAIT = 2.0  # s in which all streams of a network answer
DISPLAY = {EEG.name: "EEG", NIRS.name: "fNIRS", IMU: "IMU"}


def find_inlets(
    wanted: Mapping[str, str | None], *, by: By = "name", wait: float = 10.0
) -> dict[str, LiveInlet]:
    """Subscribe to the streams that are wanted, or to those that are there.

    Parameters
    ----------
    wanted : mapping of kind to text
        For "eeg", "nirs" and "imu" the name, type or source_id of a stream, None for any or none.
        Where all are None, every kind of which the network holds one stream is taken.
    by : {"name", "type", "source_id"}
        What `wanted` says.
    wait : float
        How long streams are waited for [s].

    Returns
    -------
    dict of kind to LiveInlet

    Raises
    ------
    ReadError
        If a stream that is wanted, or any of EEG and fNIRS, is not found in time, if there are
        several to choose from, or if one cannot be used.
    ParameterError
        If `by` is unknown, or the package mne-lsl is not installed.
    """
    if by not in FIELDS:
        raise ParameterError(f"by={by!r}", " or ".join(FIELDS), "name is the default")
    until = time.monotonic() + wait
    named = {kind: text for kind, text in wanted.items() if text is not None}
    if named:
        found = {kind: _one(kind, text, by, until) for kind, text in named.items()}
    else:
        found = _any(until)
    with ThreadPoolExecutor(len(found)) as pool:  # each takes more than a second
        opening = {k: pool.submit(_subscribed, found[k], k) for k in KINDS if k in found}
    errors = [error for future in opening.values() if (error := future.exception()) is not None]
    if errors:
        for future in opening.values():
            if future.exception() is None:
                future.result().close()
        raise errors[0]
    return {kind: future.result() for kind, future in opening.items()}


def _subscribed(info: Any, kind: str) -> LiveInlet:
    try:
        return LiveInlet(info, kind)
    except TimeoutError as error:
        raise ReadError(
            f"a stream of {DISPLAY[kind]} ({info.name}) whose sender does not answer",
            "a sender that can be reached",
            "check its program, and the firewalls of both computers",
        ) from error


def _one(kind: str, text: str, by: str, until: float) -> Any:
    """The only stream of this name, type or source_id; what we send has the types we receive."""

    def found_now() -> list[Any]:
        found = lsl().resolve_streams(timeout=1.0, **{FIELDS[by]: text})
        return [info for info in found if by != "type" or _foreign(info)]

    while not (found := found_now()):
        if time.monotonic() > until:
            there = lsl().resolve_streams(timeout=ALL_WAIT)
            raise ReadError(
                f"no stream whose {by} is {text!r} (there: {_list(there) or 'none'})",
                f"one of {DISPLAY[kind]}",
                f"start the program that sends it, or correct --{kind} and --by",
            )
    return _only(kind, found, f"whose {by} is {text!r}")


def _any(until: float) -> dict[str, Any]:
    """One stream of each kind that is there."""
    while True:
        there = [s for s in lsl().resolve_streams(timeout=ALL_WAIT) if _foreign(s)]
        kinds: dict[str, list[Any]] = {}
        for info in there:
            kinds.setdefault(_kind(info), []).append(info)
        if EEG.name in kinds or NIRS.name in kinds:
            return {kind: _only(kind, kinds[kind], "") for kind in KINDS if kind in kinds}
        if time.monotonic() > until:
            raise ReadError(
                f"no stream of EEG or fNIRS (there: {_list(there) or 'none'})",
                "a running program that sends one through LSL",
                "start it, or name the streams (--eeg NAME, --nirs NAME); rehearse with --play",
            )


def _kind(info: Any) -> str:
    """The kind of a stream; its whole header is fetched only where its type does not tell."""
    stream = stream_of(info.as_xml)
    kind = kind_of(stream)
    if kind != "other" or stream.text:
        return kind
    inlet = lsl().StreamInlet(info)
    try:
        inlet.open_stream(timeout=OPEN_WAIT)
        return kind_of(stream_of(inlet.get_sinfo(timeout=OPEN_WAIT).as_xml))
    except TimeoutError:
        return "other"
    finally:
        inlet._del()


def _foreign(info: Any) -> bool:
    return not str(info.source_id).startswith(OWN)


def _only(kind: str, found: Sequence[Any], which: str) -> Any:
    if len(found) > 1:
        raise ReadError(
            f"{len(found)} streams of {DISPLAY[kind]} {which}: {_list(found)}".replace(" :", ":"),
            "one",
            f"name it (--{kind} NAME), or tell them apart with --by source_id",
        )
    return found[0]


def _list(infos: Sequence[Any]) -> str:
    return ", ".join(
        f"{i.name} ({i.stype or 'no type'}, {i.n_channels} channels, {i.sfreq:g} Hz)" for i in infos
    )
