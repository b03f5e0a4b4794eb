"""Does adaptation to other labs, devices and recordings pay?

    python -m benchmarks.adaptation.training
    python -m benchmarks.adaptation --page docs/measured/adaptation.md

Joins what the parts kept below `runs/adaptation`.
"""

import argparse
from pathlib import Path

from benchmarks.adaptation.rows import joined, load
from benchmarks.common.page import Page

PARTS = {  # kept rows, and the command that makes them
    "training": "python -m benchmarks.adaptation.training --labs muse",
    "recording": "python -m benchmarks.adaptation.recording",
}
TITLE = "Adaptation to labs, devices and recordings"
QUESTION = """Does adaptation pay? Error [dB]: energy of (cleaned - true) over that of the true
signal in motion, by participant; without adaptation and with it, the ratio of both (geometric mean,
95 % bootstrap interval from three participants on; below 1 is better) and the worst
participant's."""


def page() -> Page:
    """The page of all parts that ran."""
    ran = {name: load(name) for name in PARTS if load(name)["rows"]}
    commands = [PARTS[name] for name in ran]
    table = joined(list(ran))
    return Page(
        title=TITLE,
        question="\n\n".join([QUESTION, *(kept["text"] for kept in ran.values())]),
        table=table,
        limits=" ".join(kept["limits"] for kept in ran.values()),
        command="\n".join(
            [*commands, "python -m benchmarks.adaptation --page docs/measured/adaptation.md"]
        ),
        data={"": table},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    made = page()
    print(made.markdown("adaptation"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
