"""Seams: where pieces of a recording were joined and the time between them is unknown.

MNE marks them when it concatenates Raws, EEGLAB where data were cut out, and BrainVision where a
recording was resumed. Times behind a seam count samples only, so they fit no other device's clock.
"""

import numpy as np
import xarray as xr

from neurofuse.io.clock_model import ClockModel
from neurofuse.io.errors import AlignmentError
from neurofuse.io.logs import LOG
from neurofuse.io.modality import EEG, MODALITIES, NIRS

NAMES = ("bad boundary", "edge boundary", "boundary", "new segment/", "new segment")
SAME_SEAM = 0.1  # s; seams of both modalities that are closer than this are the same


def is_seam(description: str) -> bool:
    """Whether an event is the mark of a seam.

    Examples
    --------
    >>> is_seam("EDGE boundary"), is_seam("BAD_gap")
    (True, False)
    """
    return description.strip().lower() in NAMES


def seams(recording: xr.DataTree, stream: str) -> list[float]:
    """Times [s] of seams between a stream's first and last sample, each once."""
    events, time = recording["events"].to_dataset(), recording[stream].time.values
    step = 1 / float(recording[stream].attrs["rate"])
    rows = zip(events.onset.values, events.description.values, events.stream.values, strict=True)
    found = [
        float(onset)
        for onset, description, owner in rows
        if owner in (stream, "") and is_seam(str(description))
    ]
    inside = [at for at in found if time[0] + step < at < time[-1]]
    return sorted(set(np.round(inside, 3).tolist()))


def warn_of_seams(recording: xr.DataTree, stream: str, source: object) -> None:
    """Warn that times behind a stream's seams count samples only."""
    found = seams(recording, stream)
    if found:
        LOG.warning(
            "%s was put together of pieces (%d %s, the first at %.6g s) with pauses of unknown "
            "length: times behind count samples only, and it cannot be joined with another device",
            source,
            len(found),
            "seam" if len(found) == 1 else "seams",
            found[0],
        )


def refuse_seams(eeg: xr.DataTree, nirs: xr.DataTree, clock: ClockModel) -> None:
    """Refuse to join streams when one of them holds a seam that the other lacks.

    Raises
    ------
    AlignmentError
        Names the stream and the seams.
    """
    own = {EEG.name: seams(eeg, EEG.name), NIRS.name: seams(nirs, NIRS.name)}
    common = {
        EEG.name: own[EEG.name],
        NIRS.name: [float(clock.to_common(at)) for at in own[NIRS.name]],
    }
    for stream, modality in MODALITIES.items():
        others = np.array(common[modality.other.name])
        alone = [
            at
            for at, there in zip(own[stream], common[stream], strict=True)
            if not (np.abs(others - there) <= SAME_SEAM).any()
        ]
        if alone:
            shown = ", ".join(f"{at:.6g}" for at in alone[:6])
            raise AlignmentError(
                f"{modality.display} that was put together of pieces (seams at {shown} s) with "
                "pauses of unknown length between them: what lies behind a seam has no known time",
                f"{modality.display} in one piece, or pauses that the file knows",
                "give the recording as the device wrote it, or cut it at the seam and join the "
                "pieces one by one (raw.crop in MNE)",
            )
