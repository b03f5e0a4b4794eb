"""`neurofuse simulate` and `neurofuse inject`: recordings with movement whose truth is known."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neurofuse.cli import names, options
from neurofuse.cli.console import progress, show_files
from neurofuse.io.staging import staged

if TYPE_CHECKING:
    import xarray as xr


def simulate_files(
    out: Path,
    *,
    duration: float = 300.0,
    seed: int = 0,
    share: str = "timing",
    severity: float = 1.0,
    overwrite: bool = False,
) -> dict[str, Path]:
    """Simulate a pair of files with movement, and its truth.

    Returns
    -------
    dict
        "eeg" (EDF) and "nirs" (SNIRF) with movement, "recording" (both with the movement's
        mask, .nc) and "truth" (without movement, .nc).

    Raises
    ------
    NeurofuseError
        For parameters out of range and outputs that cannot be written.
    """
    expected = _expected("simulated", ".edf")
    with staged(out, expected.values(), overwrite=overwrite) as stage:
        from neurofuse.synth import simulate

        pair = simulate(duration, seed=seed, share=share, severity=severity)
        made = _write_pair(*pair, stage, expected)
    return {kind: Path(out) / name for kind, name in made.items()}


def inject_files(
    paths: Sequence[Path],
    out: Path,
    *,
    seed: int = 0,
    share: str = "timing",
    severity: float = 1.0,
    offset: float | None = None,
    align: str | None = None,
    overwrite: bool = False,
) -> dict[str, Path]:
    """Disturb a clean recording by movement and keep the truth; returns as `simulate_files`.

    The EEG is written in the format it came in. Parameters as in `neurofuse.inject` and
    `neurofuse.read`.

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
        pair = inject(recording, seed=seed, share=share, severity=severity)
        made = _write_pair(*pair, stage, expected)
    return {kind: Path(out) / name for kind, name in made.items()}


def _expected(stem: str, eeg_suffix: str) -> dict[str, str]:
    return {
        "eeg": f"{stem}_eeg{eeg_suffix}",
        "nirs": f"{stem}_nirs.snirf",
        "recording": f"{stem}_recording.nc",
        "truth": f"{stem}_truth.nc",
    }


def _write_pair(
    truth: "xr.DataTree", contaminated: "xr.DataTree", stage: Path, expected: dict[str, str]
) -> dict[str, str]:
    from neurofuse.io import streams, write_eeg, write_netcdf, write_nirs

    present = streams(contaminated)
    if "eeg" in present:
        write_eeg(contaminated, stage / expected["eeg"])
    if "nirs" in present:
        write_nirs(contaminated, stage / expected["nirs"])
    write_netcdf(contaminated, stage / expected["recording"])
    write_netcdf(_with_masks(truth, contaminated), stage / expected["truth"])
    return {kind: name for kind, name in expected.items() if (stage / name).exists()}


def _with_masks(truth: "xr.DataTree", contaminated: "xr.DataTree") -> "xr.DataTree":
    """The truth with the movement's mask, so that files without a mask can be scored by it."""
    from neurofuse.io import stream_dataset, streams, with_stream

    for stream in streams(contaminated):
        motion = contaminated[stream].motion
        truth = with_stream(truth, stream, stream_dataset(truth, stream).assign(motion=motion))
    return truth


def simulate_command(
    *,
    out: options.Out,
    duration: Annotated[float, typer.Option(metavar="S", help="Length in seconds.")] = 300.0,
    seed: options.Seed = 0,
    share: options.ShareBy = options.Share.timing,
    severity: options.Severity = 1.0,
    overwrite: options.Overwrite = False,
) -> None:
    """Simulate an EEG + fNIRS recording with head motion (EDF, SNIRF) and its truth (.nc)."""
    with progress("simulating"):
        files = simulate_files(
            out, duration=duration, seed=seed, share=share, severity=severity, overwrite=overwrite
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
    offset: options.Offset = None,
    align: options.AlignBy = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Inject head motion into a clean recording and keep the truth (.nc)."""
    with progress("injecting movement"):
        files = inject_files(
            options.inputs(eeg, nirs),
            out,
            seed=seed,
            share=share,
            severity=severity,
            offset=offset,
            align=align,
            overwrite=overwrite,
        )
    show_files("with movement:", files)
