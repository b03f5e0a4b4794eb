"""EEG of few dry electrodes, before and after cleaning: loud stretches against quiet ones."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from benchmarks.common.calm import LOUD, calm, loudness
from benchmarks.common.evaluation import Case
from benchmarks.moving.blinks import SEEN_BY, blink_left, blinks, near
from benchmarks.still.change import change_in_decibels
from benchmarks.still.eeg import TRIM, electrodes
from neurofuse.fusion.signal.bands import ALPHA, EEG_MOTION, bandpass
from neurofuse.io import build, mark_bad, read, stream_dataset
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.recording import GATE_OPEN
from neurofuse.models.training.split import subject_files

LEAST_LOUD, LEAST_QUIET = 1.0, 10.0  # s of a channel


def cases(part: str) -> Iterator[Case]:
    """Every EEG of few electrodes of a part; `kind` is the task."""
    for participant, files in subject_files(part, "few_electrodes").items():
        for path in files:
            try:
                node = electrodes(mark_bad(read(path)))
            except NeurofuseError:
                continue
            rate = float(node.attrs["rate"])
            node = node.isel(time=slice(round(TRIM * rate), None))
            node = node.assign_coords(time=np.arange(node.sizes["time"]) / rate)
            task = path.stem.partition("task-")[2].removesuffix("_eeg")
            yield Case("eeg", participant, path.parent.name, rate, task, path.stem, build(node))


def figures(case: Case, cleaned: xr.DataTree) -> dict[str, float]:
    """What cleaning left of loud stretches, and did to quiet ones.

    - `loud_before`, `loud` [dB]: power in 0.5-45 Hz of a channel's loud stretches, before and after
      cleaning, over that of its quiet stretches before cleaning, median over channels;
      `loud_without_blinks`: without 0.3 s around every blink;
    - `alpha` [1]: power in 8-13 Hz of quiet stretches that is left, median;
    - `change` [dB]: energy of the change in quiet stretches over the energy there, 0.5-45 Hz,
      median; stretches with blinks are not quiet;
    - `blinks` [1]: share of the average blink that is left; NaN with fewer than five;
    - `open` [1]: share of channel-time with an open motion mask.
    """
    rate = case.rate
    node = stream_dataset(cleaned, "eeg")
    before, after = stream_dataset(case.recording, "eeg").eeg.values, node.eeg.values
    loud = loudness(before, rate, "eeg") > LOUD["eeg"]
    names = SEEN_BY.get(case.device, ())
    seen = np.isin(node.channel.values, names)
    at = blinks(before[seen], rate) if seen.any() else np.zeros(0, int)
    blinking = near(at, rate, before.shape[-1])
    quiet = calm(before, rate, "eeg") & ~blinking
    broad = [bandpass(x, rate, *EEG_MOTION) ** 2 for x in (before, after)]
    change = bandpass(after - before, rate, *EEG_MOTION) ** 2
    alpha = [bandpass(x, rate, *ALPHA) ** 2 for x in (before, after)]
    calm_enough = quiet.sum(-1) >= LEAST_QUIET * rate
    others = loud & ~blinking
    found = {
        "loud_before": _ratio(broad[0], loud, broad[0], quiet, calm_enough, rate),
        "loud": _ratio(broad[1], loud, broad[0], quiet, calm_enough, rate),
        "loud_without_blinks": _ratio(broad[1], others, broad[0], quiet, calm_enough, rate),
        "blinks": blink_left(before, after, rate, at),
        "blinks_found": float(len(at)),
        "open": float((node.gate.values > GATE_OPEN).mean()) if "gate" in node else np.nan,
    }
    rows = np.flatnonzero(calm_enough)
    if rows.size:
        left = [alpha[1][k, quiet[k]].sum() / alpha[0][k, quiet[k]].sum() for k in rows]
        moved = np.array([change[k, quiet[k]].sum() for k in rows])
        energy = np.array([broad[0][k, quiet[k]].sum() for k in rows])
        found["alpha"] = float(np.median(left))
        found["change"] = float(np.median(change_in_decibels(moved, energy)))
    return found


def _ratio(
    one: np.ndarray,
    loud: np.ndarray,
    other: np.ndarray,
    quiet: np.ndarray,
    chosen: np.ndarray,
    rate: float,
) -> float:
    """Mean power where loud over mean power where quiet [dB], median over channels."""
    chosen = chosen & (loud.sum(-1) >= LEAST_LOUD * rate)
    ratios = [
        change_in_decibels(one[k, loud[k]].mean(), other[k, quiet[k]].mean())
        for k in np.flatnonzero(chosen)
    ]
    return float(np.median(ratios)) if ratios else np.nan
