"""Everything that shapes what a model returns and is not learned; stored beside its weights.

No tensor is needed here. Fields that are absent in a file, as in those of older versions, take the
defaults; values outside their bounds are refused when the file is read.
"""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Frequency = Annotated[float, Field(gt=0, le=1000)]
Lag = Annotated[float, Field(ge=-1, le=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0.001, le=60)]


class Settings(BaseModel):
    """Values that belong together: unknown names are refused, and nothing changes later."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Bands(Settings):
    """Frequencies between the bands that a signal is split into; they ascend.

    Parameters
    ----------
    eeg : tuple of float
        Of EEG [Hz].
    nirs : tuple of float
        Of the derivative of optical density [Hz].
    """

    eeg: tuple[Frequency, ...] = Field(default=(2.0, 4.0, 8.0, 13.0, 30.0), max_length=30)
    nirs: tuple[Frequency, ...] = Field(default=(0.1, 0.5, 2.0), max_length=30)

    def edges(self, modality: str) -> tuple[float, ...]:
        """The frequencies [Hz] of one modality, "eeg" or "nirs"."""
        return self.eeg if modality == "eeg" else self.nirs

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        for edges in (self.eeg, self.nirs):
            if any(low >= high for low, high in pairwise(edges)):
                raise ValueError(f"band edges {edges} that do not ascend")
        return self


class MotionMask(Settings):
    """Probability of motion up to which the mask is 0, and from which on it is 1.

    Parameters
    ----------
    eeg, nirs : (float, float)
        Both probabilities, 0 to 1, the lower one first.
    """

    eeg: tuple[Probability, Probability] = (0.15, 0.6)
    nirs: tuple[Probability, Probability] = (0.17, 0.65)

    def limits(self, modality: str) -> tuple[float, float]:
        """Both probabilities for one modality, "eeg" or "nirs"."""
        return self.eeg if modality == "eeg" else self.nirs

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        for closed, opened in (self.eeg, self.nirs):
            if closed >= opened:
                raise ValueError(f"a motion mask that is 0 up to {closed} and 1 from {opened}")
        return self


class Quiet(Settings):
    """Which samples count as free of motion when the signal's covariance is measured.

    Parameters
    ----------
    quantile : float
        Quantile of the energy in a window that is taken for the energy without motion.
    excess : float
        A sample with so many times that energy weighs half.
    margin : float
        Time over which energy is averaged and the motion mask is widened [s].
    """

    quantile: Probability = 0.3
    excess: float = Field(default=4.0, ge=1, le=1000)
    margin: Seconds = 0.3


class Sharing(Settings):
    """How far the other modality is believed (`sharing`).

    Parameters
    ----------
    lag : float
        Shift between both modalities' movements that is looked at, to either side [s].
    none, full : float
        Correlation of both modalities' movements up to which the other one counts for nothing,
        and from which on it counts fully.
    weight : float
        Of the joint network beside the single-modality one, where the other modality counts fully.
    """

    lag: float = Field(default=0.3, ge=0, le=10)
    none: Probability = 0.05
    full: Probability = 0.3
    weight: Probability = 0.5

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        if self.none >= self.full:
            raise ValueError(f"a partner that counts from {self.none} on, fully from {self.full}")
        return self


class FewElectrodes(Settings):
    """What replaces the spatial filter where there are few electrodes (`spectral_gain`).

    Parameters
    ----------
    below : int
        Number of electrodes from which on the spatial filter works alone.
    half : float
        Number of electrodes at which the spatial filter and the gain count half each.
    window : float
        Window of the gain [s].
    excess : float
        Times the quiet energy up to which the gain leaves a frequency as it is.
    quiet, loud : float
        Times the quiet energy of a band, the lowest one apart, up to which it says nothing, and
        from which on it opens the motion mask.
    """

    below: int = Field(default=8, ge=1, le=1000)
    half: float = Field(default=4.0, ge=0, le=1000)
    window: Seconds = 0.5
    excess: float = Field(default=3.0, ge=1, le=1000)
    quiet: float = Field(default=20.0, ge=1, le=1e6)
    loud: float = Field(default=50.0, ge=1, le=1e6)

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        if self.quiet >= self.loud:
            raise ValueError(f"{self.quiet} times the quiet energy is quiet, {self.loud} is loud")
        return self


class AcrossChannels(Settings):
    """How each fNIRS channel is predicted from the others (`across_channels`).

    Parameters
    ----------
    first_window : float
        Context of the temporal filter that cleans the channels from which is predicted [s].
    slow : float
        Width of the running mean that separates slow from fast changes [s].
    window : float
        Window in which the channels in motion are taken to be the same ones [s].
    error : float
        Variance of the error of a channel in motion [variance of its signal].
    ridge : float
        Added to the diagonal of the covariance [fraction of it].
    """

    first_window: Seconds = 4.0
    slow: Seconds = 2.0
    window: Seconds = 1.0
    error: float = Field(default=0.3, ge=0, le=1000)
    ridge: float = Field(default=0.02, ge=1e-4, le=10)


class BaselineLevel(Settings):
    """How the fNIRS baseline level after a movement is estimated (`baseline_level`).

    A "usual change" is the standard deviation of the change from block to block at rest.

    Parameters
    ----------
    block : float
        Length of the blocks over which optical density is averaged [s].
    return_time : float
        Time in which a deviation from the mean falls to 1/e [s].
    drift : float
        How far the mean drifts in a block [usual changes].
    drift_with_posture : float
        The same while the blood follows a change of posture [usual changes].
    error : float
        Standard deviation of the shift in a block with motion [usual changes].
    missed : float
        Fraction of the estimated artifact's course that may be wrong as well.
    error_at_rest : float
        Variance of the error that a block at rest adds [usual changes squared]: nearly none.
    centring : float
        Weight that ties the drift to the median, since a constant could be in offset or drift.
    motion_above : float
        Motion mask above which a sample is in motion.
    """

    block: Seconds = 1.0
    return_time: float = Field(default=10.0, ge=0.1, le=1000)
    drift: float = Field(default=0.2, gt=0, le=100)
    drift_with_posture: float = Field(default=3.0, gt=0, le=100)
    error: float = Field(default=0.4, gt=0, le=100)
    missed: float = Field(default=0.1, ge=0, le=10)
    error_at_rest: float = Field(default=1e-4, gt=0, le=1)
    centring: float = Field(default=1e-6, gt=0, le=1)
    motion_above: Probability = 0.02


class ElectrodeDrift(Settings):
    """The slow drift that is subtracted from EEG before the network and kept in the result.

    Parameters
    ----------
    window : float
        Length of the running median [s].
    jump : float
        Changes in 0.1 s that exceed so many times the quiet ones count as no drift.
    calm : float
        Fraction of a window that must be calm for jumps to be replaced by a line.
    """

    window: float = Field(default=30.0, ge=1, le=3600)
    jump: float = Field(default=4.0, ge=1, le=1000)
    calm: Probability = 0.1


class Windows(Settings):
    """The overlapping windows in which a recording passes through the network.

    Parameters
    ----------
    length : float
        Of a window [s]; 60 in training.
    overlap : float
        Time that neighbours share and over which they are cross-faded [s].
    edge : float
        Time at the inner ends of a window that is not used, as it lacks context [s].
    """

    length: float = Field(default=60.0, ge=2, le=3600)
    overlap: float = Field(default=15.0, ge=0.1, le=1800)
    edge: float = Field(default=2.5, ge=0, le=60)

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if not 2 * self.edge < self.overlap < self.length:
            raise ValueError(
                f"windows of {self.length:g} s that overlap by {self.overlap:g} s with edges of "
                f"{self.edge:g} s; two edges must be shorter than the overlap, that than a window"
            )
        return self


class Architecture(Settings):
    """What it takes to build the model again and to get the same result from the same weights.

    Parameters
    ----------
    streams : tuple of {"eeg", "nirs"}
        The modalities that it treats.
    width : int
        Features of each channel and of the latent.
    latent_rate : float
        Rate of the frames at which both modalities meet [Hz].
    neighbourhood : float
        Standard deviation of the Gaussian pool over neighbouring channels [m].
    bands : Bands
        In which energies are measured and artifact fractions estimated.
    quiet : Quiet
        What counts as free of motion.
    motion_mask : MotionMask
        From the probability of motion to the mask.
    eeg_window : float
        Window of the spatial filter [s].
    eeg_lags : tuple of float
        Shifts of the channels that the spatial filter combines [s]; 0 among them.
    eeg_filter_size : int
        Channels times lags at most: with more channels the outer lags are left out.
    nirs_window : float
        Context of the temporal filter [s].
    nirs_reach : tuple of float
        Correlation length of the artifact in each fNIRS band, at which training starts [s].
    nirs_rate : float
        Rate of the temporal filter at most [Hz]; faster recordings are resampled.
    few_electrodes : FewElectrodes
        What replaces the spatial filter where there are few electrodes.
    sharing : Sharing
        How far the other modality is believed.
    across_channels : AcrossChannels
        How each fNIRS channel is predicted from the others.
    baseline_level : BaselineLevel
        How the baseline level after a movement is estimated.
    electrode_drift : ElectrodeDrift
        What is subtracted from EEG before the network.
    windows : Windows
        In which a recording is processed.
    single_width : int
        Width of the single-modality models that are part of it, 0 if there are none: where the
        other modality counts for nothing, what it returns is theirs.
    gated : bool
        False (ablation): the filter's output is subtracted everywhere.
    filtered : bool
        False (ablation): the rough artifact is subtracted without a filter.
    across : bool
        False (ablation): each fNIRS channel is filtered as if there were no other.
    witnessed : bool
        False (ablation): the decoders hear no witness of movement, neither partner nor IMU.
    causal : bool
        True: a model that cleans while a recording is made, and sees no later frame.

    Examples
    --------
    >>> Architecture(streams=("eeg",)).bands.eeg
    (2.0, 4.0, 8.0, 13.0, 30.0)
    """

    streams: tuple[Literal["eeg", "nirs"], ...] = Field(
        default=("eeg", "nirs"), min_length=1, max_length=2
    )
    width: int = Field(default=40, ge=1, le=1024)
    latent_rate: float = Field(default=10.0, ge=1, le=100)
    neighbourhood: float = Field(default=0.05, gt=0, le=1)
    bands: Bands = Bands()
    quiet: Quiet = Quiet()
    motion_mask: MotionMask = MotionMask()
    eeg_window: Seconds = 2.0
    eeg_lags: tuple[Lag, ...] = Field(
        default=(-0.032, -0.012, 0.0, 0.012, 0.032), min_length=1, max_length=99
    )
    eeg_filter_size: int = Field(default=400, ge=1, le=5000)
    nirs_window: Seconds = 12.0
    nirs_reach: tuple[Seconds, ...] = (1.0, 0.3, 0.1, 0.05)
    nirs_rate: float = Field(default=12.5, ge=0.1, le=100)
    few_electrodes: FewElectrodes = FewElectrodes()
    sharing: Sharing = Sharing()
    across_channels: AcrossChannels = AcrossChannels()
    baseline_level: BaselineLevel = BaselineLevel()
    electrode_drift: ElectrodeDrift = ElectrodeDrift()
    windows: Windows = Windows()
    single_width: int = Field(default=0, ge=0, le=1024)
    gated: bool = True
    filtered: bool = True
    across: bool = True
    witnessed: bool = True
    causal: bool = False

    def lags(self, channels: int, rate: float) -> list[int]:
        """Lags of the EEG's filter across channels: as many as `eeg_filter_size` allows.

        The time of the filter grows with the cube of its size.

        Parameters
        ----------
        channels : int
            Number of EEG channels.
        rate : float
            Of the EEG [Hz].

        Returns
        -------
        list of int
            Lags [samples], 0 among them.
        """
        lags = sorted({round(lag * rate) for lag in self.eeg_lags})
        while len(lags) > 1 and len(lags) * channels > self.eeg_filter_size:
            lags = [k for k in lags if abs(k) < max(map(abs, lags))]
        return lags

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if len(set(self.streams)) < len(self.streams):
            raise ValueError(f"streams {self.streams} with one of them twice")
        if 0.0 not in self.eeg_lags:
            raise ValueError(f"eeg_lags {self.eeg_lags} without 0.0")
        if len(self.nirs_reach) != len(self.bands.nirs) + 1:
            raise ValueError(f"nirs_reach {self.nirs_reach} without one value for each fNIRS band")
        return self
