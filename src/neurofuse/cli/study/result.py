"""What a run of a study has come to, as JSON and in words."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.markup import escape

from neurofuse.cli.study.exit_codes import ExitCode, worst
from neurofuse.cli.study.memory import readable
from neurofuse.cli.study.tasks import Outcome, Plan

LISTED = 20  # left-out files that are told in words; --json and the plan have all


def exit_code(plan: Plan, outcomes: Sequence[Outcome]) -> ExitCode:
    """The exit code of the level "participant": that of the worst task.

    Examples
    --------
    >>> from pathlib import Path
    >>> from neurofuse.cli.study.tasks import Task
    >>> plan = Plan(Path("study"), (Task({"sub": "01"}, {}), Task({"sub": "02"}, {})))
    >>> int(exit_code(plan, [Outcome("a", "done"), Outcome("b", "failed", code=65)]))
    65
    """
    if not plan.tasks:  # all is left out
        return ExitCode.NO_INPUT
    return worst(outcome.code for outcome in outcomes)


def facts(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """All tasks with what became of them, as JSON takes it."""
    return {
        "exit_code": int(exit_code(plan, outcomes)),
        "tasks": [
            {
                "name": one.name,
                "state": one.state,
                "seconds": round(one.seconds, 3),
                "memory": one.memory,
                "code": one.code,
                "message": one.message or None,
                "crash": None if one.crash is None else str(one.crash),
            }
            for one in outcomes
        ],
        "left_out": [
            {"name": one.name, "files": [str(file) for file in one.files], "reason": one.reason}
            for one in plan.left_out
        ],
    }


def lines(plan: Plan, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The same in words, for a console of rich."""
    count = Counter(outcome.state for outcome in outcomes)
    took = max((outcome.memory for outcome in outcomes), default=0)
    yield (
        f"{count['done']} cleaned, {count['kept']} done before, {count['failed']} failed, "
        f"{len(plan.left_out)} left out"
        + (f"; a recording took up to {readable(took)} of memory" if took else "")
    )
    bad = [outcome for outcome in outcomes if outcome.state == "failed"]
    if bad:
        yield "[bold]failed:[/]"
        yield from (f"  {escape(one.name)} ({one.code}): {escape(one.message)}" for one in bad)
        crashes = [one.crash for one in bad if one.crash is not None]
        if crashes:
            yield f"  more in {escape(str(crashes[0].parents[1]))}/sub-*/crash-*.json"
    if plan.left_out:
        yield "[bold]left out:[/]"
        for one in plan.left_out[:LISTED]:
            yield f"  {escape(one.name)}: {escape(one.reason)}"
        if len(plan.left_out) > LISTED:
            yield f"  and {len(plan.left_out) - LISTED} more, see logs/plan.json"
