"""Lagged copies of reference series, made block by block: hours of them would not fit in memory."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Lagged:
    """References at several lags, each of mean 0 and SD 1; constants are left out.

    Attributes
    ----------
    padded : array (reference, time + 2 * margin)
        References with zeros where nothing is known.
    margin : int
        Zeros at each end: the longest lag [samples].
    lags : list of int
        In samples; positive is later.
    mean, size : arrays (lag * reference,)
        Of each lagged row; size is its SD, 0 if it is constant.

    Examples
    --------
    >>> rows = Lagged.of(np.array([[1.0, 2, 4, 8]]), [-1, 0, 1])
    >>> rows.count, rows.block(0, 4).shape
    (3, (3, 4))
    """

    padded: np.ndarray
    margin: int
    lags: list[int]
    mean: np.ndarray
    size: np.ndarray

    @classmethod
    def of(cls, reference: np.ndarray, lags: list[int]) -> "Lagged":
        """References (reference, time) at these lags [samples]."""
        margin = max(abs(lag) for lag in lags)
        padded = np.pad(reference, ((0, 0), (margin, margin)))
        length = reference.shape[1]
        each = [padded[:, margin - lag : margin - lag + length] for lag in lags]
        mean = np.concatenate([one.mean(-1) for one in each])
        size = np.concatenate([one.std(-1) for one in each])
        return cls(padded, margin, lags, mean, size)

    @property
    def count(self) -> int:
        """How many rows."""
        return int((self.size > 0).sum())

    def block(self, start: int, stop: int) -> np.ndarray:
        """All rows (row, time) from one sample to another."""
        begins = [self.margin + start - lag for lag in self.lags]
        rows = np.concatenate([self.padded[:, b : b + stop - start] for b in begins])
        held = self.size > 0
        return (rows[held] - self.mean[held, None]) / self.size[held, None]


def blocks(length: int, width: int) -> list[tuple[int, int]]:
    """Where blocks of that many samples, the last one shorter, begin and end.

    Examples
    --------
    >>> blocks(10, 4)
    [(0, 4), (4, 8), (8, 10)]
    """
    return [(start, min(start + width, length)) for start in range(0, length, width)]
