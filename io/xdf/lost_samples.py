"""Where samples of a stream are missing: later stamps stay late, unlike after bursts and jitter."""

import numpy as np

DELAY_WINDOW = 2.0  # s of samples before and after a late stamp over which a delay is averaged
FEWEST, MOST = 8, 2000  # samples in such a window
GAP_STEP = 1.5  # steps between two stamps from which samples may be missing between them
GAP_DELAY = 0.75  # steps by which later samples stay late after a gap
MOST_TRIED = 500  # largest steps that are examined
NOISE_FACTOR = 6.0  # by which a lasting delay exceeds the usual scatter of delays
LARGEST_SETBACK = 1.0  # s that stamps may stay behind: more is a clock that was set back


def _width(since: np.ndarray, step: float) -> int:
    """Samples of a delay window: whole bursts, ten at least, and about two seconds."""
    steps = np.diff(since)
    long = steps[steps > GAP_STEP * step]
    burst = min(round(float(np.median(long)) / step), MOST) if len(long) else 1
    if len(long) < 4 or not 0.5 < len(long) * burst / len(steps) < 1.5:  # gaps, not bursts
        burst = 1
    wanted = min(max(DELAY_WINDOW / step, FEWEST, 10 * burst), MOST, len(since) / 8)
    return max(round(wanted / burst), 1) * burst


def _shifts(late: np.ndarray, samples: np.ndarray, width: int) -> np.ndarray:
    """How much later [s] the stamps after each of `samples` stay than those up to it."""
    turn = np.arange(width)  # near an end the samples there are count several times
    after = samples[:, None] + 1 + turn % (len(late) - 1 - samples)[:, None]
    before = samples[:, None] - turn % (samples + 1)[:, None]
    return _delays(late[after]) - _delays(late[before])


def _delays(late: np.ndarray) -> np.ndarray:
    """Means that single wild stamps do not shift; medians of bursts would jump by whole samples."""
    middle = np.median(late, axis=1, keepdims=True)
    bound = 4 * 1.4826 * np.median(np.abs(late - middle), axis=1, keepdims=True)
    return np.clip(late, middle - bound, middle + bound).mean(axis=1)


def _split(late: np.ndarray, sample: int, width: int) -> int:
    """The sample near `sample` after which the delay begins: the bend of the running sum."""
    first = max(sample + 1 - width, 0)
    near = late[first : sample + 1 + width]
    return first + int(np.abs(np.cumsum(near - near.mean())[:-1]).argmax())


def set_back(since: np.ndarray, step: float) -> tuple[int, float] | None:
    """The first sample before which stamps jump back and stay back, and by how much [s]."""
    late = since - step * np.arange(len(since))
    samples = np.flatnonzero(np.diff(since) < -LARGEST_SETBACK)[:MOST_TRIED]
    jumps = _shifts(late, samples, _width(since, step))
    large = np.flatnonzero(jumps < -LARGEST_SETBACK)
    return (int(samples[large[0]]) + 1, float(jumps[large[0]])) if len(large) else None


def grid_places(since: np.ndarray, step: float) -> tuple[np.ndarray, list[int]]:
    """The place of every sample on the grid [steps], and the samples after which others miss."""
    count, steps = len(since), np.diff(since)
    width = _width(since, step)
    at = np.linspace(0, count - 2, min(count - 1, 100)).astype(int)
    late = since - step * np.arange(count)
    step += float(np.median(_shifts(late, at, width))) / width  # bursts bend the first guess
    late = since - step * np.arange(count)
    quiet = float(
        np.quantile(np.abs(_shifts(late, at, width)), 0.25)
    )  # most windows may hold a gap
    usual = 3.138 * quiet  # a quarter of a Gaussian lies within 0.319 SD
    bound = max(GAP_DELAY * step, NOISE_FACTOR * usual)
    tried = np.flatnonzero(steps > max(GAP_STEP * step, bound / 2))
    tried = tried[np.argsort(-steps[tried], kind="stable")][:MOST_TRIED]
    shifts = _shifts(late, tried, width)
    place, gaps = np.arange(count), []
    while len(tried) and shifts.max() > bound:
        most = int(shifts.argmax())
        sample = _split(late, int(tried[most]), width)
        stays = float(_shifts(late, np.array([sample]), width)[0])
        if stays > bound:
            lost = max(round(stays / step), 1)
            late[sample + 1 :] -= lost * step
            place[sample + 1 :] += lost
            gaps.append(sample)
            near = np.abs(tried - sample) <= 2 * width
            shifts[near] = _shifts(late, tried[near], width)
        shifts[most] = min(shifts[most], 0.0) if stays <= bound else shifts[most]
        if len(gaps) >= MOST_TRIED:
            break
    return place.astype(float), sorted(set(gaps))
