"""Ways to damage a recording of several files: parts cut short, missing, exchanged, inconsistent.

Every function takes a part, a generator and the same recording's other parts or another recording
of the same kind, changes files in place and says what it did.
"""

import json
import shutil
from pathlib import Path

from benchmarks.fuzz.mutations import Damage, Rng, pick

SECTOR = 512  # bytes; what copying leaves is often a whole number of them
COUNTED = (".eeg", ".fdt")  # parts whose size another part announces


def take_apart(folder: Path, entry: str, rng: Rng, others: list[Path]) -> Damage:
    """Damage one to three parts of a recording; `others` are whole ones of the same kind.

    Only bytes are lost, too, where a part of another size takes the place of one whose size is
    announced in another part.
    """
    parts = sorted(p for p in folder.rglob("*") if p.is_file())
    sizes = {part: part.stat().st_size for part in parts}
    said, lost = [], True
    for _ in range(int(pick(rng, [1, 1, 1, 2, 3]))):
        part = pick(rng, parts)
        if not part.exists() or not part.stat().st_size:
            continue
        chance = rng.random()
        if chance < 0.45:
            done = cut(part, rng)
        elif chance < 0.60:
            part.unlink()
            done = "missing"
        elif chance < 0.68:
            part.write_bytes(b"")
            done = "emptied"
        elif chance < 0.78:
            done, lost = exchange(part, pick(rng, parts)), False
        elif chance < 0.88:
            done = replace(part, folder, others, rng)
            lost = lost and part.suffix in COUNTED and part.stat().st_size != sizes[part]
        elif chance < 0.97:
            done, lost = thin(part, rng), False
        else:
            part.rename(part.with_name("b" + part.name))
            done = "renamed"
        said.append(f"{part.relative_to(folder)}: {done}")
    return Damage("; ".join(said), lost)


def cut(part: Path, rng: Rng) -> str:
    """Cut off at any byte, at the end of a line or of a sector."""
    data = part.read_bytes()
    kind = pick(rng, ["byte", "byte", "line", "sector"])
    keep = int(rng.integers(len(data)))
    if kind == "line":
        keep = data.rfind(b"\n", 0, keep) + 1
    elif kind == "sector":
        keep -= keep % SECTOR
    part.write_bytes(data[:keep])
    return f"cut to {keep} of {len(data)} bytes"


def exchange(part: Path, other: Path) -> str:
    """Swap the contents of two parts."""
    if not other.exists():
        return "left"
    mine, theirs = part.read_bytes(), other.read_bytes()
    part.write_bytes(theirs)
    other.write_bytes(mine)
    return f"exchanged with {other.name}"


def replace(part: Path, folder: Path, others: list[Path], rng: Rng) -> str:
    """Put the same kind of part of another recording in its place."""
    same = [
        file
        for other in others
        for file in sorted(other.rglob(f"*{part.suffix}"))
        if file.is_file() and file.read_bytes() != part.read_bytes()
    ]
    if not same:
        return "left"
    chosen = pick(rng, same)
    shutil.copyfile(chosen, part)
    return f"replaced by {chosen.parent.name}/{chosen.name}"


def thin(part: Path, rng: Rng) -> str:
    """Take a row, a column or an entry out of a text; the last bytes out of anything else."""
    data = part.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        part.write_bytes(data[: -int(rng.integers(1, 64))])
        return "without its last bytes"
    if part.suffix == ".json":
        try:
            facts = json.loads(text)
        except ValueError:
            facts = None
        if isinstance(facts, dict) and facts:
            gone = pick(rng, sorted(facts))
            facts.pop(gone)
            part.write_text(json.dumps(facts))
            return f"without {gone}"
    lines = text.splitlines(keepends=True)
    if rng.random() < 0.3 and "\t" in lines[0]:
        column = int(rng.integers(lines[0].count("\t") + 1))
        rows = [line.rstrip("\n").split("\t") for line in lines]
        kept = ["\t".join(cell for i, cell in enumerate(row) if i != column) for row in rows]
        part.write_text("\n".join(kept) + "\n")
        return f"without column {column}"
    row = int(rng.integers(len(lines)))
    part.write_bytes("".join(lines[:row] + lines[row + 1 :]).encode())
    return f"without line {row}"
