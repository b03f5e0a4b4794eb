"""Templates of movements: how each kind looks in both modalities, and which one a movement is.

A template is a Gaussian over the numbers that describe a movement (`description`), learned from
labelled synthetic movements: its mean says how the kind looks, its covariance how it varies. What a
device does not show (a modality, an IMU, a region without electrodes) is left out of all templates
alike, so that probabilities get flatter the less there is to see. A movement that is farther from
every template than nearly all movements of its own kind are is unlike any known kind.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from neurofuse.fusion.kinds.description import ALL_NAMES, NAMES
from neurofuse.io.errors import ReadError
from neurofuse.synth.movement import TYPES

FILE = Path(__file__).parent / "pretrained/templates.safetensors"
KINDS = {  # what the names of `synth.TYPES` mean
    "nod": "the head turns about the axis through both ears",
    "shake": "the head turns about the vertical",
    "tilt": "the head leans to a side",
    "jerk": "a short and strong movement of the head, which pulls cables",
    "gait": "steps of walking or marching",
    "jaw": "speech, chewing, clenching",
    "touch": "a hand at the cap, an electrode, an optode or a cable",
    "face": "forehead and eyebrows",
}
UNLIKE = "unlike any known kind"
LARGEST = 1e4  # value in a file of templates
CLIPPED = 4.0  # standard deviations of all movements
FEWEST = 5  # numbers of a movement, without which nothing is said
RIDGE = 1e-6


@dataclass(frozen=True)
class Templates:
    """How each kind of movement looks.

    Attributes
    ----------
    middle, spread : array (number,)
        Mean and standard deviation of all movements, by which the numbers are standardised.
    mean : array (template, number)
        Of standardised numbers.
    covariance : array (template, number, number)
    weight : array (template,)
        Share of a template in its kind.
    kind : int array (template,)
        Of which kind it is, an index into `synth.TYPES`.
    temperature : array (view,)
        By what log likelihoods are divided, so that probabilities are as often right as they say;
        views are `view_of`.
    reach : array (view,)
        Distance beyond which a movement is unlike all templates.
    """

    middle: np.ndarray
    spread: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    weight: np.ndarray
    kind: np.ndarray
    temperature: np.ndarray
    reach: np.ndarray

    def judge(self, numbers: np.ndarray) -> "Judgement":
        """Which kind movements (movement, number) are; the order of numbers is `ALL_NAMES`."""
        standard = ((numbers - self.middle) / self.spread).clip(-CLIPPED, CLIPPED)
        count, kinds = len(numbers), len(TYPES)
        distance = np.full((count, len(self.mean)), np.nan)
        probability = np.full((count, kinds), np.nan)
        unlike = np.zeros(count, bool)
        known = np.isfinite(standard)
        patterns, pattern_of = np.unique(known, axis=0, return_inverse=True)
        for number, seen in enumerate(patterns):
            rows = np.flatnonzero(pattern_of.ravel() == number)
            if seen.sum() < FEWEST:
                continue
            view = view_of(seen)
            square, likelihood = self._compare(standard[np.ix_(rows, seen)], seen)
            distance[rows] = np.sqrt(square / seen.sum())
            probability[rows] = self._probability(likelihood, view)
            unlike[rows] = distance[rows].min(1) > self.reach[view]
        return Judgement(probability, distance, unlike)

    def _compare(self, rows: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Squared Mahalanobis distance and log likelihood (row, template) of what is seen."""
        square, likelihood = np.empty((2, len(rows), len(self.mean)))
        for k, (mean, covariance) in enumerate(zip(self.mean, self.covariance, strict=True)):
            part = covariance[np.ix_(seen, seen)].astype(float)
            root = np.linalg.cholesky(part + RIDGE * np.eye(len(part)))
            away = np.linalg.solve(root, (rows - mean[seen]).T)
            square[:, k] = (away**2).sum(0)
            likelihood[:, k] = -square[:, k] / 2 - np.log(np.diag(root)).sum()
        return square, likelihood + np.log(self.weight)

    def _probability(self, likelihood: np.ndarray, view: int) -> np.ndarray:
        """(row, kind), all kinds as frequent."""
        top = likelihood.max(1, keepdims=True)
        summed = np.stack(
            [np.exp(likelihood - top)[:, self.kind == k].sum(1) for k in range(len(TYPES))], 1
        )
        logits = np.log(summed + 1e-300) / self.temperature[view]
        raised = np.exp(logits - logits.max(1, keepdims=True))
        return raised / raised.sum(1, keepdims=True)


