"""Where samples of a stream are missing: stamps that stay late, told from bursts and jitter."""

import numpy as np

LEVEL = 2.0  # s of samples on either side of a late stamp that tell whether the delay stays
FEWEST, MOST = 8, 2000  # samples that such a level is taken over
LATE = 1.5  # steps between two stamps from which a hole may lie between them
LOST = 0.75  # steps that later samples stay late by after a hole
TRIED = 500  # largest steps that are looked at
NOISE = 6.0  # a delay that stays must exceed the usual scatter of levels by this factor
BACK = 1.0  # s that stamps may stay behind: more is a clock that was set back


def _width(since: np.ndarray, step: float) -> int:
    """Samples that a level is taken over: whole bursts, ten at least, and about two seconds."""
    steps = np.diff(since)
    long = steps[steps > LATE * step]
    burst = min(round(float(np.median(long)) / step), MOST) if len(long) else 1
    if len(long) < 4 or not 0.5 < len(long) * burst / len(steps) < 1.5:  # holes, not bursts
        burst = 1
    wanted = min(max(LEVEL / step, FEWEST, 10 * burst), MOST, len(since) / 8)
    return max(round(wanted / burst), 1) * burst


def _shifts(late: np.ndarray, samples: np.ndarray, width: int) -> np.ndarray:
    """How much later [s] the stamps after each of `samples` stay than those up to it."""
    turn = np.arange(width)  # near an end the samples there are count several times
    after = samples[:, None] + 1 + turn % (len(late) - 1 - samples)[:, None]
    before = samples[:, None] - turn % (samples + 1)[:, None]
    return _levels(late[after]) - _levels(late[before])


def _levels(late: np.ndarray) -> np.ndarray:
    """Means that wild stamps do not move; medians of bursts would jump by whole samples."""
    middle = np.median(late, axis=1, keepdims=True)
    bound = 4 * 1.4826 * np.median(np.abs(late - middle), axis=1, keepdims=True)
    return np.clip(late, middle - bound, middle + bound).mean(axis=1)


def _split(late: np.ndarray, sample: int, width: int) -> int:
    """The sample near `sample` after which the delay begins: the bend of the running sum."""
    first = max(sample + 1 - width, 0)
    near = late[first : sample + 1 + width]
    return first + int(np.abs(np.cumsum(near - near.mean())[:-1]).argmax())


def set_back(since: np.ndarray, step: float) -> tuple[int, float] | None:
    """The first sample before which stamps jump back for good, and by how much [s]."""
    late = since - step * np.arange(len(since))
    samples = np.flatnonzero(np.diff(since) < -BACK)[:TRIED]
    jumps = _shifts(late, samples, _width(since, step))
    found = np.flatnonzero(jumps < -BACK)
    return (int(samples[found[0]]) + 1, float(jumps[found[0]])) if len(found) else None


def places(since: np.ndarray, step: float) -> tuple[np.ndarray, list[int]]:
    """The place of every sample on the grid, and after which samples others are missing."""
    count, steps = len(since), np.diff(since)
    width = _width(since, step)
    at = np.linspace(0, count - 2, min(count - 1, 100)).astype(int)
    late = since - step * np.arange(count)
    step += float(np.median(_shifts(late, at, width))) / width  # bursts bend the first guess
    late = since - step * np.arange(count)
    quiet = float(np.quantile(np.abs(_shifts(late, at, width)), 0.25))  # most may see a hole
    usual = 3.138 * quiet  # a quarter of a Gaussian lies within 0.319 SD
    bound = max(LOST * step, NOISE * usual)
    tried = np.flatnonzero(steps > max(LATE * step, bound / 2))
    tried = tried[np.argsort(-steps[tried], kind="stable")][:TRIED]
    shifts = _shifts(late, tried, width)
    place, holes = np.arange(count), []
    while len(tried) and shifts.max() > bound:
        most = int(shifts.argmax())
        sample = _split(late, int(tried[most]), width)
        stays = float(_shifts(late, np.array([sample]), width)[0])
        if stays > bound:
            lost = max(round(stays / step), 1)
            late[sample + 1 :] -= lost * step
            place[sample + 1 :] += lost
            holes.append(sample)
            near = np.abs(tried - sample) <= 2 * width
            shifts[near] = _shifts(late, tried[near], width)
        shifts[most] = min(shifts[most], 0.0) if stays <= bound else shifts[most]
        if len(holes) >= TRIED:
            break
    return place.astype(float), sorted(set(holes))
