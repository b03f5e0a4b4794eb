"""What all baseline methods share: `Classical`, a cleaner made of functions on samples.

A method is a function from samples to samples (`Treatment`); `Classical` does what is the same for
all of them. Channels without a usable signal are marked bad first. Bad channels and channels of
another type pass through unchanged and unused, as does a modality that the method does not treat.
The whole of the modalities that it treats is held in memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.references import with_references
from neurofuse.io.errors import ParameterError
from neurofuse.io.optics.conversion import to_intensity, to_optical_density
from neurofuse.io.quality.channels import mark_bad
from neurofuse.io.recording import check, note, stream_dataset, streams, with_stream


@dataclass(frozen=True)
class Treatment:
    """What a method does to one modality.

    Parameters
    ----------
    apply : callable
        It takes a node with usable channels only and the settings as keywords, and returns the
        cleaned samples (float64): `eeg` (channel, time) [V], or `od` (channel, wavelength, time)
        [1]. The sampling rate [Hz] is in the node's attrs as `rate`.
    learn : callable, optional
        It takes the same; `apply` then takes what it returned after the node.
    settings : mapping
        The names of settings and their defaults.
    choices : mapping
        For some settings, the values that are tried on validation participants.
    references : tuple of str
        What else the method may look at: "channels" (of other types, such as EOG), "aux"
        (accelerometer and the like) and "partner" (the other modality). They are in the node as
        `regressor` (regressor, time), see `neurofuse.fusion.methods.references`.
    gaps : bool
        Whether it works on samples that are not finite.

    Examples
    --------
    >>> from neurofuse.io import build, eeg_dataset
    >>> halve = Treatment(lambda node, factor: factor * node.eeg.values, settings={"factor": 0.5})
    >>> method = Classical("halve", "an example", {"eeg": halve})
    >>> noise = np.random.default_rng(0).normal(scale=1e-5, size=(2, 2500))
    >>> cleaned = method.transform(build(eeg_dataset(noise, 250.0, ["C3", "C4"])))
    >>> bool(np.allclose(cleaned["eeg"].eeg.values, noise / 2))
    True
    """

    apply: Callable[..., np.ndarray]
    learn: Callable[..., Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    gaps: bool = False


@dataclass(frozen=True)
class Classical:
    """A named baseline method, what it does to each modality, and where it comes from.

    Parameters
    ----------
    name : str
        One word, unique among methods.
    citation : str
        The paper that it implements.
    treatments : mapping
        A `Treatment` for each modality that it treats.
    needs : str
        What it cannot do without: channels, duration, packages.
    learned : mapping, optional
        By modality, what `fit` has learned.
    delay : float
        How much of the future it looks at [s]; infinite: the whole recording.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=30, seed=2)
    >>> cleaned = nf.get_method("pca").fit(contaminated).transform(contaminated)
    >>> cleaned["eeg"].eeg.shape == contaminated["eeg"].eeg.shape
    True
    """

    name: str
    citation: str
    treatments: Mapping[str, Treatment]
    needs: str = ""
    learned: Mapping[str, Any] | None = None
    delay: float = float("inf")

    @property
    def streams(self) -> tuple[str, ...]:
        """The modalities that it treats."""
        return tuple(self.treatments)

    def named(self, name: str) -> "Classical":
        """The same method under another name, to stand beside it in a comparison.

        Parameters
        ----------
        name : str
            One word, unique among methods.

        Returns
        -------
        Classical
            A copy.
        """
        return replace(self, name=name)

    def set(self, **settings: Any) -> "Classical":
        """The same method with other settings, for all modalities that know them.

        Parameters
        ----------
        **settings
            Those that differ; the others stay.

        Returns
        -------
        Classical
            A copy.

        Raises
        ------
        ParameterError
            If it does not know a setting; the message lists those that it knows.
        """
        known = {name for one in self.treatments.values() for name in one.settings}
        for name in settings:
            if name not in known:
                raise ParameterError(
                    f"the setting {name!r} for {self.name!r}",
                    f"one of {', '.join(sorted(known))}" if known else "no setting",
                    "check its name",
                )
        changed = {
            stream: replace(
                one,
                settings={k: settings.get(k, value) for k, value in one.settings.items()},
            )
            for stream, one in self.treatments.items()
        }
        return replace(self, treatments=changed)

    def fit(self, recording: xr.DataTree, /) -> "Classical":
        """Learn from a recording, say a calm one of the same participant with the same montage.

        Without `fit`, `transform` learns from what it cleans.

        Parameters
        ----------
        recording : Recording
            With a modality that the method treats.

        Returns
        -------
        Classical
            A copy that has learned, or the method itself where there is nothing to learn.

        Raises
        ------
        ParameterError
            As `transform`.
        ReadError
            If a modality has no usable channel.
        """
        checked = self._checked(recording)
        learned = {}
        for stream, one in self.treatments.items():
            if one.learn is not None and stream in streams(recording):
                node = self._usable(checked, stream)
                if node is not None:
                    learned[stream] = (
                        node.channel.values.tolist(),
                        float(node.attrs["rate"]),
                        one.learn(node, **one.settings),
                    )
        return replace(self, learned=learned) if learned else self

    def transform(self, recording: xr.DataTree, /, *, judged: bool = False) -> xr.DataTree:
        """A new Recording in which the modalities that the method treats are cleaned.

        Parameters
        ----------
        recording : Recording
            It is not changed.
        judged : bool
            Channels without a usable signal are marked bad already.

        Returns
        -------
        Recording
            Same variables, channels, times and units, with one more step in its provenance.

        Raises
        ------
        ParameterError
            If the method treats none of the modalities, needs more channels or a longer recording
            (the message says how many), or a package that is not installed.
        ReadError
            If a modality has no usable channel.
        """
        checked = self._checked(recording, judged=judged)
        cleaned, treated = checked, []
        for stream in self.treatments:
            if stream in streams(recording):
                cleaned = with_stream(cleaned, stream, self._treat(checked, stream))
                treated.append(stream)
        return note(cleaned, "clean", method=self.name, streams=treated)

    def _checked(self, recording: xr.DataTree, *, judged: bool = False) -> xr.DataTree:
        check(recording)
        if not any(s in self.treatments for s in streams(recording)):
            raise ParameterError(
                f"a Recording with {' and '.join(streams(recording))} only",
                f"{' or '.join(self.treatments)}, which {self.name!r} treats",
                "choose another method, or add the other modality",
            )
        return recording if judged else mark_bad(recording)

    def _usable(self, recording: xr.DataTree, stream: str) -> xr.Dataset | None:
        """The node with usable channels in float64, fNIRS as `od`, with references."""
        node = stream_dataset(recording, stream)
        used = usable(node)
        if not used.any():
            return None
        variable = _variable(node)
        good = node.isel(channel=used).drop_vars(["kept", "kept_channel"], errors="ignore")
        if not self.treatments[stream].gaps:
            refuse_gaps(good[variable], self.name)
        if stream == "nirs":
            part = to_optical_density(with_stream(recording, stream, good))
            good, variable = stream_dataset(part, stream), "od"
        held = np.asarray(good[variable].values, np.float64)  # in memory, also from a file
        good = good.assign({variable: good[variable].copy(data=held)})
        wanted = self.treatments[stream].references
        return with_references(recording, stream, good, wanted) if wanted else good

    def _treat(self, recording: xr.DataTree, stream: str) -> xr.Dataset:
        node, good = stream_dataset(recording, stream), self._usable(recording, stream)
        variable = _variable(node)
        out = node[variable].copy(data=np.array(node[variable].values))
        if good is not None:
            samples = self._apply(good, stream)
            if variable == "intensity":
                good = good.drop_vars("regressor", errors="ignore")
                part = good.assign(od=good.od.copy(data=samples))
                part = to_intensity(with_stream(recording, stream, part))
                samples = part[stream].intensity.values
            out[{"channel": usable(node)}] = samples
        # Haemoglobin that was computed before cleaning no longer fits.
        return node.assign({variable: out}).drop_vars(["hbo", "hbr"], errors="ignore")

    def _apply(self, node: xr.Dataset, stream: str) -> np.ndarray:
        one = self.treatments[stream]
        if one.learn is None:
            return one.apply(node, **one.settings)
        if self.learned is None or stream not in self.learned:
            return one.apply(node, one.learn(node, **one.settings), **one.settings)
        channels, rate, learned = self.learned[stream]
        own = node.channel.values.tolist(), float(node.attrs["rate"])
        if own != (channels, rate):
            raise ParameterError(
                f"/{stream} with {len(own[0])} usable channels at {own[1]:g} Hz",
                f"what {self.name!r} was fitted to: {len(channels)} channels at {rate:g} Hz, "
                "the same names in the same order",
                "fit to a recording of the same montage with the same bad channels",
            )
        return one.apply(node, learned, **one.settings)


def usable(node: xr.Dataset) -> np.ndarray:
    """Channels (channel,) that methods treat and learn from."""
    if "eeg" in node:
        return (node.ch_type.values == "eeg") & ~node.bad.values
    used = ~node.bad.values
    if "intensity" in node:  # what has no logarithm passes through, as in io.optics
        used = used & ~(node.intensity <= 0).any(["wavelength", "time"]).values
    return used


def samples(node: xr.Dataset) -> np.ndarray:
    """EEG (channel, time) [V] or optical density (channel, wavelength, time) [1]."""
    return (node.eeg if "eeg" in node else node.od).values


def refuse_gaps(data: xr.DataArray, name: str) -> None:
    """Raise ParameterError if there are samples that are not finite."""
    finite = np.isfinite(data.transpose("channel", ...).values)
    gaps = data.channel.values[~finite.reshape(len(finite), -1).all(-1)]
    if gaps.size:
        raise ParameterError(
            f"samples that are not numbers in {', '.join(map(str, gaps[:5]))}",
            f"finite samples for {name!r}",
            "set `bad` for these channels, or crop the recording",
        )


def refuse_few(node: xr.Dataset, name: str, least: int) -> None:
    """Raise ParameterError if a method needs more channels than there are."""
    kind = "EEG" if "eeg" in node else "fNIRS"
    if node.sizes["channel"] < least:
        raise ParameterError(
            f"{node.sizes['channel']} usable {kind} channel(s)",
            f"at least {least} for {name!r}",
            "choose a method that works on single channels, such as bandpass",
        )


def refuse_short(node: xr.Dataset, name: str, least: float) -> None:
    """Raise ParameterError if a method needs a longer recording [s]."""
    seconds = node.sizes["time"] / node.attrs["rate"]
    if seconds < least:
        raise ParameterError(
            f"{seconds:g} s", f"at least {least:g} s for {name!r}", "choose another method"
        )


def lacking(name: str, package: str, install: str) -> ParameterError:
    """The error of a method whose package is not installed."""
    return ParameterError(
        f"{name!r} without the package {package}", "it installed", f"pip install {install}"
    )


def _variable(node: xr.Dataset) -> str:
    return next(name for name in ("eeg", "intensity", "od") if name in node)
