"""Clean recordings to train on: real ones from the data folder, and simulated ones.

Participants are split before anything is mixed (`split.json`); only one part is handed out at once.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import xarray as xr
from scipy.signal import resample_poly

from neurofuse.io.files import read
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.quality.calm import calm
from neurofuse.io.quality.channels import channel_quality
from neurofuse.models.training.movers import calm_pieces
from neurofuse.models.training.split import PARTS, subject_files
from neurofuse.synth.real_movement import deviation_at_rest
from neurofuse.synth.simulate import simulate

FEW = 4  # channels, of wearables and of some optodes beside an EEG cap
LEAST, MOST = 61.0, 240.0  # s of calm EEG of a person with few electrodes
SIMULATED = "simulated-"  # begins the names of simulated participants
CONTACT = 0.4  # scalp coupling index below which a channel is not used as clean
ENDS = ("source", "detector", "source_position", "detector_position")
TRIM = 5.0  # s at both ends, where participants still settle
USUAL_RATES = 6  # simulated participants at the usual rates; more have other rates
SLOW_RATES = (1.0, 2.0)  # Hz, of fNIRS devices with many channels
SLOWED = 3  # every third recording also comes at one of these
OTHER_RATES = ((128.0, 5.0), (500.0, 12.5), (200.0, 7.8125), (256.0, 3.9))  # Hz, EEG and fNIRS

logger: logging.Logger = logging.getLogger("neurofuse")


class CleanSignal(Protocol):
    """The clean signal of one modality of a participant, in memory or in a store."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def rate(self) -> float: ...
    @property
    def position(self) -> np.ndarray: ...
    @property
    def channel(self) -> np.ndarray: ...
    @property
    def optodes(self) -> "Optodes | None": ...
    @property
    def at_rest(self) -> np.ndarray: ...

    def samples(self, pick: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Those of some channels (channel[, wavelength], time) from one sample to another."""
        ...

    def calm_share(self, start: int, stop: int) -> np.ndarray:
        """For each channel which part of this time is calm, from 0 to 1."""
        ...

    def whole(self) -> "Clean":
        """All of it in memory."""
        ...


@dataclass(frozen=True)
class Clean:
    """The clean signal of one modality of a participant, in memory."""

    name: str
    signal: np.ndarray  # EEG (channel, time) V; fNIRS (channel, wavelength, time) OD
    rate: float  # Hz
    position: np.ndarray  # (channel, 3) m
    channel: np.ndarray  # names
    calm: np.ndarray  # (channel, time) bool: nothing moves (`io.quality.calm`)
    optodes: "Optodes | None" = None

    @property
    def at_rest(self) -> np.ndarray:
        """Variance (channel[, wavelength]) within some seconds at rest."""
        return self._at_rest

    @cached_property
    def _at_rest(self) -> np.ndarray:
        modality = "nirs" if self.signal.ndim == 3 else "eeg"
        return np.asarray(deviation_at_rest(self.signal, self.rate, modality) ** 2)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the signal."""
        return self.signal.shape

    def samples(self, pick: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Those of some channels (channel[, wavelength], time) from one sample to another."""
        return self.signal[..., start:stop][pick]

    def calm_share(self, start: int, stop: int) -> np.ndarray:
        """For each channel which part of this time is calm, from 0 to 1."""
        return np.asarray(self.calm[:, start:stop].mean(-1))

    def whole(self) -> "Clean":
        """All of it in memory."""
        return self


@dataclass(frozen=True)
class Optodes:
    """The ends of fNIRS channels."""

    source: np.ndarray  # names
    detector: np.ndarray
    source_position: np.ndarray  # (channel, 3) m
    detector_position: np.ndarray
    wavelength: np.ndarray  # (wavelength,) nm


def clean_stream(recording: xr.DataTree, stream: str, name: str) -> Clean | None:
    """The usable channels of one modality as plain arrays; None if fewer than two are left."""
    usable = channel_quality(recording, stream)
    keep = usable.usable.values & ~recording[stream].bad.values
    if stream == "eeg":
        node = recording["eeg"].to_dataset()
        keep &= (node.ch_type == "eeg").values
        signal, position, optodes = node.eeg.values, node.position.values, None
    else:
        node = to_optical_density(recording)["nirs"].to_dataset()
        contact = usable.sci.values
        keep &= ~(contact < CONTACT)
        signal = node.od.values
        position = (node.source_position.values + node.detector_position.values) / 2
        ends = (node[n].values[keep] for n in ENDS)
        optodes = Optodes(*ends, wavelength=node.wavelength.values)
    if keep.sum() < 2:
        return None
    rate = float(node.attrs["rate"])
    inner = slice(int(TRIM * rate), signal.shape[-1] - int(TRIM * rate))
    signal = np.ascontiguousarray(signal[keep][..., inner])
    return Clean(
        name,
        signal,
        rate,
        position[keep],
        node.channel.values[keep],
        calm(signal, rate, stream),
        optodes,
    )


def calm_electrodes(subject: str, paths: Sequence[Path]) -> Clean | None:
    """The calm stretches of a person with one to four dry electrodes; None where they are short."""
    node = calm_pieces(paths, LEAST, MOST)
    if node is None:
        return None
    signal, rate = node.eeg.values[:FEW], float(node.attrs["rate"])
    names, place = node.channel.values[:FEW], node.position.values[:FEW]
    return Clean(subject, signal, rate, place, names, np.ones(signal.shape, bool))


def slower(recorded: CleanSignal, rate: float) -> Clean:
    """A clean fNIRS signal as a slower device would have recorded it, by an anti-alias filter."""
    clean = recorded.whole()
    ratio = Fraction(rate / clean.rate).limit_denominator(50)
    signal = resample_poly(
        clean.signal, ratio.numerator, ratio.denominator, axis=-1, padtype="line"
    )
    rate = clean.rate * float(ratio)
    return replace(clean, signal=signal, rate=rate, calm=calm(signal, rate, "nirs"))


def load_corpus(
    part: str,
    stream: str,
    simulated: int = 6,
    real: bool = True,
    own: Mapping[str, Sequence[str | Path]] | None = None,
    without: Collection[str] = (),
    own_moves: bool = False,
) -> list[Clean]:
    """Clean signals of one modality: real ones, your own, and simulated ones.

    Parameters
    ----------
    part : {"train", "validation", "test"}
        Of the split by participants.
    stream : {"eeg", "nirs"}
        The modality.
    simulated : int
        Simulated participants.
    real : bool
        Read what the data folder (NEUROFUSE_DATA) has.
    own : dict, optional
        Your files by participant; those without the modality are passed over.
    without : collection of str
        Participants that are left out.
    own_moves : bool
        Of few electrodes of yours take the calm stretches.
    """
    kinds = sources(part, stream, simulated, real, own, own_moves)
    recorded, further = ([s for s in kind if s.name not in without] for kind in kinds)
    recordings = _made(recorded)
    return recordings + _made(slowed(recordings, stream)) + _made(further)


@dataclass(frozen=True)
class Source:
    """What a clean signal is made from."""

    name: str  # of the participant
    make: Callable[[], Clean | None]  # None where fewer than two channels are usable
    state: str = ""  # changes when the source does


def sources(
    part: str,
    stream: str,
    simulated: int,
    real: bool,
    own: Mapping[str, Sequence[str | Path]] | None,
    own_moves: bool = False,
) -> tuple[list[Source], list[Source]]:
    """What `load_corpus` reads: files, which can be `slowed`, and what follows them."""
    files: dict[str, Sequence[str | Path]] = dict(subject_files(part, stream)) if real else {}
    if real and stream == "nirs":
        files |= subject_files(part, "nirs_still")
    make = _calm_from_file if own_moves and stream == "eeg" else _from_file
    makers = dict.fromkeys(files, _from_file) | dict.fromkeys(own or (), make)
    recorded = [
        Source(subject, partial(makers[subject], path, stream, subject), _size(path))
        for subject, paths in (files | dict(own or {})).items()
        for path in paths
    ]
    further = []
    if real and stream == "eeg":
        people = subject_files(part, "few_electrodes").items()
        further = [
            Source(subject, partial(calm_electrodes, subject, paths), ",".join(map(_size, paths)))
            for subject, paths in people
        ]
    first_seed = 1_000_000 * (1 + PARTS.index(part))
    for number in range(simulated):
        seed = first_seed + number
        make = partial(_simulated, stream, seed, _rates(number))
        further.append(Source(f"{SIMULATED}{seed}", make))
    return recorded, further


def slowed(recordings: Sequence[CleanSignal], stream: str) -> list[Source]:
    """Some fNIRS recordings of files once more, as slow devices would have recorded them."""
    if stream != "nirs":
        return []
    usable = [clean for clean in recordings if clean.rate > 2 * max(SLOW_RATES)]
    return [
        Source(clean.name, partial(slower, clean, SLOW_RATES[number % len(SLOW_RATES)]))
        for number, clean in enumerate(usable[::SLOWED])
    ]


def _made(found: Sequence[Source]) -> list[Clean]:
    made = (source.make() for source in found)
    return [clean for clean in made if clean is not None]


def _from_file(path: str | Path, stream: str, subject: str) -> Clean | None:
    recording = read(path)
    clean = clean_stream(recording, stream, subject) if stream in recording else None
    if clean is None:
        logger.info("%s has fewer than two usable %s channels: left out", path, stream)
    return clean


def _calm_from_file(path: str | Path, stream: str, subject: str) -> Clean | None:
    """As `_from_file`, but of few electrodes the calm stretches, where there are enough."""
    clean = _from_file(path, stream, subject)
    if clean is None or clean.shape[0] > FEW:
        return clean
    calm_only = calm_electrodes(subject, [Path(path)])
    if calm_only is None:
        logger.warning("%s holds less than %g s of calm EEG: left out", path, LEAST)
    return calm_only


def _simulated(stream: str, seed: int, rates: dict[str, Any]) -> Clean | None:
    truth, _ = simulate(180.0, seed=seed, severity=0.0, **rates)
    return clean_stream(truth, stream, f"{SIMULATED}{seed}")


def _size(path: str | Path) -> str:
    return str(Path(path).stat().st_size) if Path(path).exists() else "missing"


def _rates(number: int) -> dict[str, Any]:
    if number < USUAL_RATES:
        return {}
    return dict(zip(("eeg_rate", "nirs_rate"), OTHER_RATES[number % len(OTHER_RATES)], strict=True))
