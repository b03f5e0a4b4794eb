"""Check that the light of a NIRx folder is whole: one table of samples for each wavelength."""

import re
from collections.abc import Iterator
from pathlib import Path

from neurofuse.io.errors import ReadError

BLOCK = 2**20  # bytes
BREAK = b"\n"
PAIRS = {  # of source and detector, one for each column of a table, in the headers of two programs
    r'(?m)^S-D-Key="(.*)$': r"\d+-\d+:\d+",
    r"(?m)^Channel indices=\s*^(.*)$": r"\d+-\d+",
}
LONGEST_LINE = 2**22  # bytes of one sample of all channels; real ones take some ten thousand
WANTED = "as many samples of each wavelength (.wl1, .wl2)"
REMEDY = "copy the folder again from the device, with all its files"


def check_nirx(folder: Path) -> None:
    """Raise ReadError if the tables of a NIRx folder have unequal lengths or an incomplete row.

    MNE reads as many samples as the shortest of them has, and those columns whose pair of source
    and detector the header lists: it must list all.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     for wave, rows in (("wl1", 1), ("wl2", 2)):
    ...         _ = (Path(name) / f"a.{wave}").write_text("1.0 2.0\\n" * rows)
    ...     check_nirx(Path(name))
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found /tmp/..., cut off: a.wl1 has 1 samples, a.wl2 has \
2 samples; wanted as many samples of each wavelength (.wl1, .wl2); copy the folder again from \
the device, with all its files
    """
    tables = sorted(folder.glob("*.wl[0-9]"))
    for stem in {_stem(table) for table in tables}:
        counts = {table.name: _samples(table) for table in tables if _stem(table) == stem}
        if len(set(counts.values())) > 1:
            raise ReadError(
                f"{folder}, cut off: {', '.join(f'{n} has {c}' for n, c in counts.items())}",
                WANTED,
                REMEDY,
            )
    for header in sorted(folder.glob("*.hdr")) if tables else ():
        _check_pairs(header, tables[0])


def _check_pairs(header: Path, table: Path) -> None:
    columns = len(next(_lines(table), b"").split())
    text = header.read_text("latin-1")
    for line, pair in PAIRS.items():
        for listed in re.findall(line, text):
            count = len(re.findall(pair, listed))
            if count != columns:
                raise ReadError(
                    f"{header}, damaged or cut off: it lists {count} pairs of source and detector, "
                    f"{table.name} has {columns} columns",
                    "a pair for each column",
                    REMEDY,
                )


def _stem(table: Path) -> str:
    return table.stem.removeprefix("nosatflags_")


def _samples(table: Path) -> str:
    """How many rows a table has, all with as many columns as the first, and how it ends."""
    count, columns, line = 0, 0, b""
    for line in _lines(table):
        here = len(line.split())
        columns = columns or here
        if here not in (0, columns):
            raise ReadError(
                f"{table} with {here} values of sample {count + 1} and {columns} of the first",
                "a value for each channel in each row",
                REMEDY,
            )
        count += bool(here)
    return f"{count} samples{'' if line.endswith(BREAK) else ' (and no final line break)'}"


def _lines(table: Path) -> Iterator[bytes]:
    rest = b""
    with table.open("rb") as file:
        while block := file.read(BLOCK):
            *lines, rest = (rest + block).split(BREAK)
            if len(rest) > LONGEST_LINE:
                raise ReadError(f"{table} with a row of {len(rest)} bytes", WANTED, REMEDY)
            yield from (line + BREAK for line in lines)
    if rest:
        yield rest
