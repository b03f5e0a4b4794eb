"""Ways to damage a recording: bytes of any file, and the fields of the formats by their structure.

Most functions take a file and a generator, change the file in place and say what they did.
"""

import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

WORDS = [
    "", "0", "-1", "1", "2", "nan", "inf", "-inf", "1e308", "1e-308", "99999999", "999999999999",
    "-99999999", "2147483647", "-2147483648", "4294967296", "0.5", "1,5", "abc", "µV", "\x00", "S1",
    "true", "[]", "{}", "null", '"', "<a>", "%s", "../x", "🧠", "1e12", "0x10", "1 2 3", "a" * 300,
]  # fmt: skip
INTEGERS = [-1, 0, 1, 2, 255, 256, 65535, 65536, 2**31 - 1, -(2**31), 2**30, 10**9, -12, 7]
FLOATS = [0.0, -1.0, np.nan, np.inf, -np.inf, 1e300, -1e300, 1e-300, 1e12, 0.5]
Rng = np.random.Generator


class Damage(NamedTuple):
    """What was done; `lost` where nothing but that bytes of files are gone."""

    said: str
    lost: bool


def pick(rng: Rng, things):
    return things[int(rng.integers(len(things)))]


def truncate(path: Path, rng: Rng) -> str:
    size = path.stat().st_size
    keep = int(rng.integers(size + 1)) if rng.random() < 0.7 else int(rng.integers(min(size, 512)))
    path.write_bytes(path.read_bytes()[:keep])
    return f"cut to {keep} of {size} bytes"


def flip(path: Path, rng: Rng) -> str:
    data = bytearray(path.read_bytes())
    places = _places(len(data), int(2 ** rng.integers(0, 7)), rng)
    for place in places:
        data[place] = int(rng.integers(256))
    path.write_bytes(data)
    return f"{len(places)} bytes changed, first at {min(places)}"


def zero(path: Path, rng: Rng) -> str:
    data = bytearray(path.read_bytes())
    start, length = int(_places(len(data), 1, rng)[0]), int(2 ** rng.integers(1, 12))
    data[start : start + length] = bytes([pick(rng, [0, 0, 255])]) * len(
        data[start : start + length]
    )
    path.write_bytes(data)
    return f"{length} bytes blanked at {start}"


def swap(path: Path, rng: Rng) -> str:
    data = path.read_bytes()
    a, b, c = sorted(int(x) for x in rng.integers(len(data) + 1, size=3))
    path.write_bytes(data[:a] + data[b:c] + data[a:b] + data[c:])
    return f"blocks {a}:{b} and {b}:{c} swapped"


def splice(path: Path, rng: Rng) -> str:
    data = path.read_bytes()
    start, length = int(_places(len(data), 1, rng)[0]), int(2 ** rng.integers(0, 10))
    if rng.random() < 0.5:
        path.write_bytes(data[:start] + data[start + length :])
        return f"{length} bytes taken out at {start}"
    path.write_bytes(data[:start] + data[start : start + length] + data[start:])
    return f"{length} bytes doubled at {start}"


def number(path: Path, rng: Rng) -> str:
    data = bytearray(path.read_bytes())
    kind = pick(rng, ["<i", ">i", "<h", "<q", "<f", ">f", "<d", ">d"])
    value = pick(rng, FLOATS if kind[1] in "fd" else INTEGERS)
    if kind[1] == "h":
        value = max(-(2**15), min(value, 2**15 - 1))
    if kind[1] == "f":
        value = float(np.clip(value, -3e38, 3e38))
    width = struct.calcsize(kind)
    place = int(_places(len(data), 1, rng)[0]) // 4 * 4
    data[place : place + width] = struct.pack(kind, value)
    path.write_bytes(data)
    return f"{value} written as {kind} at {place}"


def empty(path: Path, rng: Rng) -> str:
    path.write_bytes(b"")
    return "emptied"


def remove(path: Path, rng: Rng) -> str:
    path.unlink()
    return "removed"


def foreign(path: Path, rng: Rng) -> str:
    content = pick(rng, [b"\x00" * 64, b"time,C3\n0,1\n", b"\x89HDF\r\n\x1a\n" + bytes(99), b"\n"])
    path.write_bytes(content)
    return f"replaced by {content[:12]!r}"


