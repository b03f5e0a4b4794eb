"""All recordings below a folder, by suffix, and by content where many programs use a suffix."""

import os
import re
from pathlib import Path

from neurofuse.io.detect.content import content_of
from neurofuse.io.detect.format import ANY, BOTH, SUFFIXES, suffix_of
from neurofuse.io.modality import EEG, NIRS

OWN = re.compile(r"_desc-clean|_truth$")  # ends of neurofuse's own outputs
STORE = ".zarr"
DESCRIBED = "dataset_description.json"  # a data set of BIDS, such as the outputs
# suffixes of many programs -> what else, besides the format, is taken for a recording
SHARED = {
    ".csv": (),
    ".txt": (),
    ".hdr": (),
    ".set": ("MATLAB", "empty", "broken HDF5"),  # NIRx writes text files of this name
    ".nc": ("empty", "broken HDF5"),
}
Found = list[tuple[Path, str]]


def recordings_below(top: Path) -> tuple[Found, Found]:
    """The recordings of a folder at any depth; each folder once, wherever links lead.

    Hidden folders and data sets of BIDS further down are not looked into.

    Parameters
    ----------
    top : Path

    Returns
    -------
    files : list of (Path, str)
        In order of path, with what they hold: "eeg", "nirs" or "recording" (both).
    closed : list of (Path, str)
        Folders that cannot be opened, and why.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("a.edf", "b.snirf", "notes.txt"):
    ...         Path(folder, name).touch()
    ...     [(path.name, kind) for path, kind in recordings_below(Path(folder))[0]]
    [('a.edf', 'eeg'), ('b.snirf', 'nirs')]
    """
    files: Found = []
    closed: Found = []
    seen: set[tuple[int, int]] = set()
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
            here = os.stat(folder)
        except OSError as error:
            closed.append((folder, f"a folder that cannot be opened ({error.strerror})"))
            continue
        described = folder != top and any(entry.name == DESCRIBED for entry in entries)
        if (here.st_dev, here.st_ino) in seen or described:
            continue
        seen.add((here.st_dev, here.st_ino))
        shown = [entry for entry in entries if not entry.name.startswith(".")]
        paths = {Path(entry.path): _is_folder(entry) for entry in shown}
        taken = [path for path, inner in paths.items() if _is_recording(path, inner)]
        files += [(path, _kind(path)) for path in taken]
        waiting += [path for path, inner in reversed(paths.items()) if inner and path not in taken]
    return files, closed


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_recording(path: Path, folder: bool) -> bool:
    suffix = suffix_of(path)
    if folder:
        return suffix == STORE
    if suffix not in SUFFIXES or OWN.search(path.name.removesuffix(path.suffix)):
        return False
    if suffix not in SHARED:
        return True
    try:
        content = content_of(path)
    except OSError:  # a link that leads nowhere, or no right to read
        content = "empty"
    return content in (SUFFIXES[suffix][0], *SHARED[suffix])


def _kind(path: Path) -> str:
    """What a recording holds by its suffix; of FIF, by its name."""
    kind = BOTH if suffix_of(path) == STORE else SUFFIXES[suffix_of(path)][1]
    optical = re.search("nirs|optics", path.name.lower())
    return kind if kind != ANY else NIRS.name if optical else EEG.name
