"""EEGdenoiseNet's protocol (Zhang et al. 2021).

    python -m benchmarks.protocols.eegdenoisenet --folder DIR

Clean EEG segments of 2 s plus an ocular or muscular one, scaled to a ratio of RMS values of
10^(dB/10) (not /20: the paper's decibels are of amplitude), -7 to 2 dB. The test has 400 pairs at
ten ratios for EOG, 598 for EMG. All of it by segments, without participants. The correlation of the
uncorrected input, 0.505 over the grid, shows that this protocol is the same.

Nets of the literature train on the other segments of the set; methods here have never seen it and
get one channel of 2 s. So these figures say how methods generalise, not how they rank among those.
"""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.progress import track
from scipy.signal import resample_poly

from benchmarks.common.methods import get_method, names
from benchmarks.common.page import Page, Table
from benchmarks.protocols.public_data import located
from neurofuse.fusion.clean import clean
from neurofuse.io import build, eeg_dataset, stream_dataset
from neurofuse.io.errors import NeurofuseError, ReadError
from neurofuse.io.modality import EEG

RATIOS = np.arange(-7.0, 3.0)  # dB of amplitude
PARTS = {"EOG": (256.0, 3000, 400), "EMG": (512.0, 5000, 598)}  # Hz; pairs for training and test
SEED = 0
EEG_RATE, SIZE = 256.0, 1e-5  # Hz; V that a segment's RMS stands for
CHECK = 0.505  # correlation of the uncorrected input


def held_out(folder: Path, kind: str) -> Iterator[tuple[float, float, np.ndarray, np.ndarray]]:
    """Ratio [dB], rate, clean and contaminated segments (row, time) of the test part.

    Pairs are shuffled once (seed 0) and the last are for the test. There are more muscle than EEG
    segments: EEG is used again from the start, as in the paper, ahead of the split.
    """
    rate, training, count = PARTS[kind]
    clear, noise = (_loaded(folder / f"{name}_all_epochs.npy") for name in ("EEG", kind))
    if noise.shape[1] == clear.shape[1] * rate / EEG_RATE:
        clear = resample_poly(clear, int(rate / EEG_RATE), 1, axis=-1)
    if noise.shape[1] != clear.shape[1]:
        raise ReadError(
            f"{kind} segments of {noise.shape[1]} samples beside EEG of {clear.shape[1]}",
            f"as many, at {rate:g} Hz",
            "download the files again",
        )
    rng = np.random.default_rng(SEED)
    clear, noise = rng.permutation(clear), rng.permutation(noise)
    pairs = min(len(noise), training + count)
    again = max(0, pairs - len(clear))
    clear = np.concatenate([clear[:again], clear])[:pairs]
    test = slice(max(0, pairs - count), pairs)
    for decibels in RATIOS:
        yield decibels, rate, *mixed(clear[test], noise[test], decibels)


def mixed(clear: np.ndarray, noise: np.ndarray, decibels: float) -> tuple[np.ndarray, np.ndarray]:
    """Clean segments (row, time), and the same with noise at 10 log10(RMS / RMS) = decibels.

    Examples
    --------
    >>> clear, both = mixed(np.array([[1.0, -1.0]]), np.array([[5.0, 5.0]]), 10.0)
    >>> (both - clear).round(3).tolist()
    [[0.1, 0.1]]
    """
    size = [np.sqrt((x**2).mean(-1, keepdims=True)) for x in (clear, noise)]
    return clear, clear + noise * size[0] / (size[1] * 10 ** (decibels / 10))


def figures(clear: np.ndarray, got: np.ndarray) -> dict[str, float]:
    """RRMSE in time and of power spectra, and correlation: means over segments (row, time)."""
    spectra = [np.abs(np.fft.rfft(x)) ** 2 for x in (clear, got)]

    def size(x: np.ndarray) -> np.ndarray:
        return np.sqrt((x**2).mean(-1))

    centred = [x - x.mean(-1, keepdims=True) for x in (clear, got)]
    spread = size(centred[0]) * size(centred[1])
    similar = (centred[0] * centred[1]).mean(-1) / np.where(spread > 0, spread, np.inf)
    return {
        "RRMSE time": float((size(got - clear) / size(clear)).mean()),
        "RRMSE spectrum": float((size(spectra[1] - spectra[0]) / size(spectra[0])).mean()),
        "correlation": float(similar.mean()),
    }


def cleaned_by(method: str, disturbed: np.ndarray, rate: float) -> np.ndarray:
    """Each segment as a recording of one channel."""
    out = []
    for row in disturbed:
        scale = SIZE / np.sqrt((row**2).mean())
        recording = build(eeg_dataset(scale * row[None], rate, ["Cz"]))
        out.append(stream_dataset(clean(recording, method), "eeg").eeg.values[0] / scale)
    return np.stack(out)


def table(folder: Path, every: int) -> Table:
    """Errors of all methods for EEG, by artifact: means over ratios and segments."""
    columns = ["artifact", "method", "RRMSE time", "RRMSE spectrum", "correlation"]
    made = []
    for kind in PARTS:
        grid = list(held_out(folder, kind))
        for method in track(names(), description=kind):
            if EEG.name not in get_method(method).streams:
                continue
            try:
                rows = [
                    figures(clear[::every], cleaned_by(method, both[::every], rate))
                    for _, rate, clear, both in grid
                ]
            except NeurofuseError as error:
                made.append([kind, method, f"did not run: {error}", "", ""])
                continue
            made.append([kind, method, *(f"{np.mean([r[k] for r in rows]):.3f}" for k in rows[0])])
    return Table(columns, made)


def _loaded(path: Path) -> np.ndarray:
    results = np.load(path, allow_pickle=False)
    if results.ndim != 2 or not np.isfinite(results).all():
        raise ReadError(
            f"{path.name} of shape {results.shape}", "finite (segment, time)", "download it again"
        )
    return np.asarray(results, float)


QUESTION = """How much of an ocular or muscular artifact does each method remove from segments of 2
s? The protocol of Zhang et al. 2021: test segments at −7 to 2 dB of amplitude, every {every}th
pair. RRMSE in time and of power spectra, and correlation with the clean segment, means over
segments."""
LIMITS = """By segments, without participants. Networks of the literature train on the other
segments of the set; methods here have never seen it and get one channel of 2 s: the figures say how
methods generalise, not how they rank among those networks. The correlation of the uncorrected input
is that of the protocol ({check})."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the .npy files lie")
    parser.add_argument("--every", type=int, default=10, help="use every n-th pair")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    try:
        rows = table(located("eegdenoisenet", options.folder), options.every)
    except ReadError as error:
        raise SystemExit(str(error)) from None
    page = Page(
        title="EEGdenoiseNet",
        question=QUESTION.format(every=options.every),
        table=rows,
        limits=LIMITS.format(check=CHECK),
        command="python -m benchmarks.protocols.eegdenoisenet --folder DIR "
        f"--every {options.every} --page docs/measured/eegdenoisenet.md",
        data={"": rows},
    )
    print(page.markdown("eegdenoisenet"))
    if options.page:
        page.write(options.page)


if __name__ == "__main__":
    main()