def edf_field(path: Path, rng: Rng) -> str:
    """A header field of EDF or BDF: fixed widths, one block a field for all signals."""
    data = bytearray(path.read_bytes())
    main = [(0, 8), (8, 80), (88, 80), (168, 8), (176, 8), (184, 8), (192, 44), (236, 8), (244, 8),
            (252, 4)]  # fmt: skip
    signals, fields, at = int(data[252:256]), [], 256
    for width in (16, 80, 8, 8, 8, 8, 8, 80, 8, 32):
        fields += [(at + i * width, width) for i in range(signals)]
        at += signals * width
    start, width = pick(rng, main if rng.random() < 0.4 else fields)
    word = pick(rng, WORDS)
    data[start : start + width] = word.encode("utf-8")[:width].ljust(width)
    path.write_bytes(data)
    return f"header field at {start} set to {word[:20]!r}"


def text_field(path: Path, rng: Rng) -> str:
    """A value, a line or the encoding of a text file."""
    text = path.read_bytes().decode("latin-1")
    lines = text.splitlines(keepends=True) or [""]
    row = int(rng.integers(min(len(lines), 80) if rng.random() < 0.8 else len(lines)))
    act = pick(rng, ["value"] * 8 + ["drop", "double", "swap", "junk", "cut", "encode"])
    said = f"line {row}: {act}"
    if act == "value":
        tokens = list(re.finditer(r"[^\s=:,;\t\[\]{}\"<>]+", lines[row]))
        if tokens:
            token, word = pick(rng, tokens), pick(rng, WORDS)
            word = word.encode("utf-8").decode("latin-1")
            lines[row] = lines[row][: token.start()] + word + lines[row][token.end() :]
            said += f" {token.group()[:20]!r} to {word[:20]!r}"
    elif act == "drop":
        lines.pop(row)
    elif act == "double":
        lines.insert(row, lines[row])
    elif act == "swap":
        other = int(rng.integers(len(lines)))
        lines[row], lines[other] = lines[other], lines[row]
    elif act == "junk":
        lines.insert(row, pick(rng, WORDS) + "=" + pick(rng, WORDS) + "\n")
    elif act == "cut":
        lines[row] = lines[row][: int(rng.integers(len(lines[row]) + 1))]
    text = "".join(lines)
    coding = pick(rng, ["utf-16", "utf-8-sig", "utf-8"]) if act == "encode" else "latin-1"
    path.write_bytes(text.encode(coding, errors="replace"))
    return said


