"""Errors in motion, of series whose truth and whose uncorrected samples are prepared once."""

from dataclasses import dataclass

import numpy as np

from neurofuse.fusion.signal.bands import decibel, spectrum, windows


@dataclass(frozen=True)
class Stretch:
    """What a cleaned series is compared with where it is in motion."""

    row: int
    inside: np.ndarray  # (time,): in motion
    truth: np.ndarray  # samples inside
    energy: float  # of the truth
    error_before: np.ndarray  # of the uncorrected samples inside
    correlation_before: float
    chosen: np.ndarray  # (window,): windows of spectra with any motion
    spectrum: np.ndarray  # of the truth in the chosen windows


class InMotion:
    """The figures in motion of series without constants, against a known truth.

    Parameters
    ----------
    truth, uncorrected : array (row, time)
        Any unit, constants removed.
    motion : bool array (row, time)
        Where errors count.
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
        self.rate, self.seconds = rate, seconds
        self.stretches = []
        for row in np.flatnonzero(motion.any(-1)):
            inside = motion[row]
            wanted, before = truth[row, inside], uncorrected[row, inside]
            chosen = np.any(windows(inside, rate, seconds), axis=-1)
            self.stretches.append(
                Stretch(
                    row,
                    inside,
                    wanted,
                    (wanted**2).sum(),
                    before - wanted,
                    correlation(wanted, before),
                    chosen,
                    spectrum(truth[row], rate, seconds, chosen)[1],
                )
            )

    def error_db(self, cleaned: np.ndarray) -> float:
        """Σ(cleaned − truth)² over Σtruth² [dB], all rows pooled; NaN where nothing moves."""
        if not self.stretches:
            return np.nan
        error = sum(((cleaned[s.row, s.inside] - s.truth) ** 2).sum() for s in self.stretches)
        return decibel(error, sum(s.energy for s in self.stretches))

    def spectra(self, cleaned: np.ndarray) -> list[np.ndarray]:
        """Power spectral density of each row in motion, in its windows with motion."""
        return [
            spectrum(cleaned[s.row], self.rate, self.seconds, s.chosen)[1] for s in self.stretches
        ]

    def figures(self, cleaned: np.ndarray, spectra: list[np.ndarray]) -> dict[str, float]:
        """All figures in motion of `cleaned` (row, time) and its `spectra`; none without motion."""
        if not self.stretches:
            return {}
        rows = [
            _row(stretch, cleaned[stretch.row, stretch.inside], density)
            for stretch, density in zip(self.stretches, spectra, strict=True)
        ]
        column = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        truth, error, before = (column[n].sum() for n in ("truth", "error", "before"))
        pairs = zip(column["error"], column["truth"], strict=True)
        return {
            "error_db": decibel(error, truth),
            "error_db_median": float(np.median([decibel(e, t) for e, t in pairs])),
            "residual": float(error / before) if before > 0 else np.nan,
            "rrmse_time": float(column["time"].mean()),
            "rrmse_spectrum": float(column["spectrum"].mean()),
            "correlation": float(column["correlation"].mean()),
            **{n: float(np.median(column[n])) for n in ("snr_before", "snr_after", "snr_change")},
            "eta": float(np.median(column["eta"])),
        }


def _row(stretch: Stretch, cleaned: np.ndarray, density: np.ndarray) -> dict[str, float]:
    wanted, before = stretch.truth, stretch.error_before
    error = cleaned - wanted
    similar = correlation(wanted, cleaned)
    return {
        "truth": stretch.energy,
        "error": (error**2).sum(),
        "before": (before**2).sum(),
        "time": _root_ratio(error, wanted),
        "spectrum": _root_ratio(density - stretch.spectrum, stretch.spectrum),
        "correlation": similar,
        "snr_before": -decibel(before.var(), wanted.var()),
        "snr_after": -decibel(error.var(), wanted.var()),
        "snr_change": -decibel(error.var(), before.var()),
        "eta": _regained(similar, stretch.correlation_before),
    }


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation of two series; NaN for a constant.

    Examples
    --------
    >>> round(correlation(np.array([0.0, 1.0, 2.0]), np.array([5.0, 3.0, 1.0])), 6)
    -1.0
    """
    spread = one.std() * other.std()
    return (
        float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread else np.nan
    )


def _regained(after: float, before: float) -> float:
    """Part [%] of the lacking correlation that came back; a constant correlates with nothing."""
    lacking = 1 - np.nan_to_num(before)
    return 100 * (1 - (1 - np.nan_to_num(after)) / lacking) if lacking > 0 else np.nan


def _root_ratio(error: np.ndarray, reference: np.ndarray) -> float:
    energy = (reference**2).sum()
    return float(np.sqrt((error**2).sum() / energy)) if energy > 0 else np.nan
