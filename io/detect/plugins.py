"""Readers of further formats: packages with an entry point in the group `neurofuse.readers`.

A plug-in is looked for only where no format of neurofuse's own fits a file. `examples/plugin` in
the repository holds one; its `pyproject.toml` says

    [project.entry-points."neurofuse.readers"]
    columns = "neurofuse_example.columns:READER"
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import xarray as xr

from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG

if TYPE_CHECKING:
    import mne

GROUP = "neurofuse.readers"
PREFIX = "plug-in "  # of the names that `find_format` gives such formats


@runtime_checkable
class Reader(Protocol):
    """What an entry point of the group `neurofuse.readers` leads to: an object or a function.

    Attributes
    ----------
    suffixes : tuple of str
        Ends of the names of the files or folders that it reads, in lower case: (".abc",).

    Examples
    --------
    >>> def read_abc(path: Path) -> xr.DataTree:
    ...     from neurofuse.io import build, eeg_dataset
    ...     return build(eeg_dataset(1e-6 * np.loadtxt(path), 250.0, ["C3", "C4"]))
    >>> read_abc.suffixes = (".abc",)
    >>> isinstance(read_abc, Reader)
    True
    """

    suffixes: tuple[str, ...]

    def __call__(self, path: Path, /) -> "xr.DataTree | mne.io.BaseRaw":
        """Read one file.

        Parameters
        ----------
        path : Path
            An existing file or folder with one of the suffixes.

        Returns
        -------
        Recording or mne.io.Raw
            A Recording as `neurofuse.io.build` makes it, or a Raw with EEG channels, fNIRS
            channels or both, which `neurofuse.from_mne` understands.

        Raises
        ------
        Exception
            Any: neurofuse passes it on as a ReadError that names the plug-in.
        """
        ...


def plugin_format(path: Path) -> str:
    """What `find_format` calls the format of a file that a plug-in reads; "" if none does."""
    name = next((name for name, reader in _readers() if _reads(reader, path)), "")
    return f"{PREFIX}{name}" if name else ""


def call_plugin(path: Path, kind: str) -> "xr.DataTree | mne.io.BaseRaw":
    """What the plug-in of format `kind` (see `plugin_format`) makes of a file."""
    reader = next(reader for name, reader in _readers() if f"{PREFIX}{name}" == kind)
    made = reader(path)
    if not isinstance(made, xr.DataTree) and not hasattr(made, "get_channel_types"):
        raise TypeError(f"it returned a {type(made).__name__}, not a Recording or an MNE Raw")
    return made


@contextmanager
def naming_plugin(path: Path, kind: str) -> Iterator[None]:
    """Let every error leave as a ReadError that names the plug-in of format `kind`."""
    try:
        yield
    except Exception as error:  # third-party code may raise anything
        reason = " ".join(str(error).split())[:300]
        raise ReadError(
            f"{path}, which the {kind} cannot read ({type(error).__name__}: {reason})",
            "a file of the plug-in's format",
            f"check the file, or report this to the authors of the {kind}",
        ) from error


def _readers() -> Iterator[tuple[str, Reader]]:
    """All installed readers by name; one that fails is left out with a warning."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            reader = _load(entry)
        except Exception as error:
            LOG.warning("plug-in %s (%s) is left out: %s", entry.name, entry.value, error)
        else:
            yield entry.name, reader


def _load(entry: EntryPoint) -> Reader:
    made = entry.load()
    reader = made() if isinstance(made, type) else made
    if not isinstance(reader, Reader):
        raise TypeError("it is not callable, or has no suffixes")
    suffixes = reader.suffixes
    if not (isinstance(suffixes, tuple) and all(isinstance(s, str) and s for s in suffixes)):
        raise TypeError(f"its suffixes are {suffixes!r}, not a tuple of str")
    return reader


def _reads(reader: Reader, path: Path) -> bool:
    return path.name.lower().endswith(tuple(suffix.lower() for suffix in reader.suffixes))