def fif_tag(path: Path, rng: Rng) -> str:
    """A field of a tag (kind, type, size, next), its first number, or the tag itself."""
    data = bytearray(path.read_bytes())
    tags, at = [], 0
    while 0 <= at <= len(data) - 16 and len(tags) < 1000:  # an earlier mutation may close a circle
        size, following = struct.unpack(">ii", data[at + 8 : at + 16])
        tags.append((at, size))
        ahead = following if following > 0 else at + 16 + size
        if ahead <= at:  # an earlier change
            break
        at = ahead
    at, size = pick(rng, tags)
    act = pick(rng, ["kind", "type", "size", "next", "payload", "payload", "payload", "drop"])
    value: float = 0
    if act == "drop":
        del data[at : at + 16 + size]
    elif act == "payload":
        kind = pick(rng, [">i", ">f", ">d"])
        value = pick(rng, INTEGERS if kind == ">i" else FLOATS)
        packed = struct.pack(kind, float(np.clip(value, -3e38, 3e38)) if kind == ">f" else value)
        steps = max(1, size // 4)
        place = at + 16 + 4 * int(rng.integers(min(steps, 64)))
        data[place : place + len(packed)] = packed
    else:
        place = at + 4 * ["kind", "type", "size", "next"].index(act)
        value = pick(rng, [*INTEGERS, int(rng.integers(1, 1200)), size + 4, size - 4])
        data[place : place + 4] = struct.pack(">i", value)
    path.write_bytes(data)
    return f"tag at {at}: {act} {value}"


def xdf_chunk(path: Path, rng: Rng) -> str:
    """A chunk of an XDF file: its length, its tag, a word of its XML, or the chunk itself."""
    data = path.read_bytes()
    head, at, chunks = data[:4], 4, []
    while at < len(data):
        width = data[at]
        length = int.from_bytes(data[at + 1 : at + 1 + width], "little")
        end = at + 1 + width + length
        chunks.append([data[at], data[at + 1 : at + 1 + width], data[at + 1 + width : end]])
        at = end
    which = int(rng.integers(len(chunks)))
    act = pick(rng, ["length", "tag", "stream", "word", "word", "word", "drop", "double", "swap"])
    width, length, content = chunks[which]
    tag = int.from_bytes(content[:2], "little")
    if act == "length":
        number = abs(int(pick(rng, [*INTEGERS, 2**40])))
        chunks[which][1] = number.to_bytes(8, "little")[:width]
    elif act == "tag":
        chunks[which][2] = int(rng.integers(8)).to_bytes(2, "little") + content[2:]
    elif act == "stream":
        chunks[which][2] = content[:2] + int(rng.integers(9)).to_bytes(4, "little") + content[6:]
    elif act == "word":
        xml = [i for i, (*_, c) in enumerate(chunks) if c[:2] in (b"\1\0", b"\2\0", b"\6\0")]
        which = pick(rng, xml)
        content = chunks[which][2]
        words = list(re.finditer(rb"(?<=>)[^<>]+(?=<)|(?<=<)\w+(?=>)", content))
        word = pick(rng, words)
        new = pick(rng, WORDS).encode("utf-8")
        content = content[: word.start()] + new + content[word.end() :]
        chunks[which][:] = [4, len(content).to_bytes(4, "little"), content]
    elif act == "drop":
        chunks.pop(which)
    elif act == "double":
        chunks.insert(which, chunks[which])
    else:
        other = int(rng.integers(len(chunks)))
        chunks[which], chunks[other] = chunks[other], chunks[which]
    path.write_bytes(head + b"".join(bytes([w]) + n + c for w, n, c in chunks))
    return f"chunk {which} (tag {tag}): {act}"


def hdf5_object(path: Path, rng: Rng) -> str:
    """A group, dataset or attribute of an HDF5 file: removed, emptied, of another kind."""
    import h5py

    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = pick(rng, names)
        parent: Any = file[name].parent
        leaf = name.rsplit("/", 1)[-1]
        act = pick(rng, ["drop", "group", "value", "value", "value", "shape", "shape", "huge",
                         "attribute", "attribute", "loop", "rename", "external"])  # fmt: skip
        old: Any = file[name]
        if act == "attribute":
            owners = [n for n in [*names, "/"] if len(file[n].attrs)]
            if owners:
                owner = file[pick(rng, owners)]
                key = pick(rng, sorted(owner.attrs))
                name = f"{owner.name}@{key}"
                del owner.attrs[key]
                if rng.random() < 0.7:
                    owner.attrs[key] = _value(rng)
            return f"{act} {name}"
        small = isinstance(old, h5py.Dataset) and (old.size or 0) < 10**7
        values = old[()] if small else None
        if act == "rename":
            parent.move(leaf, leaf + pick(rng, ["1", "2", "x", "é"]))
            return f"{act} {name}"
        del parent[leaf]
        if act == "group":
            parent.create_group(leaf)
        elif act == "value":
            parent[leaf] = _value(rng)
        elif act == "shape":
            parent[leaf] = _reshaped(values, rng)
        elif act == "huge":
            shape = pick(rng, [(10**12,), (10**6, 10**6), (2**31, 2), (10**10,)])
            kind = values.dtype if isinstance(values, np.ndarray) else "f8"
            parent.create_dataset(leaf, shape, kind, chunks=(1000,) * len(shape))
        elif act == "loop":
            parent[leaf] = h5py.SoftLink(pick(rng, ["/", f"/{name}", "/absent"]))
        elif act == "external":
            parent[leaf] = h5py.ExternalLink("absent.h5", "/x")
    return f"{act} {name}"


def matlab_field(path: Path, rng: Rng) -> str:
    """A variable or a field of a MATLAB 5 file: removed, emptied, of another type or shape."""
    from scipy.io import loadmat, savemat

    tree = {
        name: _unpacked(value)
        for name, value in loadmat(path, struct_as_record=True).items()
        if not name.startswith("__")
    }
    slots: list[tuple[Any, Any, str]] = []
    _slots(tree, "", slots)
    owner, key, name = pick(rng, slots)
    act = pick(rng, ["drop", "value", "value", "shape", "shape"])
    if act == "drop" and isinstance(owner, dict):
        del owner[key]
    elif act == "value":
        owner[key] = _value(rng)
    else:
        act, owner[key] = "shape", _reshaped(owner[key], rng)
    savemat(path, tree, format="5", oned_as="row", long_field_names=True)
    return f"{act} {name}"


STRUCTURED: dict[str, Callable[[Path, Rng], str]] = {
    ".edf": edf_field, ".bdf": edf_field, ".vhdr": text_field, ".vmrk": text_field,
    ".fif": fif_tag, ".set": matlab_field, ".mat": matlab_field, ".nirs": matlab_field,
    ".snirf": hdf5_object, ".nc": hdf5_object, ".xdf": xdf_chunk, ".txt": text_field,
    ".csv": text_field, ".hdr": text_field, ".wl1": text_field, ".wl2": text_field,
    ".evt": text_field, ".tri": text_field, ".inf": text_field, ".json": text_field,
    ".tsv": text_field, ".dat": text_field, ".tpl": text_field,
}  # fmt: skip
BYTES = (truncate, truncate, flip, flip, flip, zero, swap, splice, number, number, foreign)


def mutate(folder: Path, entry: str, rng: Rng) -> Damage:
    """Damage one to three places of a recording's files; `entry` is hit more often."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size)
    main = [p for p in files if p == folder / entry] * 2 * len(files)
    plan = []
    for _ in range(int(pick(rng, [1, 1, 1, 2, 3]))):
        path, chance = pick(rng, files + main), rng.random()
        act = STRUCTURED.get(path.suffix.lower())
        if act is None or chance < 0.4:
            act = pick(rng, BYTES)
        if chance > 0.98 and path != folder / entry:
            act = remove
        elif chance > 0.97:
            act = empty
        plan.append((path, act))
    plan.sort(key=lambda step: step[1] not in STRUCTURED.values())  # while the structure stands
    said, lost = [], True
    for path, act in plan:
        if not path.exists() or not path.stat().st_size:
            continue
        try:
            done = act(path, rng)
        except Exception:  # a second change of a structure that the first one broke
            done = flip(path, rng)
        said.append(f"{path.relative_to(folder)}: {done}")
        lost = lost and act in (truncate, empty, remove)
    return Damage("; ".join(said), lost)


def fresh(seed: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(seed, folder)
    return folder


def _places(size: int, count: int, rng: Rng) -> np.ndarray:
    """Places in a file, half of them in its first kilobytes, where headers are."""
    near = rng.random() < 0.6
    return rng.integers(min(size, 4096) if near else size, size=count)


def _value(rng: Rng) -> Any:
    return pick(
        rng,
        [
            "abc", "", "1", "nan", b"bytes", 0, -1, 1, 7, 2**31 - 1, -(2**31), 10**12, 0.0, -1.0,
            np.nan, np.inf, 1e300, np.zeros(0), np.zeros((0, 3)), np.full(3, np.nan),
            np.arange(5), np.ones((2, 3)), np.ones((2, 2, 2)), np.zeros((1, 1)),
            np.array([True, False]), np.array([1 + 2j]), np.array([b"a", b"b"]),
            np.arange(3, dtype="u1"), -np.arange(4.0),
        ],
    )  # fmt: skip


def _reshaped(values: Any, rng: Rng) -> Any:
    if not isinstance(values, np.ndarray) or values.size == 0:
        return _value(rng)
    act = int(rng.integers(9))
    if act == 0:
        return values.T.copy()
    if act == 1:
        return values.ravel()
    if act == 2:
        return values[: len(values) // 2] if values.ndim else values
    if act == 3:
        return values[np.newaxis]
    if act == 4:
        return values.ravel()[0]
    if act == 5:
        return np.concatenate([values, values]) if values.ndim else values
    if act == 6:
        return values[..., :0] if values.ndim else values
    if values.dtype.kind not in "fiu":
        return _value(rng)
    if act == 7:
        return np.zeros_like(values)
    changed = values.astype(float)
    changed.flat[int(rng.integers(values.size))] = pick(rng, FLOATS)
    return changed


def _unpacked(value: Any) -> Any:
    """MATLAB structs as dicts, so that fields can go."""
    if isinstance(value, np.ndarray) and value.dtype.names and value.size == 1:
        return {name: _unpacked(value.flat[0][name]) for name in value.dtype.names}
    if isinstance(value, np.ndarray) and value.dtype == object:
        changed = np.empty(value.shape, object)
        for i in range(value.size):
            changed.flat[i] = _unpacked(value.flat[i])
        return changed
    return value


def _slots(node: Any, path: str, results: list[tuple[Any, Any, str]]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            results.append((node, key, f"{path}.{key}"))
            _slots(value, f"{path}.{key}", results)
    elif isinstance(node, np.ndarray) and node.dtype == object:
        for i in range(min(node.size, 8)):
            results.append((node.flat, i, f"{path}{{{i}}}"))
            _slots(node.flat[i], f"{path}{{{i}}}", results)
    elif isinstance(node, np.ndarray) and node.dtype.names:
        for i in range(min(node.size, 4)):
            for name in node.dtype.names:
                results.append((node.flat[i], name, f"{path}({i}).{name}"))
