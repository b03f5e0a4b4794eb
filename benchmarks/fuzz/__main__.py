"""Damaged recordings of every format: each is read, or refused by an error of our own.

    python -m benchmarks.fuzz --per-format 2000 --log runs/fuzz.jsonl
    python -m benchmarks.fuzz --formats EDF --case 17 --keep /tmp/case    # one again

A case is a copy of a small whole recording (seeds.py; of several files: sets.py), damaged by
mutations.py or parts.py from the numbers (seed, format, case) alone. A worker process reads it,
checks whether the Recording is valid, and writes some of them (reading.py). What counts as a
failure is said in report.py and decided in cases.py. A run that was stopped goes on where its log
ends; `--again` repeats the failed cases. The exit status is 1 if a case failed.
"""

import argparse
import contextlib
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.fuzz.cases import FORMATS, PASSED, make_case, run_case
from benchmarks.fuzz.reading import Case
from benchmarks.fuzz.report import page, table
from benchmarks.fuzz.worker import Worker


def fuzz(formats: list[str], cases: list[int], seed: int, log: Path | None, again: bool) -> list:
    """Run cases of every format; returns all results, those of the log included."""
    results: list[Case] = []
    if log is not None and log.exists():
        results = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        if again:
            results = [r for r in results if r["outcome"] in PASSED]
            log.write_text("".join(json.dumps(r) + "\n" for r in results), encoding="utf-8")
    done = {(r["format"], r["case"]) for r in results if r["seed"] == seed}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-")))
        sink = stack.enter_context(log.open("a", encoding="utf-8")) if log else None
        worker = Worker(folder)
        stack.callback(worker.stop)
        for name in formats:
            left = [case for case in cases if (name, case) not in done]
            if not left:
                continue
            seeds = FORMATS[name](folder / name)
            wholes = [worker.ask(path / entry, None, 120) for path, entry in seeds]
            if not seeds or any(answer["outcome"] != "read" for answer in wholes):
                why = [answer["message"] for answer in wholes] or "no whole recording to start from"
                print(f"{name}: skipped, {why}", file=sys.stderr)
                continue
            for case in left:
                made = make_case(seeds, name, case, seed, folder)
                came = run_case(worker, wholes, made, folder)
                result = {"format": name, "case": case, "seed": seed, **came}
                results.append(result)
                if sink is not None:
                    sink.write(json.dumps(result) + "\n")
                    sink.flush()
                if result["outcome"] not in PASSED:
                    print(json.dumps(result), file=sys.stderr)
    return results


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--per-format", type=int, default=2000)
    parser.add_argument("--formats", nargs="+", choices=list(FORMATS), default=list(FORMATS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, help="JSON lines; a stopped run goes on from them")
    parser.add_argument("--again", action="store_true", help="repeat the log's failed cases")
    parser.add_argument("--case", type=int, help="this case only")
    parser.add_argument("--keep", type=Path, help="with --case: a folder to leave the files in")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    given = parser.parse_args()
    if given.keep is not None:
        (name,) = given.formats
        seeds = FORMATS[name](given.keep / "seed")
        made = make_case(seeds, name, given.case, given.seed, given.keep)
        print(made.damage.said)
        print(made.folder / made.entry)
        return 0
    cases = [given.case] if given.case is not None else list(range(given.per_format))
    if given.log is not None:
        given.log.parent.mkdir(parents=True, exist_ok=True)
    results = fuzz(given.formats, cases, given.seed, given.log, given.again)
    rows = table(results)
    print(rows.markdown())
    if given.page:
        most = max(Counter(r["format"] for r in results).values())
        page(rows, most, min(r["seed"] for r in results)).write(given.page)
    return int(any(r["outcome"] not in PASSED for r in results))


if __name__ == "__main__":
    sys.exit(main())
