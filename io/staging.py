"""All files of an output or none: written beside their place, moved there at the end."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from neurofuse.io.errors import NeurofuseError, WriteError


@contextlib.contextmanager
def staged(*targets: Path, overwrite: bool) -> Iterator[Path]:
    """A temporary folder beside the targets; what is written there moves to their place at the end.

    All targets lie in one folder, which is made if missing. After an exception nothing has changed.

    Raises
    ------
    WriteError
        If a target exists and `overwrite` is False, or the folder cannot be written.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "a.txt"
    ...     with staged(target, overwrite=False) as temporary:
    ...         _ = (temporary / "a.txt").write_text("whole")
    ...     target.read_text()
    'whole'
    """
    folder = targets[0].parent
    for target in targets:
        if target.exists() and not overwrite:
            raise WriteError(
                f"{target}, which exists", "a new file", "overwrite it (--overwrite) or rename"
            )
    temporary = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".neurofuse-", dir=folder))
        yield temporary
        for file in sorted(temporary.iterdir()):
            os.replace(file, folder / file.name)
    except NeurofuseError:
        raise
    except OSError as error:
        raise WriteError(
            f"{folder}, where writing failed ({error.strerror or error})",
            "a folder that can be written, with enough space",
            "choose another folder",
        ) from error
    except (ValueError, RuntimeError, AssertionError, TypeError) as error:
        raise WriteError(
            f"a recording that {targets[-1].suffix} cannot hold ({error})",
            "samples, names and rates within the format's limits",
            "write .fif, .snirf or .nc instead",
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
