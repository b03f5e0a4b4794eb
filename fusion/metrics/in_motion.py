"""Errors in motion of many series at once; what does not depend on the cleaned ones is prepared."""

import numpy as np

from neurofuse.fusion.signal.bands import decibel, spectrum, windows


class InMotion:
    """The figures in motion of series without constants, against a known truth.

    Parameters
    ----------
    truth, uncorrected : array (row, time)
        Any unit, constants removed.
    motion : bool array (row, time)
        Where errors count; not empty. Rows without motion are left out.
    rate : float
        Sampling rate [Hz].
    seconds : float
        Length of the windows of spectra [s].
    """

    def __init__(
        self,
        truth: np.ndarray,
        uncorrected: np.ndarray,
        motion: np.ndarray,
        rate: float,
        seconds: float,
    ) -> None:
        self.rate: float = rate
        self.seconds: float = seconds
        self.motion: np.ndarray = motion
        self.rows: np.ndarray = np.flatnonzero(motion.any(-1))
        self.count: np.ndarray = motion[self.rows].sum(-1)
        self.first: np.ndarray = np.cumsum(self.count) - self.count
        # the samples in motion of all rows, one row after the other
        self.truth: np.ndarray = truth[motion]
        self.energy: np.ndarray = self._sum(self.truth**2)
        self.variance: np.ndarray = self._variance(self.truth)
        before = uncorrected[motion] - self.truth
        self.energy_before: np.ndarray = self._sum(before**2)
        self.variance_before: np.ndarray = self._variance(before)
        self.correlation_before: np.ndarray = self._correlation(uncorrected[motion])
        self.chosen: list[np.ndarray] = [
            np.any(windows(motion[r], rate, seconds), axis=-1) for r in self.rows
        ]
        self.spectra_of_truth: np.ndarray = self.spectra(truth)

    def spectra(self, cleaned: np.ndarray) -> np.ndarray:
        """Power spectral density (row in motion, frequency) in each row's windows with motion."""
        pairs = zip(self.rows, self.chosen, strict=True)
        return np.array([spectrum(cleaned[r], self.rate, self.seconds, c)[1] for r, c in pairs])

    def figures(self, cleaned: np.ndarray, spectra: np.ndarray) -> dict[str, float]:
        """All figures in motion of `cleaned` (row, time) and its `spectra`."""
        got = cleaned[self.motion]
        difference = got - self.truth
        error, variance = self._sum(difference**2), self._variance(difference)
        similar = self._correlation(got)
        off_spectrum = ((spectra - self.spectra_of_truth) ** 2).sum(-1)
        before = self.energy_before.sum()
        snr_after = -_decibels(variance, self.variance)
        return {
            "error_db": decibel(error.sum(), self.energy.sum()),
            "error_db_median": float(np.median(_decibels(error, self.energy))),
            "residual": float(error.sum() / before) if before > 0 else np.nan,
            "rrmse_time": float(_root_ratio(error, self.energy).mean()),
            "rrmse_spectrum": float(
                _root_ratio(off_spectrum, (self.spectra_of_truth**2).sum(-1)).mean()
            ),
            "correlation": float(similar.mean()),
            "snr_before": float(np.median(-_decibels(self.variance_before, self.variance))),
            "snr_after": float(np.median(snr_after)),
            "snr_change": float(np.median(-_decibels(variance, self.variance_before))),
            "eta": float(np.median(_regained(similar, self.correlation_before))),
        }

    def _sum(self, values: np.ndarray) -> np.ndarray:
        """Sum (row,) of values (sample in motion,) over each row."""
        return np.add.reduceat(values, self.first)

    def _centred(self, values: np.ndarray) -> np.ndarray:
        return values - np.repeat(self._sum(values) / self.count, self.count)

    def _variance(self, values: np.ndarray) -> np.ndarray:
        return self._sum(self._centred(values) ** 2) / self.count

    def _correlation(self, values: np.ndarray) -> np.ndarray:
        """Pearson's correlation (row,) with the truth; NaN for a constant."""
        together = self._sum(self._centred(values) * self._centred(self.truth)) / self.count
        spread = np.sqrt(self._variance(values)) * np.sqrt(self.variance)
        return _ratio(together, spread)


def _ratio(value: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """NaN where there is no reference."""
    return value / np.where(reference > 0, reference, np.nan)


def _root_ratio(energy: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return np.sqrt(_ratio(energy, reference))


def _decibels(energy: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return np.array([decibel(e, r) for e, r in zip(energy, reference, strict=True)])


def _regained(after: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Part [%] of the lacking correlation that came back; a constant correlates with nothing."""
    lacking = 1 - np.nan_to_num(before)
    return 100 * (1 - _ratio(1 - np.nan_to_num(after), lacking))
