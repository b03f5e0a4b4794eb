"""Arguments and options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from neurofuse.io.errors import ParameterError
from neurofuse.io.logs import LOG


class Align(StrEnum):
    """What puts two files on one clock when no offset is given."""

    events = "events"
    clock = "clock"
    physiology = "physiology"


class Share(StrEnum):
    """What the motion artifacts of both modalities have in common."""

    none = "none"
    timing = "timing"
    partial = "partial"
    full = "full"


First = Annotated[
    Path,
    typer.Argument(
        metavar="EEG",
        show_default=False,
        help="EEG file (EDF, BDF, BrainVision .vhdr, FIF, EEGLAB .set). A fNIRS file alone is "
        "taken too, and whatever holds both: an XDF file, a BIDS folder (data set, subject or "
        "session), a neurofuse .nc or .zarr.",
    ),
]
Second = Annotated[
    Path | None,
    typer.Argument(
        metavar="NIRS",
        show_default=False,
        help="fNIRS file of the same session (SNIRF, a NIRx folder, Homer .nirs, Hitachi .csv, "
        "BOXY .txt).",
    ),
]
Out = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="DIR", help="Folder for the outputs; made if missing."),
]
Offset = Annotated[
    float | None,
    typer.Option(
        metavar="S", help="When the fNIRS file began, in seconds after the EEG file; 0 if together."
    ),
]
AlignBy = Annotated[
    Align | None,
    typer.Option(
        help="Align by shared events, by the files' dates, or by heart rate and movement that "
        "both measured (default: events, else dates)."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")]
KeepIdentity = Annotated[
    bool,
    typer.Option(
        "--keep-identity",
        help="Also write subject, operator, institute, serial numbers and comments as the inputs "
        "have them (not into BIDS).",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")]
ShareBy = Annotated[
    Share, typer.Option(help="What the motion artifacts of both modalities have in common.")
]
Severity = Annotated[float, typer.Option(min=0.0, help="Size of the movement; 1 is typical.")]
Types = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE,…",
        help="Kinds of movement: nod, shake, tilt, jerk, gait, jaw, touch, face (default: all).",
    ),
]
Bouts = Annotated[
    float | None,
    typer.Option(
        "--bouts-per-minute",
        metavar="N",
        help="How often the participant begins to move (default: random, about 2).",
    ),
]
Lag = Annotated[
    float | None,
    typer.Option(metavar="S", help="Delay of movements in fNIRS (default: random, -0.3 to 0.3)."),
]
Sensors = Annotated[
    bool, typer.Option("--sensors", help="Also accelerometer and gyroscope (in the .nc).")
]
Method = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH",
        help="A method of `neurofuse methods`, weights of your own (.safetensors), or the folder "
        "of an export. By default "
        "joint where both modalities are there, else the model of the single modality.",
    ),
]
Channels = Annotated[
    str | None,
    typer.Option(
        metavar="A,B",
        help="Channels whose responses to events the report shows (default: those with the best "
        "quality).",
    ),
]
Regions = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="NAME=A,B",
        help="A region whose mean response the report shows, by its channels; may be repeated.",
    ),
]
Model = Annotated[str | None, typer.Option("--model", hidden=True)]  # until 1.0
SelfTested = Annotated[
    bool,
    typer.Option(
        "--self-test",
        help="Also show in the report how well methods clean this recording (`neurofuse check`).",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of tables.")]


def inputs(first: Path, second: Path | None) -> list[Path]:
    """The one or two input paths."""
    return [first] if second is None else [first, second]


def renamed_option(old: str, value: Any, new: str, given: Any) -> Any:
    """The value of an option whose old name is accepted until 1.0, with a warning."""
    if value is None:
        return given
    LOG.warning("%s is now %s; the old name stops working in neurofuse 1.0", old, new)
    return value if given is None else given


def shown(channels: str | None, regions: list[str] | None) -> dict[str, Any]:
    """The options about responses as parameters of `neurofuse.report`.

    Raises
    ------
    ParameterError
        If a region has no name or no channel.
    """
    groups = {}
    for text in regions or []:
        name, _, members = text.partition("=")
        if not name.strip() or not members.strip():
            raise ParameterError(
                f"--region {text}", "NAME=A,B", 'for example --region "left motor=C3,CP3"'
            )
        groups[name.strip()] = [member.strip() for member in members.split(",")]
    named = None if channels is None else [name.strip() for name in channels.split(",")]
    return {"channels": named, "regions": groups or None}


def one_alignment(offset: float | None, align: str | None) -> None:
    """Refuse two ways of alignment at once."""
    if offset is not None and align is not None:
        raise ParameterError(
            f"--offset {offset:g} and --align {align}", "one of the two", "leave one of them out"
        )


def no_identity_in_bids(keep_identity: bool, bids: bool) -> None:
    """Refuse identity in a data set that is made for sharing."""
    if keep_identity and bids:
        raise ParameterError(
            "--keep-identity with --bids",
            "a BIDS data set without identity",
            "leave one of them out",
        )


def montage(text: str) -> str | int | None:
    """What a montage option means: a name, a number of sensors, or None for "none"."""
    if text.strip().lower() == "none":
        return None
    return int(text) if text.isdigit() else text


def numbers(option: str, text: str) -> tuple[float, ...]:
    """Numbers between commas.

    Raises
    ------
    ParameterError
        If one of them is no number.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ParameterError(
            f"{option} {text}", "numbers between commas", "for example 760,850"
        ) from None


def motion(
    seed: int,
    share: Share,
    severity: float,
    types: str | None,
    bouts: float | None,
    lag: float | None,
    sensors: bool,
) -> dict[str, Any]:
    """The options about movement as parameters of `neurofuse.inject`."""
    return {
        "seed": seed,
        "share": share.value,
        "severity": severity,
        "types": None if types is None else [part.strip() for part in types.split(",")],
        "bouts_per_minute": bouts,
        "lag": lag,
        "sensors": sensors,
    }
