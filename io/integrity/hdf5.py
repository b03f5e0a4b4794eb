"""Check an HDF5 file before its values are read: damage that would crash the HDF5 library.

Layout: The HDF Group, HDF5 File Format Specification 3.0, III.E (global heap).
"""

import mmap
import struct
from pathlib import Path
from typing import Any

from neurofuse.io.errors import ReadError

OBJECT = struct.Struct("<HH4xQ")  # of a heap: number, references, bytes
SCANNED = 64 * 2**20  # bytes at a file's start; heaps of texts are written before long arrays
LARGEST_RATIO = 1100  # deflate compresses by at most 1032
UNCHECKED_BYTES = 2**20
WANTED = "a whole HDF5 file"
REMEDY = "copy or export the recording again"


def check_hdf5(path: str | Path, tree: bool = False) -> None:
    """Raise ReadError if an HDF5 file's texts are damaged or a dataset announces too much.

    With `tree`, also if its groups are no tree. A file that is not HDF5 is left to its reader.
    """
    import h5py

    if not h5py.is_hdf5(path):
        return
    check_heaps(path)
    try:
        with h5py.File(path, "r") as file:
            check_sizes(file)
            if tree:
                check_tree(file)
    except ReadError:
        raise
    except Exception as error:  # h5py raises anything from KeyError to RuntimeError
        raise ReadError(f"{path}, which is damaged ({error})", WANTED, REMEDY) from error


def check_heaps(path: str | Path) -> None:
    """Raise ReadError if objects of a global heap, which stores texts, do not fill it.

    An object of length zero would loop the HDF5 library forever.

    Examples
    --------
    >>> import tempfile
    >>> heap = b"GCOL" + bytes([1, 0, 0, 0]) + struct.pack("<Q", 4096) + bytes(4080)
    >>> with tempfile.NamedTemporaryFile(suffix=".snirf") as file:
    ...     _ = file.write(heap) and file.flush()
    ...     check_heaps(file.name)
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found /tmp/..., which is damaged: texts at byte 0; wanted \
a whole HDF5 file; copy or export the recording again
    """
    path = Path(path)
    if path.stat().st_size < OBJECT.size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(b"GCOL\x01", 0, SCANNED)
        while at >= 0:
            if not _filled(data, at):
                raise ReadError(f"{path}, which is damaged: texts at byte {at}", WANTED, REMEDY)
            at = data.find(b"GCOL\x01", at + 1, SCANNED)


def check_sizes(file: Any) -> None:
    """Raise ReadError if a dataset of an open h5py.File announces more than the file can hold.

    Also if a dataset is linked to its axes by anything other than references.

    Examples
    --------
    >>> import tempfile
    >>> import h5py
    >>> with tempfile.NamedTemporaryFile(suffix=".nc") as temporary:
    ...     with h5py.File(temporary.name, "w") as file:
    ...         _ = file.create_dataset("eeg", (10**12,), "f4", chunks=(1000,))
    ...         check_sizes(file)
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found /tmp/..., where /eeg announces 4e+12 bytes and holds 0; \
wanted a whole HDF5 file; copy or export the recording again
    """
    import h5py

    def check(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        announced, held = (item.size or 0) * item.dtype.itemsize, item.id.get_storage_size()
        if announced > UNCHECKED_BYTES and announced > LARGEST_RATIO * held:
            raise ReadError(
                f"{file.filename}, where /{name} announces {announced:.3g} bytes and holds {held}",
                WANTED,
                REMEDY,
            )
        if not _scales_fit(item):
            raise ReadError(f"{file.filename}, where /{name} has damaged axes", WANTED, REMEDY)

    file.visititems(check)


def check_tree(file: Any) -> None:
    """Raise ReadError if the groups of an open netCDF file are no tree.

    netCDF has no links from one place to another. One that leads to a group around it would be
    followed from group to group.

    Examples
    --------
    >>> import tempfile
    >>> import h5py
    >>> with tempfile.NamedTemporaryFile(suffix=".nc") as temporary:
    ...     with h5py.File(temporary.name, "w") as file:
    ...         file["/eeg/again"] = h5py.SoftLink("/")
    ...         check_tree(file)
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found /tmp/..., where eeg/again leads to another place; wanted \
groups one within the other; copy or export the recording again
    """
    import h5py

    low_level: Any = h5py  # its type stubs lack h5o

    def link(name: str, item: Any) -> str | None:
        return None if isinstance(item, h5py.HardLink) else name

    def twice(name: str, item: Any) -> str | None:
        is_group = isinstance(item, h5py.Group)
        return name if is_group and low_level.h5o.get_info(item.id).rc > 1 else None

    found = twice("/", file) or file.visititems_links(link) or file.visititems(twice)
    if found:
        raise ReadError(
            f"{file.filename}, where {found} leads to another place",
            "groups one within the other",
            REMEDY,
        )


def _scales_fit(item: Any) -> bool:
    """Whether the attributes that link a dataset to its axes are of the type that HDF5 expects.

    Otherwise the library overwrites its memory (HDF5 Dimension Scale Specification).
    """
    import h5py

    if "DIMENSION_LIST" in item.attrs:
        attribute = item.attrs.get_id("DIMENSION_LIST")
        if h5py.check_vlen_dtype(attribute.dtype) != h5py.ref_dtype or attribute.shape != (
            item.ndim,
        ):
            return False
    if "REFERENCE_LIST" in item.attrs:
        attribute = item.attrs.get_id("REFERENCE_LIST")
        return len(attribute.shape) == 1 and (attribute.dtype.names or ())[:2] == (
            "dataset",
            "dimension",
        )
    return True


def _filled(data: mmap.mmap, at: int) -> bool:
    """Whether the objects of the heap at `at` follow one another up to its end."""
    size = struct.unpack("<Q", data[at + 8 : at + 16])[0] if at + 16 <= len(data) else 0
    if size < 4096 or at + size > len(data):
        return True  # these bytes are no heap, or the library reports that it is cut off
    place, end = at + 16, at + size
    while place + OBJECT.size <= end:
        number, _, length = OBJECT.unpack(data[place : place + OBJECT.size])
        step = OBJECT.size + length + -length % 8 if number else length
        if step < OBJECT.size or place + step > end:
            return False
        place += step
    return True
