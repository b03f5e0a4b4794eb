"""The other files of a recording whose format needs several."""

import re
from pathlib import Path

SAME_STEM = {".set": (".fdt",)}
NAMED = re.compile(r"^(?:DataFile|MarkerFile)\s*=\s*(.+?)\s*$", re.MULTILINE)
LONGEST_HEAD = 2**20  # bytes of a BrainVision header that are looked at


def parts_of(path: Path) -> tuple[Path, ...]:
    """The files, besides `path`, that are read with it, as far as they are there.

    Parameters
    ----------
    path : Path
        A recording: of BrainVision its .vhdr, of EEGLAB its .set, of NIRx its .hdr.

    Returns
    -------
    tuple of Path
        In order of name; none for a format of one file, or a file that cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     head, data = Path(folder, "a.vhdr"), Path(folder, "a.eeg")
    ...     _ = head.write_text("DataFile=$b.eeg"), data.write_bytes(b"")
    ...     [part.name for part in parts_of(head)]
    ['a.eeg']
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".hdr":
            found = [other for other in path.parent.iterdir() if other.is_file()]
        elif suffix == ".vhdr":
            found = [path.with_name(name) for name in _named_in(path)]
        else:
            found = [path.with_suffix(other) for other in SAME_STEM.get(suffix, ())]
        return tuple(sorted(other for other in found if other != path and other.is_file()))
    except (OSError, ValueError):  # a name that no file can have
        return ()


def _named_in(header: Path) -> list[str]:
    with header.open("rb") as file:
        text = file.read(LONGEST_HEAD).decode("utf-8", errors="replace").replace("\r", "\n")
    names = (name.replace("$b", header.stem) for name in NAMED.findall(text))
    return [name for name in dict.fromkeys(names) if Path(name).name == name]