@dataclass(frozen=True)
class Judgement:
    """Which kinds movements are.

    Attributes
    ----------
    probability : array (movement, kind)
        In the order of `synth.TYPES`, if all kinds were equally frequent; NaN where nothing is
        known of a movement.
    distance : array (movement, template)
        Root mean square of the deviations from a template [standard deviations of its kind].
    unlike : bool array (movement,)
        Farther from every template than all but a few movements of known kinds.
    """

    probability: np.ndarray
    distance: np.ndarray
    unlike: np.ndarray

    def named(self) -> list[tuple[str | None, float]]:
        """Name and probability of each movement's kind.

        `UNLIKE` has no probability (NaN); None: nothing is known of the movement.
        """
        found: list[tuple[str | None, float]] = []
        for probability, unlike in zip(self.probability, self.unlike, strict=True):
            if np.isnan(probability).any():
                found.append((None, np.nan))
            elif unlike:
                found.append((UNLIKE, np.nan))
            else:
                best = int(probability.argmax())
                found.append((list(TYPES)[best], float(probability[best])))
        return found


def view_of(seen: np.ndarray) -> int:
    """Number of what is seen of a movement (number,): 1 of EEG, 2 of fNIRS, 4 of an IMU, added."""
    view, first = 0, 0
    for bit, names in enumerate(NAMES.values()):
        view += bool(seen[first : first + len(names)].any()) << bit
        first += len(names)
    return view


@cache
def load_templates(path: Path = FILE) -> Templates:
    """The packaged templates.

    Raises
    ------
    ReadError
        If the file is missing or damaged, does not belong to its JSON, holds values out of bounds,
        or is of other numbers than `ALL_NAMES`.
    """
    described = path.with_suffix(".json")
    try:
        facts = json.loads(described.read_text())
        whole = hashlib.sha256(path.read_bytes()).hexdigest() == facts["sha256"]
        if not whole or facts["numbers"] != list(ALL_NAMES) or facts["kinds"] != list(TYPES):
            raise KeyError("another file")
        arrays = load_file(path)
        made = Templates(**arrays)
        _check(made)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ReadError(
            f"{path.name} that holds no templates of these kinds ({type(error).__name__})",
            f"templates beside the {described.name} written with them",
            "install again, or make them again (benchmarks/training/movement_kinds.py)",
        ) from error
    return made


def _check(made: Templates) -> None:
    """Raises ValueError where shapes or values are not those of templates."""
    count, numbers = len(made.mean), len(ALL_NAMES)
    shapes = {
        "middle": (numbers,),
        "spread": (numbers,),
        "mean": (count, numbers),
        "covariance": (count, numbers, numbers),
        "weight": (count,),
        "kind": (count,),
        "temperature": (2 ** len(NAMES),),
        "reach": (2 ** len(NAMES),),
    }
    for name, shape in shapes.items():
        values = getattr(made, name)
        if values.shape != shape:
            raise ValueError(f"{name} of shape {values.shape}")
        if not np.isfinite(values).all() or np.abs(values).max() > LARGEST:
            raise ValueError(f"{name} out of bounds")
    for name in ("spread", "weight", "temperature", "reach"):
        if (getattr(made, name) <= 0).any():
            raise ValueError(f"{name} not above 0")
    if set(made.kind.tolist()) != set(range(len(TYPES))):
        raise ValueError("kinds without a template")
    if not np.allclose(made.covariance, made.covariance.swapaxes(1, 2), atol=1e-4):
        raise ValueError("covariance that is not symmetric")
