"""Forty real recordings of five sets of devices as one study: what they take, and what comes out.

    python -m benchmarks.cohort.real --out runs/cohort/real

The study is made anew in a temporary folder; its outputs stay in `--out`: look at its
`index.html`. What each recording took goes to `runs/cohort/real.csv`, for
`benchmarks.cohort.cluster`.
"""

import argparse
import logging
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.cohort.real_study import make_real_study
from benchmarks.cohort.running import group, json_of, participant, records
from benchmarks.common.page import Table
from benchmarks.common.paths import recordings_folder

COLUMNS = ["recording", "minutes", "seconds", "memory [MB]", "read [MB]", "written [MB]"]


def cost(record: dict[str, Any], summary: dict[str, Any]) -> list[str]:
    """What a recording took, by its record and the summary of its result."""
    read, written = (sum(f["size"] for f in record[k].values()) for k in ("inputs", "outputs"))
    return [
        record["name"],
        f"{summary['seconds'] / 60:.3f}",
        f"{record['seconds']:.3f}",
        f"{record['memory'] / 1e6:.1f}",
        f"{read / 1e6:.3f}",
        f"{written / 1e6:.3f}",
    ]


def costs(out: Path) -> Table:
    """What every done recording of a study took."""
    rows = [
        cost(record, json_of(next(out.rglob(f"{name}_desc-clean_summary.json"))))
        for name, record in records(out).items()
    ]
    return Table(COLUMNS, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the cleaned data set")
    parser.add_argument("--jobs", type=int, default=1, help="recordings at once")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        count = make_real_study(Path(folder), recordings_folder())
        ran = participant(Path(folder), options.out, "--n-jobs", str(options.jobs))
    made = costs(options.out)
    options.out.with_suffix(".csv").write_text(made.csv(), encoding="utf-8")
    page = group(options.out)
    print(made.markdown())
    states = {state: len(ran.names(state)) for state in ("done", "kept", "failed")}
    print(f"{count} recordings: {states}, exit {ran.code}, {ran.wall:.0f} s, page {page:.1f} s")
    for task in ran.tasks:
        if task["state"] == "failed":
            print(f"{task['name']}: {task['message']}")


if __name__ == "__main__":
    main()
