"""Does a recording's own movement teach the model something? A trial by recording.

    NEUROFUSE_DATA=… python -m benchmarks.adaptation.recording

The large movements of a recording, scaled, are put into the calm parts of its first half, where the
truth is then known, and a few parameters of the packaged single-modality model are fine-tuned on
these. Judged are calm parts of the second half with movements of other people. What is in
`runs/adaptation/recording_rows.json` is not done again.
"""

import argparse
import copy
import json
import logging
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.signal import butter, sosfiltfilt

from benchmarks.adaptation.rows import row, save
from benchmarks.common.page import Table
from benchmarks.common.paths import ROOT, recordings_folder, write
from benchmarks.common.statistics import ratio
from benchmarks.transplant.cases import Case, planted
from benchmarks.transplant.evaluation import cleaned_by, figures
from neurofuse.fusion.methods.learned import Learned
from neurofuse.io.modality import MODALITIES
from neurofuse.io.quality.calm import calm
from neurofuse.io.runs import runs
from neurofuse.models.inference.drift import drift
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.tensors import Stream, Target
from neurofuse.models.training.corpus import Clean
from neurofuse.models.training.isolation import isolated
from neurofuse.models.training.joint import Losses
from neurofuse.models.training.learner import descend
from neurofuse.models.training.movers import (
    DRIFT,
    PIECE,
    SEAM,
    eeg_movements,
    is_blink,
    join,
    nirs_movements,
    samples,
)
from neurofuse.models.training.transplants import transplants
from neurofuse.models.weights import load_model
from neurofuse.synth.bouts import sample_movements
from neurofuse.synth.real_movement import RealMovement, real_movements
from neurofuse.synth.transplant import resampled

ROWS = ROOT / "runs/adaptation/recording_rows.json"
VERSION = 2  # of what is measured here
RECORDINGS = {  # validation people who move, and are calm for half a minute in both halves
    "eeg_wearable/muse_cueing/sub-1104_task-cueing_eeg.edf": "eeg",
    "eeg_wearable/muse_cueing/sub-1105_task-cueing_eeg.edf": "eeg",
    "eeg_wearable/muse_cueing/sub-1106_task-cueing_eeg.edf": "eeg",
    "eeg_wearable/muse_cueing/sub-1201_task-cueing_eeg.edf": "eeg",
    "fnirs_devices/motion_60xx/sub-6016_task-motion_nirs.snirf": "nirs",
    "fnirs_devices/nirsport2_dtu/rec-04_task-movement_nirs.snirf": "nirs",
    "fnirs_clean/finemi/sub-02_block-2_nirs.snirf": "nirs",
}
ARMS = {"few": 1e-3, "all": 3e-4}  # learning rates: of norms, biases and scalars; of everything
STEPS, BATCH, WINDOW = 40, 4, 30.0
SLOW = 12.5  # Hz, at which fNIRS of faster devices is cleaned (`Architecture.nirs_rate`)
WITHOUT = "without"
CHECKS = 4  # batches of the first half on which the fine-tuned weights have to be better
DRAWS = 4  # sets of other people's movements in the second half
TRIES = 20  # drawings of a window, until it holds a movement
PAIRS = 10  # fNIRS channels that are adapted to, and judged: the calmest
LEAST, MOST = 0.3, 1.01  # dB to be gained on average, error of anybody over that without it
ARM_NAMES = {"few": "few parameters", "all": "all parameters"}
FIGURES = ("error", "change")


@dataclass(frozen=True)
class Material:
    """Both halves of a recording, and its movements."""

    name: str
    stream: str
    adapt: Clean  # calm parts of the first half
    judge: xr.Dataset  # those of the second
    rest: np.ndarray  # (channel, time) bool: where that one is calm
    own: list[RealMovement]


def material(path: Path, stream: str) -> Material:
    """What a recording gives to adapt and to judge."""
    node = samples(path, stream)
    rate = float(node.attrs["rate"])
    half = node.sizes["time"] // 2
    variable = "eeg" if stream == "eeg" else "od"
    own = real_movements(node[variable].values, rate, stream, donor="own")
    first, second = node.isel(time=slice(half)), node.isel(time=slice(half, None))
    if stream == "eeg":
        own = [one for one in own if not is_blink(one)]
        first, second = _calm_eeg(first), _calm_eeg(second)
        place = first.position.values
    else:
        place = (first.source_position.values + first.detector_position.values) / 2
    x, slow = first[variable].values, rate
    if stream == "nirs" and rate > SLOW:  # as the model sees it
        x, slow = resampled(x, rate, SLOW), SLOW
    rest, names = calm(x, slow, stream), first.channel.values
    if stream == "nirs":
        best = np.sort(np.argsort(-rest.mean(-1), kind="stable")[:PAIRS])
        x, place, rest, names = x[best], place[best], rest[best], names[best]
    else:
        rest = np.ones(x.shape, bool)
    adapt = Clean(path.stem, x, slow, place, names, rest)
    y = second[variable].values
    rest = np.ones(y.shape, bool) if stream == "eeg" else calm(y, rate, stream)
    if stream == "nirs":
        chosen = np.sort(np.argsort(-rest.mean(-1), kind="stable")[:PAIRS])
        second, rest = second.isel(channel=chosen), rest[chosen]
    second = second.assign_coords(time=np.arange(second.sizes["time"]) / rate)
    return Material(path.stem, stream, adapt, second, rest, own)


