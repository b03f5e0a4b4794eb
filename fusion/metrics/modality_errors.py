"""Errors of one modality against a known truth: what is compared where, prepared once."""

import numpy as np
from scipy.ndimage import binary_dilation

from neurofuse.fusion.metrics.in_motion import InMotion
from neurofuse.fusion.metrics.samples import Samples
from neurofuse.fusion.signal.bands import ALPHA, Band, bandpass, decibel, spectrum, windows
from neurofuse.io.modality import EEG
from neurofuse.io.recording import LOST

NIRS_GUARD = 2.0  # s around motion in which fNIRS errors count
EEG_WINDOW, NIRS_WINDOW = 2.0, 20.0  # s, of spectra


class ComparedRows:
    """Truth and contaminated samples of a modality as rows (row, time), and where motion is.

    Channels that are bad or of another type are left out, and rows with samples that are not
    finite. fNIRS has a row for each wavelength of a channel.
    """

    def __init__(self, truth: Samples, contaminated: Samples, modality: str) -> None:
        node = contaminated.node(modality)
        used = ~node.bad.values
        if modality == EEG.name:
            used = used & (node.ch_type.values == EEG.name)
        self.modality: str = modality
        self.rate: float = float(node.attrs["rate"])
        self.channels: np.ndarray = np.flatnonzero(used)
        pair = [self._all(samples) for samples in (truth, contaminated)]
        self.finite: np.ndarray = np.asarray(np.isfinite(pair).all((0, -1)))
        self.truth: np.ndarray = pair[0][self.finite]
        self.contaminated: np.ndarray = pair[1][self.finite]
        if "motion" in node:
            motion = node.motion.transpose("channel", "time").values[used].astype(bool)
        else:
            motion = np.zeros((self.channels.size, node.sizes["time"]), bool)
        wavelengths = node.sizes.get("wavelength", 1)
        self.motion: np.ndarray = np.repeat(motion, wavelengths, axis=0)[self.finite]

    def of(self, samples: Samples) -> np.ndarray:
        """The rows that are scored (row, time)."""
        return self._all(samples)[self.finite]

    def centred(self, samples: Samples, truth: np.ndarray) -> np.ndarray:
        """The same without the constants by which they differ from the truth (row, time).

        What a verdict calls lost came back as recorded, whatever that was: it has no say.
        """
        rows, node = self.of(samples), samples.node(self.modality)
        lost = np.zeros(1, bool)
        if "verdict" in node:
            lost = node.verdict.transpose("channel", "time").values[self.channels] == LOST
        if not lost.any():
            return _centred(rows)
        kept = ~np.repeat(lost, node.sizes.get("wavelength", 1), axis=0)[self.finite]
        kept |= ~kept.any(-1, keepdims=True)
        off = np.where(kept, rows - truth, 0).sum(-1, keepdims=True)
        return rows - off / kept.sum(-1, keepdims=True)

    def _all(self, samples: Samples) -> np.ndarray:
        array = samples.array(self.modality)
        return array[self.channels].reshape(-1, array.shape[-1])


