"""Messages of other libraries: MNE's warnings go to logging, its exceptions become ReadError."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from neurofuse.io.errors import NeurofuseError, ReadError

if TYPE_CHECKING:
    import mne

LOG = logging.getLogger("neurofuse")
_levels: list[int] = []  # MNE's log levels before `quiet` raised them, outermost first

# Warnings about nearly every file, on which a user cannot act, and what readers here say better.
EXPECTED = (
    "does not conform to MNE naming conventions",
    "Extraction of measurement date from SNIRF file",
    "Non-uniformly-sampled data",
    "non-uniformly-sampled data",
    "Encountered data in 'double' format",
    "recommended to use raw.set_montage",
    "assuming identity",
    "outside data range",
    "outside the data range",
    "onset that is NaN",
    "contains 'boundary' events",
)


def _as_loud_as_mne(record: logging.LogRecord) -> bool:
    """Whether MNE's verbosity lets a message of "neurofuse" through."""
    if LOG.level:  # a level set for "neurofuse" itself takes precedence
        return True
    return record.levelno >= (_levels[0] if _levels else logging.getLogger("mne").level)


def _nothing(_: logging.LogRecord) -> bool:
    return False


LOG.addFilter(_as_loud_as_mne)


@contextlib.contextmanager
def quiet(source: str | Path = "") -> Iterator[None]:
    """Run MNE silently; its warnings go to the logger "neurofuse", each once.

    Parameters
    ----------
    source : path
        What they are about, to begin the messages with.

    Examples
    --------
    >>> with quiet():
    ...     warnings.warn("two recordings in one file", RuntimeWarning)
    """
    import mne

    logger = logging.getLogger("mne")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _levels.append(logger.level)
        logger.addFilter(_nothing)  # with a log file, MNE would log its warnings as well
        try:
            with mne.use_log_level("warning"):  # above it, MNE does not even make warnings
                yield
        finally:
            _levels.pop()
            if not _levels:  # the outermost
                logger.removeFilter(_nothing)
            messages = dict.fromkeys(
                " ".join(str(w.message).split())
                for w in caught
                if not issubclass(w.category, (DeprecationWarning, FutureWarning))
            )
            for message in messages:
                if not any(part in message for part in EXPECTED):
                    LOG.warning("%s", f"{source}: {message}" if source else message)


@contextlib.contextmanager
def reading(path: str | Path, wanted: str, remedy: str = "") -> Iterator[None]:
    """Run a reader silently; whatever it raises becomes a ReadError about `path`.

    Examples
    --------
    >>> with reading("a.edf", "a whole EDF file"):
    ...     raise ValueError("unexpected end")
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found a.edf, which cannot be read (ValueError: unexpected end); \
wanted a whole EDF file; check that the file is complete and opens in other programs
    """
    try:
        with quiet(path):
            yield
    except NeurofuseError:
        raise
    except MemoryError as error:
        raise ReadError(
            f"{path}, which takes more memory than this process has ({error or 'all of it'})",
            wanted,
            remedy or "check that the file is complete, or read it on a larger machine",
        ) from error
    except Exception as error:  # readers raise anything from KeyError to struct.error
        reason = " ".join(str(error).split())[:300]
        raise ReadError(
            f"{path}, which cannot be read ({type(error).__name__}: {reason})",
            wanted,
            remedy or "check that the file is complete and opens in other programs",
        ) from error


def source_of(raw: "mne.io.BaseRaw") -> str:
    """The file that a Raw came from, for messages."""
    names = [str(f) for f in raw.filenames if f is not None]
    return names[0] if names else "the MNE Raw object"
