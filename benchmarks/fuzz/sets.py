"""Small whole recordings of several files each, for parts.py to take apart.

Each kind has at least two of them, of other lengths, so that their parts can be mixed up.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

import neurofuse.io as io
from benchmarks.fuzz.seeds import (
    CHANNELS,
    SECONDS,
    Seed,
    bids_folder,
    eeg_recording,
    nirx_folders,
    zarr_store,
)

SHORTER = 0.5  # of SECONDS


def _last(seconds: float) -> xr.DataTree:
    return eeg_recording().sel(time=slice(SECONDS - seconds, None))


def brainvision_sets(folder: Path) -> list[Seed]:
    """Floats by channel in turn, integers channel by channel, and text; lengths are announced."""
    seeds = []
    for name, seconds in (("floats", SECONDS), ("short", SHORTER * SECONDS)):
        (folder / name).mkdir(parents=True)
        path = io.write_eeg(_last(seconds), folder / name / "a.vhdr")
        seeds.append((path.parent, path.name))
    floats = np.fromfile(folder / "floats" / "a.eeg", "<f4").reshape(-1, len(CHANNELS))
    for name in ("integers", "text"):
        shutil.copytree(folder / "floats", folder / name)
        path = folder / name / "a.vhdr"
        if name == "integers":
            _edit(path, "MULTIPLEXED", "VECTORIZED")
            _edit(path, "IEEE_FLOAT_32", "INT_16")
            path.with_suffix(".eeg").write_bytes(floats.round().astype("<i2").T.tobytes())
        else:
            _edit(path, "DataFormat=BINARY", "DataFormat=ASCII")
            _edit(
                path,
                "[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32",
                "[ASCII Infos]\nDecimalSymbol=.\nSkipLines=1\nSkipColumns=0",
            )
            rows = [" ".join(CHANNELS), *(" ".join(f"{v:.4f}" for v in row) for row in floats)]
            path.with_suffix(".eeg").write_text("\n".join([*rows, ""]))
        seeds.append((path.parent, path.name))
    return seeds


def eeglab_sets(folder: Path) -> list[Seed]:
    """A .set with its samples in a .fdt beside it."""
    seeds = []
    for name, seconds in (("long", SECONDS), ("short", SHORTER * SECONDS)):
        (folder / name).mkdir(parents=True)
        path = io.write_eeg(_last(seconds), folder / name / "a.set")
        _split(path)
        seeds.append((path.parent, path.name))
    return seeds


def fif_sets(folder: Path) -> list[Seed]:
    """A FIF file that goes on in a second one."""
    from neurofuse.io.logs import quiet

    seeds = []
    for name, seconds in (("long", 110.0), ("short", 80.0)):
        (folder / name).mkdir(parents=True)
        samples = 2e-5 * np.random.default_rng(int(seconds)).standard_normal(
            (2, int(3000 * seconds))
        )
        raw, _ = io.to_mne(io.build(io.eeg_dataset(samples, 3000.0, ["C3", "C4"])))
        assert raw is not None
        with quiet():
            raw.save(folder / name / "a_raw.fif", split_size="2MB", buffer_size_sec=20.0)
        seeds.append((folder / name, "a_raw.fif"))
    return seeds


def nirx_sets(folder: Path) -> list[Seed]:
    """The folders of nirx_folders, and shorter ones of them."""
    seeds = nirx_folders(folder)
    for place, _ in list(seeds):
        copy = place.with_name(place.name + " short")
        shutil.copytree(place, copy)
        for table in (*copy.glob("*.wl[12]"), *copy.glob("*.dat")):
            table.write_bytes(b"".join(table.read_bytes().splitlines(keepends=True)[-40:]))
        seeds.append((copy, next(copy.glob("*.hdr")).name))
    return seeds


def zarr_sets(folder: Path) -> list[Seed]:
    """Two stores, one of them shorter."""
    seeds = zarr_store(folder / "long")
    short = io.read(folder / "long" / seeds[0][1]).sel(time=slice(SHORTER * SECONDS, None))
    (folder / "short").mkdir()
    io.write_zarr(short, folder / "short" / "a.zarr")
    return [*seeds, (folder / "short", "a.zarr")]


def bids_sets(folder: Path) -> list[Seed]:
    """Sessions of EEG in EDF, BrainVision and EEGLAB, each with fNIRS and all sidecars."""
    seeds = []
    for name, suffix in (("edf", ".edf"), ("brainvision", ".vhdr"), ("eeglab", ".set")):
        bids_folder(folder / name)
        eeg = folder / name / "sub-01" / "eeg"
        stem = "sub-01_task-rest"
        (eeg / f"{stem}_eeg.edf").unlink()
        path = io.write_eeg(eeg_recording(), eeg / f"{stem}_eeg{suffix}")
        if suffix == ".set":
            _split(path)
        _describe(folder / name / "sub-01", stem, path.name)
        seeds.append((folder / name, "."))
    return seeds


def _describe(subject: Path, stem: str, eeg: str) -> None:
    """The sidecars that bids_folder leaves out."""
    place = {"EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "m"}
    landmarks = {"AnatomicalLandmarkCoordinates": {"NAS": [0, 0.1, 0], "LPA": [-0.08, 0, 0],
                                                   "RPA": [0.08, 0, 0]}}  # fmt: skip
    texts = {
        f"eeg/{stem}_electrodes.tsv": "name\tx\ty\tz\nFp1\t-0.03\t0.09\t0.02\nC3\t-0.06\t0\t0.08\n"
        "ECG\tn/a\tn/a\tn/a\n",
        "eeg/sub-01_coordsystem.json": json.dumps({**place, **landmarks}),
        f"eeg/{stem}_events.json": json.dumps({"onset": {"Units": "s"}}),
        "sub-01_scans.tsv": f"filename\tacq_time\neeg/{eeg}\t2024-05-17T09:30:12\n"
        f"nirs/{stem}_nirs.snirf\t2024-05-17T09:30:12\n",
        "../participants.json": json.dumps({"age": {"Units": "years"}}),
    }
    for name, text in texts.items():
        (subject / name).write_text(text, encoding="utf-8")


def _split(path: Path) -> None:
    """Move the samples of a .set file into a .fdt file."""
    from scipy.io import loadmat, savemat

    eeg = {k: v for k, v in loadmat(path, simplify_cells=True).items() if not k.startswith("__")}
    samples = np.atleast_2d(eeg["data"])
    samples.T.astype("<f4").tofile(path.with_suffix(".fdt"))
    eeg["data"] = path.with_suffix(".fdt").name
    savemat(path, {"EEG": eeg}, format="5", oned_as="row")


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    if old not in text:
        raise ValueError(f"{path} without {old}")
    path.write_text(text.replace(old, new), encoding="utf-8")


SETS: dict[str, Callable[[Path], list[Seed]]] = {
    "BrainVision in parts": brainvision_sets,
    "EEGLAB .set + .fdt": eeglab_sets,
    "FIF in parts": fif_sets,
    "NIRx in parts": nirx_sets,
    "zarr in parts": zarr_sets,
    "BIDS in parts": bids_sets,
}