def _calm_eeg(node: xr.Dataset) -> xr.Dataset:
    """The stretches in which all channels are calm, joined; without slow drift."""
    rate = float(node.attrs["rate"])
    rest = calm(node.eeg.values, rate).all(0)
    sections = butter(2, DRIFT, "highpass", fs=rate, output="sos")
    data = sosfiltfilt(sections, node.eeg.values, axis=-1)
    pieces = [data[:, a:b] for a, b in runs(np.asarray(rest)) if b - a >= PIECE * rate]
    joined = join(pieces, round(SEAM * rate))
    bare = node.drop_vars([n for n in node.variables if "time" in node[n].dims])
    return bare.assign(eeg=(("channel", "time"), joined, {"units": "V"})).assign_coords(
        time=np.arange(joined.shape[-1]) / rate
    )


def batch(given: Material, rng: np.random.Generator) -> dict[str, tuple[Stream, Target]]:
    """Calm windows of the first half with the recording's own movements."""
    items = [window(given, rng) for _ in range(BATCH)]
    clean, artifact, mask, position = (
        torch.from_numpy(np.stack(part).astype(np.float32)) for part in zip(*items, strict=True)
    )
    stream = Stream(clean + artifact, position, given.adapt.rate)
    return {given.stream: (stream, Target(clean, artifact, mask))}


