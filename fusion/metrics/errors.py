"""Errors against a known truth: what is left of motion, and what was done to the rest.

Compare every figure with the rows beside it: an output of zeros has an `error_db` of 0 by
construction, so a method above 0 dB is worse than zeros, whatever its gain in SNR.
"""

from collections.abc import Mapping
from typing import ClassVar

import xarray as xr

from neurofuse.fusion.metrics.family import Family
from neurofuse.fusion.metrics.modality_errors import ComparedRows, EegErrors, NirsErrors
from neurofuse.fusion.metrics.samples import Samples
from neurofuse.fusion.signal.bands import NIRS_ERROR, Band
from neurofuse.io.errors import SchemaError
from neurofuse.io.modality import EEG

UNITS: Mapping[str, str] = {
    "error_db": "dB",
    "error_db_median": "dB",
    "residual": "1",
    "rrmse_time": "1",
    "rrmse_spectrum": "1",
    "correlation": "1",
    "snr_before": "dB",
    "snr_after": "dB",
    "snr_change": "dB",
    "eta": "%",
    "clean_change_db": "dB",
    "alpha_ratio_motion": "1",
    "alpha_ratio_quiet": "1",
    "error_db_unfiltered": "dB",
}


def score(
    truth: xr.DataTree,
    contaminated: xr.DataTree,
    cleaned: xr.DataTree,
    *,
    eeg_band: Band | None = None,
    nirs_band: Band | None = NIRS_ERROR,
) -> xr.Dataset:
    """Score a cleaned recording against the truth.

    Channels that are bad in `contaminated`, EEG channels of another `ch_type`, and channels with
    samples that are not finite in `truth` or `contaminated` are left out. Constants are removed
    per channel, of `cleaned` those of samples that its `verdict`, if it has one, does not call
    lost. EEG is compared as it is unless `eeg_band` is given. fNIRS is compared in optical density
    within `nirs_band`, in motion widened by 2 s.

    Parameters
    ----------
    truth, contaminated, cleaned : Recording
        Same channels (in any order) and times; `contaminated` holds `motion` (channel, time).
    eeg_band, nirs_band : pair of float, or None
        Edges [Hz] of a zero-phase band-pass applied to all three before errors are taken.

    Returns
    -------
    Dataset
        `value` (modality, metric) with the coordinate `units` (metric); a modality that one of
        the three lacks has no row. In motion, with e = cleaned − truth:

        - `error_db` [dB]: Σe² over Σtruth², all channels pooled (zeros: 0); `error_db_median`:
          its median over channels;
        - `residual` [1]: Σe² over that of the uncorrected recording (uncorrected: 1);
        - `rrmse_time`, `rrmse_spectrum` [1]: RMS(e)/RMS(truth), and the same of power spectra
          (Zhang et al. 2021, J Neural Eng 18:056057), mean over channels;
        - `correlation` [1]: Pearson's, mean over channels (NaN for a constant output);
        - `snr_before`, `snr_after`, `snr_change` [dB]: var(truth)/var(e) of the uncorrected
          recording and of the cleaned one, and the gain (Sweeney et al. 2012, IEEE Trans Inf
          Technol Biomed 16:918), medians over channels. Zeros gain as much as the recording was
          bad: look at `snr_after` too;
        - `eta` [%]: how much of the lacking correlation came back (ibid., with 1 for clean
          recordings), 100 (1 − (1 − R after)/(1 − R before)), median over channels; constants have
          R = 0;
        - `alpha_ratio_motion` [1]: power in 8-13 Hz over that of the truth, median over EEG
          channels; `alpha_ratio_quiet`: the same outside motion;
        - `error_db_unfiltered` [dB]: `error_db` of fNIRS without the band-pass.

        Outside motion: `clean_change_db` [dB], energy of cleaned − contaminated over that of
        the truth; for fNIRS of sample-to-sample changes, since a corrected shift rightly changes
        the baseline level of what follows. −inf where nothing was changed.

        Without any motion the figures in motion are NaN and the others cover all samples.

    Raises
    ------
    ParameterError
        If channels or times differ.
    SchemaError
        If `contaminated` does not say where motion is.

    Examples
    --------
    >>> import numpy as np
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> rng = np.random.default_rng(0)
    >>> brain, artifact = rng.standard_normal((2, 2, 1000)) * 1e-5
    >>> truth = build(eeg_dataset(brain, 250.0, ["C3", "C4"]))
    >>> node = eeg_dataset(brain + artifact, 250.0, ["C3", "C4"])
    >>> node["motion"] = ("channel", "time"), np.ones((2, 1000), bool)
    >>> table = score(truth, build(node), truth)
    >>> table.value.sel(modality="eeg", metric="correlation").round(6).item()
    1.0
    """
    return ErrorScorer(truth, contaminated, eeg_band=eeg_band, nirs_band=nirs_band).score(cleaned)


class ErrorScorer(Family):
    """Scores any number of cleaned versions of one recording against its truth.

    Truth and contaminated recording are prepared once; every `score` then costs the cleaned
    recording only.

    Parameters
    ----------
    truth, contaminated : Recording
        Same channels (in any order) and times; `contaminated` holds `motion` (channel, time).
    eeg_band, nirs_band : pair of float, or None
        As of `score`.

    Raises
    ------
    ParameterError
        If channels or times differ.
    SchemaError
        If `contaminated` does not say where motion is.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=20, seed=0, nirs_montage=None)
    >>> scorer = ErrorScorer(truth, contaminated)
    >>> [float(scorer.score(x).value.loc["eeg", "residual"]) for x in (contaminated, truth)]
    [1.0, 0.0]
    """

    units: ClassVar[Mapping[str, str]] = UNITS

    def __init__(
        self,
        truth: xr.DataTree | Samples,
        contaminated: xr.DataTree | Samples,
        *,
        eeg_band: Band | None = None,
        nirs_band: Band | None = NIRS_ERROR,
    ) -> None:
        super().__init__(contaminated)
        if not isinstance(truth, Samples):
            truth = Samples(truth, self.recording)
        if not any("motion" in self.recording.node(m) for m in truth.modalities):
            raise SchemaError(
                "a contaminated recording without `motion`",
                "a mask `motion` (channel, time) in /eeg or /nirs",
                "make it with neurofuse.inject or simulate, or add the mask to the node",
            )
        self._prepared: dict[str, EegErrors | NirsErrors] = {}
        for modality in truth.modalities:
            rows = ComparedRows(truth, self.recording, modality)
            if len(rows.truth) and modality == EEG.name:
                self._prepared[modality] = EegErrors(rows, eeg_band)
            elif len(rows.truth):
                self._prepared[modality] = NirsErrors(rows, nirs_band)

    def figures(self, modality: str, cleaned: Samples) -> dict[str, float]:
        prepared = self._prepared.get(modality)
        return {} if prepared is None else prepared.figures(cleaned)
