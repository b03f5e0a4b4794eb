"""Independent component analysis: those that ICLabel does not classify as brain are removed."""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import (
    Classical,
    Treatment,
    lacking,
    refuse_few,
    refuse_short,
)
from neurofuse.io.errors import ParameterError
from neurofuse.io.logs import quiet
from neurofuse.io.mne_objects.eeg import raw_from_eeg

BAND = (1.0, 100.0)  # Hz, for which ICLabel was trained
BRAIN = 0  # column of ICLabel's probabilities
SHORTEST = 10.0  # s
FITTED_RATE = 250.0  # Hz; ICA needs no more to find the mixture
SEED = 0


def learn(node: xr.Dataset, *, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Unmixing (component, channel) and mixing (channel, component) of what is to be removed.

    ICA is fitted to, and ICLabel judges, 1-100 Hz on average reference. The mixing is a regression
    on the components, so that they come out of the recording in its own reference as well. Which
    are removed depends on the amplitude of the signal: ICLabel was trained on EEG in µV.

    Parameters
    ----------
    node : Dataset
        With `eeg` (channel, time) and positions.
    least : float
        Probability of brain below which a component is removed. ICLabel knows no label for
        movement, which it calls "other" or, with little confidence, brain.
    """
    try:
        import picard  # noqa: F401
        from mne_icalabel.iclabel import iclabel_label_components
    except ImportError as error:
        raise lacking("iclabel", "mne-icalabel or python-picard", "neurofuse[methods]") from error
    from mne.preprocessing import ICA

    refuse_few(node, "iclabel", 4)
    refuse_short(node, "iclabel", SHORTEST)
    if not np.isfinite(node.position.values).all():
        raise ParameterError(
            "EEG channels without positions", "positions of all for 'iclabel'", "set a montage"
        )
    rate = float(node.attrs["rate"])
    with quiet():
        raw = raw_from_eeg(node).filter(BAND[0], BAND[1] if rate > 2.2 * BAND[1] else None)
        filtered = np.asarray(raw.get_data())
        raw.set_eeg_reference("average", projection=False)
        ica = ICA(
            _rank(np.asarray(raw.get_data())),
            method="picard",
            fit_params={"ortho": False, "extended": True},
            random_state=SEED,
            verbose="error",
        )
        try:
            ica.fit(raw, decim=max(1, int(rate // FITTED_RATE)))
            chance = iclabel_label_components(raw, ica, inplace=False, backend="torch")
        except (RuntimeError, ValueError, np.linalg.LinAlgError) as error:
            raise ParameterError(
                f"EEG that ICA cannot separate ({error})",
                "channels that differ from each other, for long enough",
                "mark flat or bridged channels bad, or choose another method",
            ) from error
    components = np.asarray(ica.pca_components_)[: ica.n_components_]
    unmixing = np.asarray(ica.unmixing_matrix_) @ components / np.asarray(ica.pre_whitener_).T
    unmixing -= unmixing.mean(-1, keepdims=True)  # subtracts the average reference
    sources = unmixing @ filtered
    mixing = np.linalg.lstsq(sources.T, filtered.T, rcond=None)[0].T
    removed = chance[:, BRAIN] < least
    return unmixing[removed], mixing[:, removed]


def _rank(rows: np.ndarray) -> int:
    """Directions that rows (row, time) on average reference have: one less than rows at most."""
    return int(np.linalg.matrix_rank(np.cov(rows), rtol=1e-10, hermitian=True))


def apply(
    node: xr.Dataset, learned: tuple[np.ndarray, np.ndarray], **_settings: object
) -> np.ndarray:
    """Remove the components that were chosen from the unfiltered samples."""
    unmixing, mixing = learned
    data = node.eeg.values
    return data - mixing @ (unmixing @ (data - data.mean(-1, keepdims=True)))


ICLABEL = Classical(
    "iclabel",
    "independent components (Picard: Ablin et al. 2018, IEEE Trans Signal Process 66:4040) that "
    "ICLabel (Pion-Tonachini et al. 2019, NeuroImage 198:181) does not classify as brain; "
    "mne-icalabel",
    {
        "eeg": Treatment(
            apply,
            learn,
            settings={"least": 0.99},
            choices={"least": (0.5, 0.7, 0.9, 0.95, 0.99)},
        )
    },
    needs=f"4 EEG channels with positions, {SHORTEST:g} s, mne-icalabel, python-picard",
)
