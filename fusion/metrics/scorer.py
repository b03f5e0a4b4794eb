"""Every figure that a comparison has for one recording: prepared once, then one row a method."""

import xarray as xr

from neurofuse.fusion.metrics.errors import ErrorScorer
from neurofuse.fusion.metrics.family import Family, as_array
from neurofuse.fusion.metrics.no_reference import NoReferenceScorer
from neurofuse.fusion.metrics.preserved import PreservationScorer
from neurofuse.fusion.metrics.samples import Samples


class Scorer:
    """Scores any number of cleaned versions of one recording, with or without a truth.

    With a truth: the errors of `neurofuse.fusion.metrics.errors.score` and the preservation of
    brain signals of `neurofuse.fusion.metrics.preserved.score_preservation`. Without one: the
    no-reference metrics of `neurofuse.fusion.metrics.no_reference.score_no_reference`. Recording
    and truth are prepared when the scorer is made; a modality that a method left unchanged costs
    nothing.

    Parameters
    ----------
    recording : Recording
        The uncorrected one. Its `bad` channels are left out of all rows; nothing is marked here,
        so call `neurofuse.io.mark_bad` before if channels have not been judged.
    truth : Recording, optional
        The same recording without motion; `recording` then says where `motion` is.

    Raises
    ------
    ParameterError
        If the truth has other channels or times.
    SchemaError
        If there is a truth and `recording` does not say where motion is.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=20, seed=0, nirs_montage=None)
    >>> scorer = Scorer(contaminated, truth)
    >>> rows = [scorer.score(cleaned) for cleaned in (contaminated, truth)]
    >>> [float(row.loc["eeg", "residual"]) for row in rows]
    [1.0, 0.0]
    """

    def __init__(self, recording: xr.DataTree, truth: xr.DataTree | None = None) -> None:
        self.recording: Samples = Samples(recording)
        self.families: list[Family]
        if truth is None:
            self.families = [NoReferenceScorer(self.recording)]
        else:
            true = Samples(truth, self.recording)
            self.families = [
                ErrorScorer(true, self.recording),
                PreservationScorer(true, self.recording),
            ]

    def score(self, cleaned: xr.DataTree) -> xr.DataArray:
        """One row of a comparison.

        Parameters
        ----------
        cleaned : Recording
            Same channels (in any order) and times as the recording.

        Returns
        -------
        DataArray
            (modality, metric) with the coordinate `units` (metric); a modality that `cleaned`
            lacks has no row.

        Raises
        ------
        ParameterError
            If channels or times differ.
        """
        samples = Samples(cleaned, self.recording)
        rows: dict[str, dict[str, float]] = {modality: {} for modality in samples.modalities}
        for family in self.families:
            for modality, figures in family.rows(samples).items():
                rows[modality] |= figures
        units = {name: unit for family in self.families for name, unit in family.units.items()}
        return as_array(rows, units)
