"""Sources, detectors and wavelengths from the names of fNIRS channels."""

import re

import numpy as np

from neurofuse.io.errors import ReadError

CHANNEL = re.compile(r"(?P<source>\S+?)[_-](?P<detector>\S+) (?P<wavelength>\d+(\.\d+)?)")
SAME_WAVELENGTH = 15.0  # nm; lasers of one nominal wavelength differ by less


def name_parts(name: str, source: str) -> tuple[str, str, float]:
    """Source, detector and wavelength [nm] of a channel's name; `source` is for the message.

    Raises
    ------
    ReadError
        If the name does not contain them.

    Examples
    --------
    >>> name_parts("S1_D12 760", "a Raw")
    ('S1', 'D12', 760.0)
    """
    match = CHANNEL.fullmatch(name)
    if match is None:
        raise ReadError(
            f"an fNIRS channel named {name!r} in {source}",
            "names like 'S1_D1 760': source, detector, wavelength in nm",
            "rename the channels (raw.rename_channels)",
        )
    return match["source"], match["detector"], float(match["wavelength"])


def optode_numbers(names: list[str], letter: str) -> list[int]:
    """Number of each optode: the one in its name (S3, D12), or its rank where one has none.

    Examples
    --------
    >>> optode_numbers(["S3", "S1", "S3"], "S"), optode_numbers(["Tx3", "S1"], "S")
    ([3, 1, 3], [1, 2])
    """
    if all(re.fullmatch(rf"{letter}[1-9]\d*", name) for name in names):
        return [int(name[1:]) for name in names]
    unique = list(dict.fromkeys(names))
    return [unique.index(name) + 1 for name in names]


def nominal_wavelengths(own: np.ndarray, pair: list[int]) -> list[float]:
    """Whole wavelengths [nm]; those of several lasers of one nominal wavelength get their median.

    Examples
    --------
    >>> nominal_wavelengths(np.array([757.0, 843.0, 761.0, 847.0]), [0, 0, 1, 1])
    [759.0, 845.0, 759.0, 845.0]
    """
    unique = np.unique(np.round(own))
    most = max(len(set(own[np.array(pair) == p])) for p in set(pair))
    cuts = np.sort(np.argsort(np.diff(unique))[::-1][: most - 1]) + 1
    groups = np.split(unique, cuts)
    if len(unique) == most or any(np.ptp(group) > SAME_WAVELENGTH for group in groups):
        return np.round(own).tolist()
    nominal = {wave: float(np.round(np.median(group))) for group in groups for wave in group}
    return [nominal[wave] for wave in np.round(own)]