class EegErrors:
    """What is left of motion in EEG, and what was done to the rest."""

    def __init__(self, rows: ComparedRows, band: Band | None) -> None:
        self.rows: ComparedRows = rows
        self.band: Band | None = band
        self.truth: np.ndarray = _centred(rows.truth)
        truth, contaminated = map(self._compared, (self.truth, _centred(rows.contaminated)))
        self.in_motion: InMotion | None = None
        if rows.motion.any():
            self.in_motion = InMotion(truth, contaminated, rows.motion, rows.rate, EEG_WINDOW)
        self.quiet_energy: float = _energy(rows.truth, ~rows.motion)
        with_motion = [np.any(windows(x, rows.rate, EEG_WINDOW), axis=-1) for x in rows.motion]
        self.quiet_windows: np.ndarray = ~np.array(with_motion)
        frequency = spectrum(truth[0], rows.rate, EEG_WINDOW, self.quiet_windows[0])[0]
        self.alpha: np.ndarray = (frequency >= ALPHA[0]) & (frequency <= ALPHA[1])
        self.quiet_spectra: np.ndarray = self._quiet(truth)

    def figures(self, cleaned: Samples) -> dict[str, float]:
        """All metrics of EEG; those in motion are left out where there is none."""
        rows = self.rows.of(cleaned)
        series = self._compared(self.rows.centred(cleaned, self.truth))
        change = _energy(rows - self.rows.contaminated, ~self.rows.motion)
        figures = {
            "clean_change_db": decibel(change, self.quiet_energy),
            "alpha_ratio_quiet": self._alpha_ratio(self._quiet(series), self.quiet_spectra),
        }
        if self.in_motion is not None:
            spectra = self.in_motion.spectra(series)
            figures |= self.in_motion.figures(series, spectra)
            ratio = self._alpha_ratio(spectra, self.in_motion.spectra_of_truth)
            figures["alpha_ratio_motion"] = ratio
        return figures

    def _compared(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.band is None else bandpass(rows, self.rows.rate, *self.band)

    def _quiet(self, series: np.ndarray) -> np.ndarray:
        """Spectra (row, frequency) of windows without motion; NaN without any."""
        pairs = zip(series, self.quiet_windows, strict=True)
        return np.array([spectrum(x, self.rows.rate, EEG_WINDOW, quiet)[1] for x, quiet in pairs])

    def _alpha_ratio(self, cleaned: np.ndarray, truth: np.ndarray) -> float:
        """Median over rows of the alpha power of spectra over that of the truth."""
        power, true = (spectra[:, self.alpha].sum(-1) for spectra in (cleaned, truth))
        known = true > 0  # neither silent nor NaN
        return float(np.median(power[known] / true[known])) if known.any() else np.nan


class NirsErrors:
    """What is left of motion in optical density, and what was done to the rest."""

    def __init__(self, rows: ComparedRows, band: Band | None) -> None:
        self.rows: ComparedRows = rows
        self.band: Band | None = band
        self.in_motion: InMotion | None = None
        if rows.motion.any():
            guard = np.ones((1, 2 * round(NIRS_GUARD * rows.rate) + 1), bool)
            self.near: np.ndarray = np.asarray(binary_dilation(rows.motion, structure=guard), bool)
            self.unfiltered: np.ndarray = _centred(rows.truth)
            truth = self._filtered(self.unfiltered)
            contaminated = self._filtered(_centred(rows.contaminated))
            self.in_motion = InMotion(truth, contaminated, self.near, rows.rate, NIRS_WINDOW)
        self.steps: np.ndarray = np.diff(rows.contaminated)
        self.quiet: np.ndarray = ~(rows.motion[:, 1:] | rows.motion[:, :-1])
        self.quiet_energy: float = _energy(np.diff(rows.truth), self.quiet)

    def figures(self, cleaned: Samples) -> dict[str, float]:
        """All metrics of fNIRS; those in motion are left out where there is none."""
        rows = self.rows.of(cleaned)
        change = _energy(np.diff(rows) - self.steps, self.quiet)
        figures = {"clean_change_db": decibel(change, self.quiet_energy)}
        if self.in_motion is not None:
            centred = self.rows.centred(cleaned, self.unfiltered)
            series = self._filtered(centred)
            figures |= self.in_motion.figures(series, self.in_motion.spectra(series))
            truth = self.unfiltered[self.near]
            error = centred[self.near] - truth
            figures["error_db_unfiltered"] = decibel((error**2).sum(), (truth**2).sum())
        return figures

    def _filtered(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.band is None else bandpass(rows, self.rows.rate, *self.band)


def _centred(data: np.ndarray) -> np.ndarray:
    return data - data.mean(-1, keepdims=True)


def _energy(data: np.ndarray, mask: np.ndarray) -> float:
    """Energy without constants of series (row, time) within the mask."""
    parts = (series[inside] for series, inside in zip(data, mask, strict=True))
    return float(sum(((part - part.mean()) ** 2).sum() for part in parts if part.size))
