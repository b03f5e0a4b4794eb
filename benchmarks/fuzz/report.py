"""What came of all damaged files, as a table and a page."""

from collections import Counter

from benchmarks.common.page import Page, Table
from benchmarks.fuzz.reading import MEMORY, SECONDS, Case

COLUMNS = ["format", "files", "read", "refused", "warned", "failures", "slowest [s]", "peak [MB]"]


def table(results: list[Case]) -> Table:
    """The outcomes of each format."""
    rows = []
    for name in dict.fromkeys(r["format"] for r in results):
        own = [r for r in results if r["format"] == name]
        count = Counter(r["outcome"] for r in own)
        warned = sum(r["outcome"] == "read" and bool(r["warned"]) for r in own)
        failures = len(own) - count["read"] - count["refused"]
        slowest, largest = (max(r[key] for r in own) for key in ("seconds", "peak"))
        numbers = (len(own), count["read"], count["refused"], warned, failures)
        rows.append([name, *map(str, numbers), f"{slowest:.1f}", str(largest)])
    return Table(COLUMNS, rows)


QUESTION = """Is every damaged file read, or refused by an error of neurofuse, and are lost samples
never passed over in silence? Small whole recordings, made on the spot (NIRx: cut from shared
ones), were damaged in one to three places: cut off, bytes changed, blanked, shifted, doubled or
taken out, numbers overwritten by extreme ones, header fields and words of texts replaced, lines
dropped or swapped, HDF5 groups, datasets and attributes removed, emptied or of another type, shape
or size, MATLAB fields likewise, FIF tags and XDF chunks changed. Of recordings of several files
("in parts", .set + .fdt), parts were cut off (at any byte, at the end of a line or of 512 bytes),
missing, emptied, exchanged, replaced by those of another recording, renamed, or left without a
row, column or entry. Each was opened with `neurofuse.read`; one in eight of those that could be
read was written again."""
LIMITS = """A file fails if anything but a `NeurofuseError` is raised, the process dies, it takes
more than {seconds:g} s of processor time or {memory:g} GB of memory, the Recording is not valid
(time that does not ascend, no rate, two channels of one name, events without a time …), a refused
write leaves files behind, or samples are missing or different without a warning although the only
damage is that bytes are gone. "Warned" counts those read with a warning that the whole recording
does not have. Other damage that is read looks like data or does no harm. The tests run 20 files a
format by another seed."""

STOPPED = " Formats with fewer files were not run to the end."


def page(rows: Table, cases: int, seed: int) -> Page:
    """The page on a run, which may have been stopped before all files were read."""
    stopped = any(int(row[COLUMNS.index("files")]) < cases for row in rows.rows)
    limits = LIMITS.format(seconds=SECONDS, memory=MEMORY / 2**30)
    return Page(
        title="Damaged files",
        question=QUESTION,
        table=rows,
        limits=limits + STOPPED * stopped,
        command=f"python -m benchmarks.fuzz --per-format {cases} --seed {seed} "
        "--log runs/fuzz.jsonl \\\n    --page docs/measured/fuzzing.md",
        data={"": rows},
    )
