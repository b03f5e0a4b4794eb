"""The level "participant" of a study: its tasks on an engine, and what belongs to all of them."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path

from neurofuse.cli.console import Progress, silent
from neurofuse.cli.study.engines import Engine
from neurofuse.cli.study.tasks import LOGS, Outcome, Plan, Settings
from neurofuse.io import journal
from neurofuse.io.bids.dataset import (
    DESCRIPTION,
    PARTICIPANTS,
    SHARED,
    check_root,
    data_set_of,
    merge_description,
    write_shared,
)
from neurofuse.io.staging import make_folder, staged


def participant(
    plan: Plan,
    settings: Settings,
    engine: Engine,
    *,
    step: Progress = silent,
    ended: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Do all tasks of a plan, into a data set that `prepare` has begun.

    Parameters
    ----------
    plan : Plan
        Its tasks; what is left out does not matter here.
    settings : Settings
        How they are done, and where their outputs go.
    engine : Engine
        Where they run.
    step : Progress
        Called with the fraction of tasks done.
    ended : callable, optional
        Called with each outcome as it comes.

    Returns
    -------
    list of Outcome
        In the order of the plan.

    Raises
    ------
    NeurofuseError
        If the data set cannot be written, or the engine does not work.
    """
    order = {task.name: number for number, task in enumerate(plan.tasks)}
    outcomes: list[Outcome] = []
    step(0.0, _label(outcomes, len(order)))
    try:
        with closing(_all(engine, plan, settings)) as coming:
            for outcome in coming:
                outcomes.append(outcome)
                if ended is not None:
                    ended(outcome)
                step(len(outcomes) / len(order), _label(outcomes, len(order)))
    finally:
        with journal.locked(settings.out):  # repairs what killed workers left
            pass
    return sorted(outcomes, key=lambda outcome: order[outcome.name])


def prepare(plan: Plan, settings: Settings) -> None:
    """Write the files that a derivative data set has once, with the participants that are there.

    Raises
    ------
    WriteError
        If the folder holds another data set, or cannot be written.
    """
    out = settings.out
    check_root(out)
    make_folder(out / LOGS)
    # a part of a plan may come from another data set than the whole
    merge = SHARED if plan.filtered else {**SHARED, DESCRIPTION: merge_description}
    with staged(out, SHARED, overwrite=False, merge=merge) as stage:
        write_shared(stage, out, None, _source(plan))
        made = sorted({task.entities["sub"] for task in plan.tasks if (out / task.folder).is_dir()})
        if made:  # else a lost table would stay so: done tasks do not write it again
            rows = "".join(f"sub-{label}\n" for label in made)
            (stage / PARTICIPANTS).write_text(f"participant_id\n{rows}", encoding="utf-8")


def _source(plan: Plan) -> Path | None:
    """The data set that all recordings come from, if it is one: links lead to one only."""
    if any(task.bids for task in plan.tasks):
        return plan.source
    folders = {path.parent for task in plan.tasks for path in task.inputs.values()}
    sources = {data_set_of(folder) for folder in folders}
    return sources.pop() if len(sources) == 1 else None


def _all(engine: Engine, plan: Plan, settings: Settings) -> Generator[Outcome, None, None]:
    """The outcomes; closing this stops the engine."""
    yield from engine.run(plan.tasks, settings)


def _label(outcomes: Sequence[Outcome], total: int) -> str:
    bad = sum(outcome.state == "failed" for outcome in outcomes)
    return f"{len(outcomes)} of {total}" + (f", {bad} failed" if bad else "")
