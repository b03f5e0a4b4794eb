"""`neurofuse simulate` and `neurofuse inject`: recordings with movement whose truth is known."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurofuse.cli import names, options
from neurofuse.cli.console import progress, show_files
from neurofuse.io.staging import staged

if TYPE_CHECKING:
    import xarray as xr


def simulate_files(
    out: Path, *, duration: float = 300.0, overwrite: bool = False, **settings: Any
) -> dict[str, Path]:
    """Simulate a pair of files with movement, and its truth.

    `settings` are those of `neurofuse.simulate`.

    Returns
    -------
    dict
        "eeg" (EDF) and "nirs" (SNIRF) with movement, "recording" (both with the movement's
        mask, .nc), "truth" (without movement, .nc) and "events" (.tsv).

    Raises
    ------
    NeurofuseError
        For parameters out of range and outputs that cannot be written.
    """
    expected = _expected("simulated", ".edf")
    with staged(out, expected.values(), overwrite=overwrite) as stage:
        from neurofuse.synth import simulate

        pair = simulate(duration, **settings)
        made = _write_pair(*pair, stage, expected)
    return {kind: Path(out) / name for kind, name in made.items()}


def inject_files(
    paths: Sequence[Path],
    out: Path,
    *,
    offset: float | None = None,
    align: str | None = None,
    overwrite: bool = False,
    **settings: Any,
) -> dict[str, Path]:
    """Disturb a clean recording by movement and keep the truth; returns as `simulate_files`.

    The EEG is written in the format it came in. `settings` are those of `neurofuse.inject`,
    `offset` and `align` those of `neurofuse.read`.

    Raises
    ------
    NeurofuseError
        For inputs that cannot be read or aligned and outputs that cannot be written.
    """
    options.one_alignment(offset, align)
    expected = _expected(names.stem(paths) + "_motion", names.eeg_suffix(paths))
    taken = [part for name in expected.values() for part in names.companions(name)]
    with staged(out, taken, overwrite=overwrite) as stage:
        from neurofuse.io import mark_bad, read
        from neurofuse.synth import inject

        recording = mark_bad(read(*paths, offset=offset, align=align))
        made = _write_pair(*inject(recording, **settings), stage, expected)
    return {kind: Path(out) / name for kind, name in made.items()}


def _expected(stem: str, eeg_suffix: str) -> dict[str, str]:
    return {
        "eeg": f"{stem}_eeg{eeg_suffix}",
        "nirs": f"{stem}_nirs.snirf",
        "recording": f"{stem}_recording.nc",
        "truth": f"{stem}_truth.nc",
        "events": f"{stem}_events.tsv",
    }


def _write_pair(
    truth: "xr.DataTree", contaminated: "xr.DataTree", stage: Path, expected: dict[str, str]
) -> dict[str, str]:
    from neurofuse.io import streams, write_eeg, write_netcdf, write_nirs
    from neurofuse.io.bids.sidecars import as_tsv

    present = streams(contaminated)
    if "eeg" in present:
        write_eeg(contaminated, stage / expected["eeg"])
    if "nirs" in present:
        write_nirs(contaminated, stage / expected["nirs"])
    write_netcdf(contaminated, stage / expected["recording"])
    write_netcdf(_with_masks(truth, contaminated), stage / expected["truth"])
    events = contaminated["events"].to_dataset()
    columns = {"onset": "onset", "duration": "duration", "trial_type": "description"}
    columns |= {"channel": "channel", "stream": "stream"}
    table = {column: events[name].values.tolist() for column, name in columns.items()}
    (stage / expected["events"]).write_text(as_tsv(table), encoding="utf-8")
    return {kind: name for kind, name in expected.items() if (stage / name).exists()}


def _with_masks(truth: "xr.DataTree", contaminated: "xr.DataTree") -> "xr.DataTree":
    """The truth with the motion mask, so that files without a mask can be scored by it."""
    from neurofuse.io import stream_dataset, streams, with_stream

    for stream in streams(contaminated):
        motion = contaminated[stream].motion
        truth = with_stream(truth, stream, stream_dataset(truth, stream).assign(motion=motion))
    return truth


def simulate_command(
    *,
    out: options.Out,
    duration: Annotated[float, typer.Option(metavar="S", help="Length in seconds.")] = 300.0,
    eeg_montage: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Electrodes: 10-20, a montage of MNE (biosemi64, easycap-M1, …), their number, "
            "or none.",
        ),
    ] = "10-20",
    nirs_montage: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Optodes: motor, prefrontal or whole-head, with +short for short channels, "
            "or none.",
        ),
    ] = "motor",
    eeg_rate: Annotated[float, typer.Option(metavar="HZ", help="EEG sampling rate.")] = 250.0,
    nirs_rate: Annotated[float, typer.Option(metavar="HZ", help="fNIRS sampling rate.")] = 10.0,
    wavelengths: Annotated[
        str, typer.Option(metavar="NM,NM…", help="Wavelengths of the light.")
    ] = "760,850",
    rest: Annotated[
        bool, typer.Option("--rest", help="A participant at rest, without a task.")
    ] = False,
    coupling: Annotated[
        float,
        typer.Option(
            help="Neurovascular coupling: how strongly EEG power drives haemoglobin; 1 is typical."
        ),
    ] = 0.0,
    blinks: Annotated[bool, typer.Option("--blinks", help="Eye blinks in the EEG.")] = False,
    pulse_artifact: Annotated[
        bool, typer.Option("--pulse-artifact", help="The heart beat in the EEG.")
    ] = False,
    line: Annotated[
        float | None, typer.Option(metavar="HZ", help="Mains hum of 50 or 60 Hz in the EEG.")
    ] = None,
    seed: options.Seed = 0,
    share: options.ShareBy = options.Share.timing,
    severity: options.Severity = 1.0,
    types: options.Types = None,
    bouts: options.Bouts = None,
    lag: options.Lag = None,
    sensors: options.Sensors = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Simulate an EEG + fNIRS recording with head motion (EDF, SNIRF) and its truth (.nc)."""
    with progress("simulating"):
        files = simulate_files(
            out,
            duration=duration,
            eeg_montage=options.montage(eeg_montage),
            nirs_montage=options.montage(nirs_montage),
            eeg_rate=eeg_rate,
            nirs_rate=nirs_rate,
            wavelengths=options.numbers("--wavelengths", wavelengths),
            task=None if rest else "tapping",
            coupling=coupling,
            blinks=blinks,
            pulse_artifact=pulse_artifact,
            line=line,
            overwrite=overwrite,
            **options.motion(seed, share, severity, types, bouts, lag, sensors),
        )
    show_files("simulated:", files)


def inject_command(
    eeg: options.First,
    nirs: options.Second = None,
    *,
    out: options.Out,
    seed: options.Seed = 0,
    share: options.ShareBy = options.Share.timing,
    severity: options.Severity = 1.0,
    types: options.Types = None,
    bouts: options.Bouts = None,
    lag: options.Lag = None,
    sensors: options.Sensors = False,
    offset: options.Offset = None,
    align: options.AlignBy = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Inject head motion into a clean recording and keep the truth (.nc)."""
    with progress("injecting movement"):
        files = inject_files(
            options.inputs(eeg, nirs),
            out,
            offset=offset,
            align=align,
            overwrite=overwrite,
            **options.motion(seed, share, severity, types, bouts, lag, sensors),
        )
    show_files("with movement:", files)
