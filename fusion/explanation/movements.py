"""The list of movements with what an explanation adds to it."""

from collections.abc import Sequence
from dataclasses import replace

import xarray as xr

from neurofuse.fusion.movements import Movement
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES


def with_shares(movements: Sequence[Movement], explained: xr.Dataset) -> list[Movement]:
    """Movements with the share of the evidence that came from the partner and from the IMU.

    Parameters
    ----------
    movements : sequence of Movement
        `neurofuse.movements` of a recording.
    explained : Dataset
        `neurofuse.explain` of the same.

    Returns
    -------
    list of Movement

    Raises
    ------
    ParameterError
        If the explanation is of other movements.

    Examples
    --------
    >>> found = [Movement(1.0, 2.0, "eeg", ("C3",), 1e-4, 1e-5, "repaired")]
    >>> explained = xr.Dataset(
    ...     {"share": (("movement", "input"), [[0.7, 0.2, 0.1]]), "onset": ("movement", [1.0])},
    ...     {"input": ["eeg", "nirs", "imu"]},
    ... )
    >>> [one] = with_shares(found, explained)
    >>> one.from_partner, one.from_imu
    (0.2, 0.1)
    """
    if explained.onset.values.tolist() != [one.onset for one in movements]:
        raise ParameterError(
            f"an explanation of {explained.sizes['movement']} movements beside {len(movements)}",
            "that of the same movements",
            "explain this recording and its cleaned version",
        )
    partner = {name: modality.other.name for name, modality in MODALITIES.items()}
    share = explained.share
    return [
        replace(
            one,
            from_partner=float(share[row].sel(input=partner[one.modality])),
            from_imu=float(share[row].sel(input="imu")),
        )
        for row, one in enumerate(movements)
    ]
