"""Independent components that ICLabel takes for artifact, removed."""

from typing import Any

import numpy as np
import xarray as xr

from neurofuse.fusion.peers.peer import Peer, Treatment, lacking, refuse_few, refuse_short
from neurofuse.io.eeg import raw_from_eeg
from neurofuse.io.errors import ParameterError
from neurofuse.io.guard import quiet

BAND = (1.0, 100.0)  # Hz, for which ICLabel was trained
KEPT = (0, 6)  # columns of ICLabel's answer: brain, other
SHORTEST = 10.0  # s
SEED = 0


def learn(node: xr.Dataset, *, least: float) -> Any:
    """Separate the components and choose those to remove: `mne.preprocessing.ICA` and indices."""
    try:
        import picard  # noqa: F401
        from mne_icalabel.iclabel import iclabel_label_components
    except ImportError as error:
        raise lacking("iclabel", "mne-icalabel or python-picard", "neurofuse[peers]") from error
    from mne.preprocessing import ICA

    refuse_few(node, "iclabel", 4)
    refuse_short(node, "iclabel", SHORTEST)
    if not np.isfinite(node.position.values).all():
        raise ParameterError(
            "EEG channels without positions", "positions of all for 'iclabel'", "set a montage"
        )
    rate = float(node.attrs["rate"])
    with quiet():
        raw = raw_from_eeg(node)
        raw.set_eeg_reference("average", projection=False)
        raw.filter(BAND[0], BAND[1] if rate > 2.2 * BAND[1] else None)
        ica = ICA(
            node.sizes["channel"] - 1,  # the average reference takes one away
            method="picard",
            fit_params={"ortho": False, "extended": True},
            random_state=SEED,
            verbose="error",
        )
        try:
            ica.fit(raw)
            chance = iclabel_label_components(raw, ica, inplace=False)
        except (RuntimeError, ValueError, np.linalg.LinAlgError) as error:
            raise ParameterError(
                f"EEG that ICA cannot separate ({error})",
                "channels that differ from each other, for long enough",
                "mark flat or bridged channels bad, or choose another method",
            ) from error
    artifact = np.delete(chance, KEPT, axis=1).max(-1)
    return ica, np.flatnonzero(artifact >= least).tolist()


def apply(node: xr.Dataset, learned: Any, *, least: float) -> np.ndarray:
    """Remove the components that were chosen; each channel keeps its reference."""
    ica, removed = learned
    data = node.eeg.values
    if not removed:
        return data
    average = data.mean(0)
    with quiet():
        raw = raw_from_eeg(node.assign(eeg=node.eeg.copy(data=data - average)))
        return ica.apply(raw, exclude=removed).get_data() + average


ICLABEL = Peer(
    "iclabel",
    "independent components (Picard: Ablin et al. 2018, IEEE Trans Signal Process 66:4040) that "
    "ICLabel (Pion-Tonachini et al. 2019, NeuroImage 198:181) takes for artifact; mne-icalabel",
    {
        "eeg": Treatment(
            apply, learn, settings={"least": 0.7}, choices={"least": (0.3, 0.5, 0.7, 0.9)}
        )
    },
)