def window(given: Material, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Signal and artifact in the model's domain, mask, and positions of one window."""
    clean, stream = given.adapt, given.stream
    length = min(round(WINDOW * clean.rate), clean.shape[-1] - 1)
    starts = rng.integers(clean.shape[-1] - length, size=8)
    start = max(starts, key=lambda s: clean.calm_share(s, s + length).mean())
    piece = clean.signal[..., start : start + length]
    at = np.arange(length) / clean.rate
    artifact, mask = np.zeros_like(piece), np.zeros((len(piece), length), bool)
    for _ in range(TRIES):
        planned = sample_movements(WINDOW, rng, "none", bouts_per_minute=rng.uniform(2, 5))
        artifact, mask = transplants(
            planned[stream], {"own": given.own}, clean.at_rest, at, stream, rng
        )
        if artifact.any():
            break
    if stream == "eeg":
        piece = piece - piece.mean(-1, keepdims=True)
        piece = piece - drift(piece + artifact, clean.rate)
    else:
        piece, artifact = (np.diff(x, axis=-1, prepend=x[..., :1]) for x in (piece, artifact))
    size = np.abs(piece + artifact)
    changing = size[size > 1e-6 * size.max()]
    scale = np.median(changing) if changing.size else 1.0
    return piece / scale, artifact / scale, mask, clean.position


def adapted(given: Material, arm: str, seed: int) -> CrossModalAutoencoder:
    """The packaged model of the modality, fine-tuned for some steps."""
    model = load_model(given.stream).train()
    for parameter in model.parameters():
        parameter.requires_grad_(arm == "all" or parameter.ndim <= 1)
    tuned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(tuned, lr=ARMS[arm], weight_decay=0.0)
    losses = Losses(model)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = ARMS[arm] * min(1.0, (step + 1) / 5)
        found = losses(batch(given, np.random.default_rng([seed, step])), None, True)
        descend(optimizer, model, torch.stack(list(found.values())).sum())
    return model.eval()


@torch.no_grad()
def own_loss(model: CrossModalAutoencoder, given: Material) -> float:
    """Loss on other windows of the first half: what guards against a change for the worse."""
    batches = [batch(given, np.random.default_rng([99, k])) for k in range(CHECKS)]
    losses = Losses(copy.deepcopy(model).eval())
    return float(np.mean([sum(map(float, losses(b, None, True).values())) for b in batches]))


def judged(given: Material) -> Iterator[Case]:
    """The second half with movements of other people."""
    if given.stream == "eeg":
        pool = [one for one in eeg_movements("validation") if one.kind != "blink"]
    else:
        pool = [*nirs_movements("train"), *nirs_movements("validation")]
    others = [one for one in pool if Path(one.donor).name not in given.name]
    kind = "Muse" if given.stream == "eeg" else "optodes"
    for draw in range(DRAWS):
        rng = np.random.default_rng([31, draw])
        yield planted(given.name, given.stream, kind, given.judge, given.rest, others, rng)


def judge(given: Material, model: CrossModalAutoencoder) -> dict[str, Any]:
    """Figures of a model on the second half, and its loss on the first."""
    cleaner = Learned(model)
    scores = [figures(case, cleaned_by(cleaner, case)) for case in judged(given)]
    found: dict[str, Any] = {name: float(np.mean([s[name] for s in scores])) for name in FIGURES}
    return found | {"own_loss": own_loss(model, given)}


def arm_of(path: str, stream: str, arm: str, seed: int = 0) -> dict[str, Any]:
    """What is found in one recording: figures without adaptation, or with a way of it."""
    folder = recordings_folder()
    given = material(folder / path, stream)
    if arm == WITHOUT:
        return judge(given, load_model(stream)) | {"movements": len(given.own)}
    began = time.perf_counter()
    model = adapted(given, arm, seed)
    seconds = time.perf_counter() - began
    return judge(given, model) | {"seconds": seconds}


def rows() -> list[dict[str, Any]]:
    """Those of which all arms are known."""
    return [one for one in kept().values() if all(arm in one for arm in (WITHOUT, *ARMS))]


def kept() -> dict[str, dict[str, Any]]:
    """What is known of each recording."""
    known = json.loads(ROWS.read_text()) if ROWS.exists() else {}
    return {path: one for path, one in known.items() if one["version"] == VERSION}


def gains(known: list[dict[str, Any]], arm: str) -> list[float]:
    """What adaptation gained [dB] in each recording, positive is better."""
    return [one[WITHOUT]["error"] - one[arm]["error"] for one in known]


def table(known: list[dict[str, Any]]) -> Table:
    """One row a recording: errors in motion without and with adaptation, change at rest."""
    columns = ["recording", "own movements", "error without [dB]", *ARMS]
    columns += ["change at rest without [dB]", "few: change", "few: seconds"]
    cells = []
    for one in known:
        name = Path(one["recording"]).stem.split("_task")[0].split("_block")[0]
        errors = [f"{one[arm]['error']:.2f}" for arm in (WITHOUT, *ARMS)]
        changes = [f"{one[arm]['change']:.1f}" for arm in (WITHOUT, "few")]
        title = f"{Path(one['recording']).parent.name} {name}"
        seconds = f"{one['few']['seconds']:.0f}"
        cells.append([title, str(one[WITHOUT]["movements"]), *errors, *changes, seconds])
    return Table(columns, cells)


def verdict(known: list[dict[str, Any]]) -> str:
    """Whether it pays, in a sentence."""
    means = {arm: float(np.mean(gains(known, arm))) for arm in ARMS}
    worst = {arm: ratio(-min(gains(known, arm))) for arm in ARMS}
    pays = [arm for arm in ARMS if means[arm] >= LEAST and worst[arm] <= MOST]
    told = "; ".join(f"{arm}: gain {means[arm]:+.2f} dB, worst {worst[arm]:.2f} x" for arm in ARMS)
    asked = f"At least {LEAST:g} dB and nobody above {MOST:g} x were asked for"
    end = f"{' and '.join(pays)} reach it" if pays else "it is no option of neurofuse"
    return f"{told}. {asked}: {end}."


def save_rows(known: list[dict[str, Any]]) -> None:
    """Keep the part of the page."""
    cells = []
    for arm, name in ARM_NAMES.items():
        for s, modality in MODALITIES.items():
            own = [r for r in known if r["modality"] == s]
            before, after = ({r["recording"]: r[w]["error"] for r in own} for w in (WITHOUT, arm))
            if own:
                cells.append(row(f"own movements, {name}", modality.display, before, after))
    guarded = sum(r[arm]["own_loss"] < r[WITHOUT]["own_loss"] for r in known for arm in ARMS)
    text = f"""**Per recording**: its own large movements, scaled, put into the calm parts of its
first half; {STEPS} steps from the packaged single-modality weights; judged on its second half
with other people's movements, {len(known)} of {len(RECORDINGS)} recordings of the validation part.
{verdict(known)}
The loss on other windows of the first half fell in {guarded} of {len(known) * len(ARMS)} trials:
such a guard does not see what gets worse."""
    limits = """Few recordings of the validation part move much and are calm for half a minute in
both halves; fNIRS donors are of the training part."""
    save("recording", " ".join(text.split()), cells, " ".join(limits.split()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recordings", nargs="+", default=list(RECORDINGS))
    parser.add_argument("--arms", nargs="+", default=[WITHOUT, *ARMS])
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    for path, arm in product(options.recordings, options.arms):
        known, stream = kept(), RECORDINGS[path]
        one = known.get(path, {"recording": path, "modality": stream, "version": VERSION})
        if arm in one:
            continue
        with isolated():
            torch.manual_seed(0)
            one[arm] = arm_of(path, stream, arm)
        write(ROWS, kept() | {path: one})
        print(path, arm, one[arm], flush=True)
    print(table(rows()).markdown())
    if rows():
        print(verdict(rows()))
        save_rows(rows())


if __name__ == "__main__":
    main()
