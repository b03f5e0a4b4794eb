"""Motion artifacts of EEG: slow electrode movement, cable and cap pops, muscle.

Head movement lies below 8 Hz, cable and cap artifacts are broadband with steps that recover, jaw
and neck muscle is above 13 Hz (measured gains per band: `docs/synth.md`). Every electrode responds
in its own way, which stays the same through a recording; loose ones respond several times as
strongly and pop whenever the head moves.
"""

from collections.abc import Sequence

import numpy as np
from scipy import signal

from neurofuse.synth.movement import Movement, sample_waves
from neurofuse.synth.places import reach
from neurofuse.synth.sphere import directions

HEAD_RMS = 70e-6  # V, of a typical nod in a typical electrode
CABLE_RMS = 205e-6  # V
MUSCLE_RMS = 9e-6  # V
PRESSURE_GAIN = 0.6  # contact weakens under pressure: large movements have more effect
LOOSE_FRACTION = 0.04  # of electrodes
FADE_OUT = 0.1  # s


class EegArtifact:
    """The artifact of all movements, computed for any stretch of samples.

    What is sampled depends on the seed, the movements and the channels' names only: not on the
    order of the channels, nor on the requested stretch.

    Parameters
    ----------
    movements : list of Movement
        The movements as EEG shows them.
    time : array (time,)
        Sample times [s], evenly spaced, on the movements' clock.
    names : sequence of str
        Channel names.
    position : array (channel, 3)
        Electrode positions [m]; NaN where unknown.
    seed : int
        Of the electrodes' contact and sensitivity in this recording.

    Examples
    --------
    >>> nod = Movement(onset=1.0, duration=1.5, type="nod", intensity=1.0, share=0.0, seed=7)
    >>> time = np.arange(1000) / 250
    >>> artifact = EegArtifact([nod], time, ["Cz"], np.full((1, 3), np.nan), seed=0)
    >>> volts, moving = artifact.samples(0, 1000)
    >>> bool((volts[~moving] == 0).all()), round(float(time[moving[0]].min()), 1)
    (True, 1.0)
    """

    def __init__(
        self,
        movements: list[Movement],
        time: np.ndarray,
        names: Sequence[str],
        position: np.ndarray,
        seed: int,
    ) -> None:
        self.time: np.ndarray = time
        self.rate: float = (len(time) - 1) / (time[-1] - time[0]) if len(time) > 1 else 1.0
        order = np.argsort(np.asarray(names, str), kind="stable")
        self.back: np.ndarray = np.argsort(order)  # to the order of the channels
        rng = np.random.default_rng(seed)
        self.unit: np.ndarray = directions(np.asarray(position, float)[order])
        # s: the amplifier's high-pass
        self.recovery: float = float(rng.lognormal(np.log(0.25), 0.5))
        self.contact: np.ndarray = rng.lognormal(0, 0.45, len(order))  # impedance differs
        self.loose: np.ndarray = rng.random(len(order)) < LOOSE_FRACTION
        self.contact[self.loose] *= rng.uniform(2.5, 5)
        self.axis_gain: np.ndarray = _axis_gain(self.unit, rng)
        self.pieces: list[tuple[Movement, int, int]] = [(m, *self._span(m)) for m in movements]

    def samples(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Artifact (channel, time) [V] and mask of samples `first` to `last`, exclusive.

        The artifact is exactly zero where the mask is False.
        """
        artifact = np.zeros((len(self.back), last - first))
        mask = np.zeros(artifact.shape, bool)
        for movement, start, stop in self.pieces:
            if start < last and stop > first and stop - start > 2:
                piece = self._piece(movement, self.time[start:stop])
                a, b = max(start, first), min(stop, last)
                here = piece[:, a - start : b - start]
                artifact[:, a - first : b - first] += here
                mask[:, a - first : b - first] |= here != 0
        return artifact[self.back], mask[self.back]

    def _tail(self, movement: Movement) -> float:
        """Seconds that electrodes and amplifier need to settle after the movement."""
        return min(4 * self.recovery, 3.0) if self._pops(movement) else 0.0

    def _pops(self, movement: Movement) -> bool:
        return bool(movement.kind.cable or self.loose.any())

    def _span(self, movement: Movement) -> tuple[int, int]:
        end = movement.onset + movement.duration + self._tail(movement)
        first, last = np.searchsorted(self.time, [movement.onset, end])
        return int(first), int(last)

    def _piece(self, movement: Movement, time: np.ndarray) -> np.ndarray:
        """Artifact (channel, time) of one movement, channels in the order of their names."""
        rng = movement.rng("eeg")
        size = reach(movement, self.unit, rng) * self.contact * movement.intensity
        piece = HEAD_RMS * movement.kind.head * size[:, None] * self._head(movement, time, rng)
        cable = np.where(self.loose, np.maximum(movement.kind.cable, 0.15), movement.kind.cable)
        if cable.any():
            piece += CABLE_RMS * (cable * size)[:, None] * self._cable(movement, time, rng)
        if movement.kind.muscle and self.rate >= 60:
            rms = MUSCLE_RMS * movement.kind.muscle * movement.intensity
            piece += rms * self._muscle(movement, time, rng)
        end = movement.onset + movement.duration + self._tail(movement)
        return piece * np.clip((end - time) / FADE_OUT, 0, 1)

    def _head(self, movement: Movement, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Slow artifact of unit size: rotation about three axes times each electrode's gain."""
        channels = len(self.axis_gain)
        axis = np.eye(3)[rng.integers(3)] + rng.normal(0, 0.3, 3)
        turning = movement.course(time, sample_waves(rng, movement.type, (3,)))
        own = movement.course(time, sample_waves(rng, movement.type, (channels,)))
        slow = (self.axis_gain * axis) @ turning
        slow += 0.35 * np.linalg.norm(self.axis_gain, axis=1)[:, None] * own
        # half-cell potentials follow pressure more than direction: one sign is attenuated
        slow += rng.normal(0, 0.35, (channels, 1)) * np.abs(slow)
        return PRESSURE_GAIN * slow * np.sqrt(np.abs(slow)) * movement.envelope(time)

    def _cable(self, movement: Movement, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Steps and pops that recover exponentially, with broadband noise, on some channels."""
        channels = len(self.axis_gain)
        strength = rng.lognormal(-0.1, 0.55)  # from microvolts to millivolts
        reached = (rng.random(channels) < rng.uniform(0.3, 1.0)) | self.loose
        gain = strength * rng.normal(0, 1, channels) * reached
        common = np.zeros(len(time))
        own = np.zeros((channels, len(time)))
        for _ in range(1 + rng.poisson(4.0 * movement.duration)):
            at = movement.onset + rng.uniform(0, movement.duration)
            decay = self.recovery * rng.lognormal(0, 0.3)
            pop = np.where(time >= at, np.exp(-(time - at).clip(0) / decay), 0.0)
            common += rng.normal(0, 1.4) * pop
            own += rng.normal(0, 0.6, (channels, 1)) * pop
        noise = rng.normal(0, 1, (channels + 1, len(time))) * movement.envelope(time)
        corner = min(4.5, 0.3 * self.rate)
        noise = signal.sosfilt(signal.butter(1, corner, fs=self.rate, output="sos"), noise)
        noise *= np.sqrt(self.rate / 250.0)  # a cable has a power density, not a power
        common += 2.0 * noise[0]
        own += 1.0 * noise[1:]
        return gain[:, None] * common + np.abs(gain)[:, None] * own

    def _muscle(self, movement: Movement, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Bursts above 15 Hz, strongest low and lateral on the head (temporal, neck)."""
        channels = len(self.unit)
        if movement.kind.place == "face":
            weight = reach(movement, self.unit, rng)
        else:
            side = np.abs(self.unit[:, 0]) - 0.7 * self.unit[:, 2] - 0.25
            weight = np.exp(np.clip(1.2 * np.nan_to_num(side, nan=0.3), -2, 1.2))
        weight = weight * rng.lognormal(0, 0.4, channels)
        sources = rng.normal(0, 1, (4, len(time)))
        mixing = rng.normal(0, 1, (channels, 4)) * 0.4
        noise = mixing @ sources + rng.normal(0, 0.7, (channels, len(time)))
        top = min(65.0, 0.45 * self.rate)
        band = signal.butter(2, [18.0, top], "bandpass", fs=self.rate, output="sos")
        noise = signal.sosfilt(band, noise) * np.sqrt(self.rate / 250.0)
        bursts = 0.4 + np.abs(np.sin(np.pi * rng.uniform(0.5, 4.0) * (time - movement.onset)))
        return rng.lognormal(0, 0.4) * weight[:, None] * noise * bursts * movement.envelope(time)


def _axis_gain(unit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gain (channel, 3) of each electrode for the head's three axes, partly smooth in space."""
    anywhere = rng.normal(0, 0.6, unit.shape)
    smooth = np.where(np.isfinite(unit), unit, anywhere) @ rng.normal(0, 1, (3, 3))
    return 0.7 * smooth + 0.7 * rng.normal(0, 1, unit.shape)
