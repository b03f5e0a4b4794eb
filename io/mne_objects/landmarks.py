"""Nasion and ear points of an MNE Raw ⇄ nine numbers in a stream's attributes."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import mne

HEAD = 4  # FIFF's number of the head coordinate frame


def landmarks_of(raw: "mne.io.BaseRaw", frame: int) -> np.ndarray | None:
    """Nasion, left and right ear point [m] (nine numbers, NaN where unknown), or None.

    Parameters
    ----------
    raw : mne.io.Raw
    frame : int
        FIFF's number of the coordinate frame of the channels; landmarks of another are ignored.
    """
    from mne._fiff.constants import FIFF

    points = FIFF.FIFFV_POINT_NASION, FIFF.FIFFV_POINT_LPA, FIFF.FIFFV_POINT_RPA
    order = {int(point): row for row, point in enumerate(points)}
    marks = np.full((3, 3), np.nan)
    for point in raw.info["dig"] or []:
        cardinal = point["kind"] == FIFF.FIFFV_POINT_CARDINAL and int(point["ident"]) in order
        if cardinal and int(point["coord_frame"]) == frame:
            marks[order[int(point["ident"])]] = point["r"]
    return marks.ravel() if np.isfinite(marks).any() else None


def drop_landmarks(info: "mne.Info") -> None:
    """Remove nasion and ear points from `info`: MNE makes them up where a montage has none."""
    from mne._fiff.constants import FIFF

    points = [p for p in info["dig"] or [] if p["kind"] != FIFF.FIFFV_POINT_CARDINAL]
    with info._unlock():
        info["dig"] = points or None


def set_landmarks(info: "mne.Info", marks: np.ndarray, head: bool) -> None:
    """Put nasion and ear points into `info`; positions of channels stay as they are.

    Examples
    --------
    >>> import mne
    >>> info = mne.create_info(["S1_D1 760"], 10.0, "fnirs_cw_amplitude")
    >>> set_landmarks(info, np.r_[0, 0.1, 0, -0.08, 0, 0, 0.08, 0, 0], head=True)
    >>> len(info["dig"])
    3
    """
    import mne

    places = zip(("nasion", "lpa", "rpa"), np.reshape(marks, (3, 3)), strict=True)
    montage = mne.channels.make_dig_montage(
        **{name: place for name, place in places if np.isfinite(place).all()},
        coord_frame="head" if head else "unknown",
    )
    with info._unlock():
        info["dig"] = montage.dig
