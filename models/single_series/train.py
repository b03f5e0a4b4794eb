"""Train single-channel baseline networks side by side: one modality, the same windows for all.

Every batch is sampled from (seed, step) alone, so a net trained later or by itself sees what the
others saw. The learning rate falls with the root of the step and not towards an end, so that a run
can be made longer at any time; what is judged and kept is a running mean of the weights.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from neurofuse.models.single_series import NAMES
from neurofuse.models.single_series.kind import KINDS
from neurofuse.models.single_series.learner import NetLearner, Recipe
from neurofuse.models.single_series.windows import SeriesSampling, series_checks
from neurofuse.models.training.batches import to_device
from neurofuse.models.training.corpus import load_corpus
from neurofuse.models.training.isolation import isolated
from neurofuse.models.training.run import ENDLESS, Clock, run, usable_device
from neurofuse.models.training.split import data_folder
from neurofuse.models.training.windows import WindowSampling

logger: logging.Logger = logging.getLogger("neurofuse")


def train(
    stream: str,
    out: Path | str,
    *,
    names: Sequence[str] = NAMES,
    minutes: float = float("inf"),
    steps: int | None = None,
    recipe: Recipe | None = None,
    command: str = "",
    progress: Callable[[int], None] | None = None,
    device: str = "cpu",
    workers: int = 0,
    start: Path | None = None,
) -> dict[str, Path]:
    """Train nets on one modality until minutes or steps are used up; go on where a run stopped.

    Torch's number of threads and its random state are afterwards as they were before.

    Parameters
    ----------
    stream : {"eeg", "nirs"}
        What to train on.
    out : path
        Gets a folder `STREAM/NAME` for each net: weights with their JSON, `state.safetensors`,
        `log.jsonl`.
    names : names of nets
        All see the same batches. A net that is behind catches up first.
    minutes : float
        Minutes of this and earlier runs that the nets may take together, without loading data.
    steps : int, optional
        Steps of this and earlier runs at most.
    recipe : Recipe, optional
        Everything else. A run goes on only with the recipe that it was begun with.
    command : str
        Kept beside the weights.
    progress : callable, optional
        Called with each step done.
    device, workers
        As of `neurofuse.models.training.train.train`.
    start : Path, optional
        Folder of weights from which a run without a state begins, such as the packaged ones.

    Returns
    -------
    dict of path
        The best weights by net.

    Raises
    ------
    ParameterError
        For a device that cannot be used, or a folder that holds a run of another recipe.
    """
    recipe = recipe or Recipe()
    target, folder = usable_device(device), Path(out) / stream
    with isolated():
        learners = [NetLearner(n, stream, recipe, folder / n, target) for n in names]
        for learner in learners:
            learner.begin(start)
        if data_folder() is None:
            logger.warning(
                "no data folder (NEUROFUSE_DATA): training on simulated participants alone"
            )
        corpus = load_corpus("train", stream, recipe.simulated)
        watched = load_corpus("validation", stream, max(1, recipe.simulated // 3))
        sampling = WindowSampling(KINDS[stream].seconds, recipe.batch, severity=recipe.severity)
        checks = series_checks(stream, watched, sampling, recipe.windows, recipe.validation_batches)
        checks = [to_device(windows, target) for windows in checks]
        for learner in learners:
            learner.checks, learner.command = checks, command
            learner.participants = sorted({clean.name for clean in corpus})
        run(
            learners,
            SeriesSampling(stream, corpus, sampling, recipe.windows, recipe.seed),
            steps=ENDLESS if steps is None else steps,
            seconds=60 * minutes,
            validate_every=recipe.validate_every,
            clock=Clock(folder / "clock.json"),
            device=target,
            workers=workers,
            progress=progress,
        )
    return {learner.name: learner.weights for learner in learners}
