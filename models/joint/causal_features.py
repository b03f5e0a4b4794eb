"""Input of the causal encoders: what `features` measures over a window, measured up to now.

The same code makes whole windows for training and single frames while a recording is made.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.causal_bands import FLOOR, BandSplitter, frame_edges
from neurofuse.models.joint.running import RunningCovariance, RunningQuantile

SMOOTHING = 0.2  # s in which a measured energy follows
TOGETHER = 0.35  # s in which the agreement of wavelengths follows
MEMORY = 60.0  # s after which samples count 1/e in covariances
SECOND = 10  # frames between two predictions from other channels


@dataclass(frozen=True)
class Frames:
    """Some frames of one modality."""

    bands: np.ndarray  # (channel[, wavelength], band, time)
    features: np.ndarray  # (frame, channel, feature)
    quiet: np.ndarray  # (frame, channel, band): energy without motion
    calm: np.ndarray  # (frame,): weight 0..1 in quiet statistics


class RunningFeatures:
    """Features of one modality, frame after frame.

    Parameters
    ----------
    modality : {"eeg", "nirs"}
    channels, wavelengths : int
        Wavelengths are 1 for EEG.
    rate : float
        [Hz].
    architecture : Architecture
    """

    def __init__(
        self,
        modality: str,
        channels: int,
        wavelengths: int,
        rate: float,
        architecture: Architecture,
    ):
        self.modality: str = modality
        self.shape: tuple[int, int] = (channels, wavelengths)
        self.rate: float = rate
        self.frame_rate: float = architecture.latent_rate
        self.excess: float = architecture.quiet.excess
        edges = architecture.bands.edges(modality)
        rows = channels * wavelengths
        self.splitter: BandSplitter = BandSplitter(rows, rate, edges)
        limits = np.minimum([0.0, *edges, rate / 2], rate / 2)
        self.freedom: np.ndarray = 2 * np.diff(limits)  # independent values a second
        step = max(1 / self.frame_rate, 1 / rate)
        self.follows: float = 1 - np.exp(-step / SMOOTHING)
        self.agrees: float = 1 - np.exp(-step / TOGETHER)
        bands = self.splitter.bands
        self.energy: np.ndarray | None = None  # (kind, row * band): of bands and of residuals
        self.quantile: RunningQuantile = RunningQuantile(architecture.quiet.quantile)
        self.usual: RunningQuantile = RunningQuantile(0.5)
        self.level: RunningQuantile = RunningQuantile(architecture.quiet.quantile)
        keeps = float(np.exp(-SECOND / self.frame_rate / MEMORY))
        self.covariance: RunningCovariance = RunningCovariance((bands, rows), keeps)
        self.precision: np.ndarray | None = None
        self.products: np.ndarray = np.zeros((3, channels))
        self.frame: int = 0

    def push(self, x: np.ndarray, frames: int, missing: np.ndarray | None = None) -> Frames:
        """The next frames from their samples.

        Parameters
        ----------
        x : array (row, time)
            All samples of these frames; EEG without drift, fNIRS the change of optical density.
        frames : int
            Their number.
        missing : array (row, time) of bool, optional
            Samples that were lost and filled.
        """
        (channels, waves), bands = self.shape, self.splitter.bands
        split = self.splitter.push(x)
        edges = frame_edges(self.frame, frames, self.rate, self.frame_rate)
        edges = np.minimum(edges - edges[0], x.shape[-1])
        features = np.zeros((frames, channels, 3 * bands + (self.modality == "nirs")))
        quiet = np.zeros((frames, channels, bands))
        calm = np.zeros(frames)
        for k, (begin, end) in enumerate(pairwise(edges)):
            part, heard = split[..., begin:end], x[:, begin:end]
            gone = np.zeros(len(x), bool)
            if missing is not None and end > begin:
                gone = np.asarray(missing[:, begin:end].any(-1))
            given = self._frame(part, heard, gone)
            features[k], quiet[k], calm[k] = given
        shaped = split if self.modality == "eeg" else split.reshape(channels, waves, bands, -1)
        return Frames(shaped, features, quiet, calm)

    def _frame(
        self, part: np.ndarray, heard: np.ndarray, gone: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Features (channel, feature), quiet energies (channel, band), and calm of one frame."""
        (channels, waves), bands = self.shape, part.shape[1]
        series = part.transpose(1, 0, 2)
        unpredicted = series if self.precision is None else self.precision @ series
        calm = 0.0
        if part.shape[-1]:
            measured = np.stack(
                [np.square(part).mean(-1), np.square(unpredicted).mean(-1).T]
            ).reshape(2, -1)
            total = np.square(heard).mean(-1)
            now = np.concatenate([measured.ravel(), total])
            if self.energy is None:
                self.energy = now
            follows = np.where(self._per_series(gone), 0.0, self.follows)
            self.energy = self.energy + follows * (now - self.energy)
            usual = self.usual.push(self.energy[-len(total) :], self.frame)
            with np.errstate(divide="ignore", invalid="ignore"):
                above = np.where(usual > 0, self.energy[-len(total) :] / usual, 0)
            local = float(above.mean())
            level = float(self.level.push(np.array([local]), self.frame)[0])
            calm = 1 / (1 + min(local / (self.excess * level + 1e-30), 1e9) ** 4)
            calm = 0.0 if gone.any() else calm
        assert self.energy is not None or not part.shape[-1]
        energies = (
            np.zeros(2 * channels * waves * bands)
            if self.energy is None
            else (self.energy[: -channels * waves])
        )
        rest = self.quantile.push(energies, self.frame)
        if part.shape[-1] and calm > 0:
            self.covariance.add(series, calm)
        if (self.frame + 1) % SECOND == 0:
            self._predict()
        self.frame += 1
        shape = 2, channels, waves, bands
        energies, rest = energies.reshape(shape), rest.reshape(shape)
        total_rest = rest.sum(-1, keepdims=True)
        floor = FLOOR * total_rest + 1e-38
        present = rest > 1e-7 * total_rest
        loud = np.log((energies + floor) / (rest + floor)) * present
        usual_part = np.log((rest[1] + 1e-30) / (rest[0] + 1e-30)).clip(-6, 0)
        parts = [0.5 * loud[0], 0.5 * loud[1], 0.5 * usual_part]
        out = np.concatenate([p.mean(1) for p in parts], -1)
        if self.modality == "nirs":
            out = np.concatenate([out, self._together(heard)[:, None]], -1)
        return out, rest[0].mean(1), calm

    def _per_series(self, gone: np.ndarray) -> np.ndarray:
        bands = self.splitter.bands
        return np.concatenate([np.repeat(gone, bands), np.repeat(gone, bands), gone])

    def _together(self, heard: np.ndarray) -> np.ndarray:
        """Correlation (channel,) of the outer wavelengths in the last moments."""
        both = heard.reshape(*self.shape, -1)
        first, last = both[:, 0], both[:, -1]
        if heard.shape[-1]:
            now = np.stack(
                [(a * b).mean(-1) for a, b in ((first, last), (first, first), (last, last))]
            )
            self.products = self.products + self.agrees * (now - self.products)
        return self.products[0] / np.sqrt(self.products[1] * self.products[2] + 1e-38)

    def _predict(self) -> None:
        """How each channel is predicted from the others, from now on."""
        total, rows = self.covariance, self.covariance.sum.shape[-1]
        if rows > 1 and total.weight > 0:
            value = total.value
            size = np.diagonal(value, axis1=-2, axis2=-1)
            known = self.freedom * total.weight / self.rate
            trust = (known / (known + 2 * rows))[:, None]
            own = (1 - trust) * size + 1e-4 * size + 1e-7 * size.mean(-1, keepdims=True) + 1e-30
            matrix = trust[..., None] * value
            matrix[:, np.arange(rows), np.arange(rows)] += own
            root = np.sqrt(np.diagonal(matrix, axis1=-2, axis2=-1))
            matrix = matrix / root[..., :, None] / root[..., None, :]
            precision = np.linalg.inv(matrix)
            precision = precision / np.diagonal(precision, axis1=-2, axis2=-1)[..., None]
            self.precision = precision * root[..., :, None] / root[..., None, :]
        total.age()
