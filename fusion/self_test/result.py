"""What a self-test found, as figures and in words."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.plain import UNCORRECTED
from neurofuse.fusion.views.phrases import percent
from neurofuse.io.modality import MODALITIES

# dB; methods closer than that are equally good, as far as a self-test can tell: the spread of its
# differences from true errors (docs/measured/self_test.md)
TIE = {"eeg": 2.0, "nirs": 3.0}
KEPT = {"eeg": ("alpha_kept", "alpha waves"), "nirs": ("response_kept", "responses")}


@dataclass(frozen=True)
class Movements:
    """The movements of a modality in the part that was tested.

    Attributes
    ----------
    per_minute : float
        [1/min].
    size : float
        Median peak-to-peak amplitude of the worst channel, EEG [V] or optical density [1].
    moving, quiet : float
        Share of the time of usable channels.
    lost : float
        Share of the time of usable channels that measured nothing of the participant; not tested.
    together : float
        Share of the modality's time in motion at which the other one moves too; NaN for one alone.
    """

    per_minute: float
    size: float
    moving: float
    quiet: float
    lost: float
    together: float


@dataclass(frozen=True)
class SelfTest:
    """The result of `neurofuse.self_test`; `print` shows it in words.

    Attributes
    ----------
    table : Dataset
        `value` (method, modality, metric) with `units` (metric), and `failure` (method), "" where a
        method ran. `error_db` [dB] as in `neurofuse.compare`: zeros would be 0. `clean_change_db`
        [dB]: what changed in quiet stretches. `alpha_kept`, `response_kept` [1]: size of the true
        alpha waves, and of small added haemodynamic responses, in motion. What a method does not
        treat, and what could not be tested, is NaN.
    movements : dict of Movements
        By modality.
    lacking : dict of str
        Why a modality could not be tested, by modality.
    uncertainty_factor : dict of dict of float
        By method and modality: by what to multiply the `uncertainty` of `neurofuse.clean` so that
        nine in ten errors lie within 1.645 of it in this recording [1].
    seconds : float
        How much of the recording was tested [s].

    Examples
    --------
    >>> nothing = SelfTest(xr.Dataset(), {}, {"eeg": "EEG: no quiet stretch to test in"})
    >>> print(nothing)
    Self-test: nothing could be tested.
    EEG: no quiet stretch to test in.
    """

    table: xr.Dataset
    movements: dict[str, Movements] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    uncertainty_factor: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def tested(self) -> tuple[str, ...]:
        """The modalities that could be tested."""
        return tuple(stream for stream in self.movements if stream not in self.lacking)

    def figure(self, method: str, modality: str, metric: str = "error_db") -> float:
        """One figure of the table; NaN where it is not known."""
        if "value" not in self.table or method not in self.table.method.values:
            return np.nan
        if modality not in self.table.modality.values:
            return np.nan
        return float(self.table.value.loc[method, modality, metric])

    def ranking(self, modality: str) -> list[tuple[str, float]]:
        """Methods with their error [dB], the smallest first; "uncorrected" is one of them."""
        if modality not in self.tested:
            return []
        names = [str(name) for name in self.table.method.values]
        rows = [(name, self.figure(name, modality)) for name in names]
        return sorted((row for row in rows if np.isfinite(row[1])), key=lambda row: row[1])

    def best(self, modality: str) -> str:
        """The method with the smallest error; "" where nothing could be tested."""
        return next((name for name, _ in self.ranking(modality)), "")

    def recommended(self, modality: str) -> str:
        """The best method; "" where none is better than an output of zeros, or none was tested."""
        best = self.best(modality)
        return best if best and self.figure(best, modality) < 0 else ""

    def margin(self, modality: str) -> float:
        """How much larger the error of the second best method is [dB]; NaN without one."""
        rows = self.ranking(modality)
        return rows[1][1] - rows[0][1] if len(rows) > 1 else np.nan

    def sentences(self, modality: str) -> list[str]:
        """What was found in a modality, in words."""
        if modality in self.lacking:
            return [f"{self.lacking[modality]}."]
        rows = dict(self.ranking(modality))
        before = rows.pop(UNCORRECTED.name, np.nan)
        if not rows:
            return [self._found(modality), "No method ran: nothing can be recommended."]
        left = ", ".join(f"{name} leaves {error:+.1f} dB" for name, error in rows.items())
        lines = [
            self._found(modality),
            f"Error in motion: {left}; uncorrected {before:+.1f} dB, an output of zeros 0 dB.",
            f"Harm to quiet parts: {self._each(rows, modality, 'clean_change_db', '+.0f', ' dB')}.",
        ]
        metric, what = KEPT[modality]
        kept = self._each(rows, modality, metric, ".2f")
        if kept:
            lines.append(f"Of {what} in motion is kept: {kept}.")
        lines.append(self._recommended(modality))
        for method, factors in self.uncertainty_factor.items():
            if modality in factors:
                lines.append(
                    f"The stated uncertainty of {method} holds nine in ten errors here if "
                    f"multiplied by {factors[modality]:.2g}."
                )
        return lines

    def __str__(self) -> str:
        if not self.tested:
            first = "Self-test: nothing could be tested."
        else:
            first = (
                f"Self-test: the recording's own movements within {self.seconds:.0f} s, moved into "
                "its own quiet stretches and cleaned."
            )
        lines = [first]
        for modality in dict.fromkeys((*self.movements, *self.lacking)):
            own = self.sentences(modality)
            if modality not in self.lacking:
                lines.append(MODALITIES[modality].display)
                own = [f"  {line}" for line in own]
            lines += own
        lines += [f"{name} did not run: {why}" for name, why in self.failures().items()]
        return "\n".join(lines)

    def failures(self) -> dict[str, str]:
        """Methods that did not run, and why."""
        if "failure" not in self.table:
            return {}
        pairs = zip(self.table.method.values, self.table.failure.values, strict=True)
        return {str(name): str(why) for name, why in pairs if why}

    def facts(self) -> dict[str, Any]:
        """All of it as JSON takes it."""
        rows = []
        if "value" in self.table:
            for method in self.table.method.values:
                for modality in self.table.modality.values:
                    own = self.table.value.loc[method, modality]
                    known = {str(m): float(own.loc[m]) for m in own.metric.values}
                    known = {m: v for m, v in known.items() if np.isfinite(v)}
                    if known:
                        rows.append({"method": str(method), "modality": str(modality), **known})
        return {
            "seconds": round(self.seconds, 3),
            "best": {m: {"method": self.best(m), "margin_db": self.margin(m)} for m in self.tested},
            "recommended": {m: self.recommended(m) or None for m in self.tested},
            "movements": {stream: vars(one) for stream, one in self.movements.items()},
            "uncertainty_factor": self.uncertainty_factor,
            "not_tested": self.lacking,
            "failures": self.failures(),
            "rows": rows,
        }

    def _found(self, modality: str) -> str:
        one, unit = self.movements[modality], MODALITIES[modality]
        text = (
            f"{one.per_minute:.1f} movements a minute of {unit.plot_scale * one.size:.3g} "
            f"{unit.plot_unit} (median); {percent(one.moving)} of the time in motion, "
            f"{percent(one.quiet)} quiet"
        )
        if np.isfinite(one.together):
            text += f"; {unit.other.display} moves in {percent(one.together)} of the motion too"
        if one.lost > 0:
            text += f"; {percent(one.lost)} is lost and not tested"
        return f"{text}."

    def _each(
        self, rows: dict[str, float], modality: str, metric: str, form: str, unit: str = ""
    ) -> str:
        known = {name: self.figure(name, modality, metric) for name in rows}
        texts = [
            f"{name} {'none' if value == -np.inf else f'{value:{form}}{unit}'}"
            for name, value in known.items()
            if not np.isnan(value)
        ]
        return ", ".join(texts)

    def _recommended(self, modality: str) -> str:
        best, margin = self.best(modality), self.margin(modality)
        if not self.recommended(modality):
            return (
                f"Recommended: none. The smallest error, {self.figure(best, modality):+.1f} dB "
                f"({best}), is no smaller than that of zeros: leave out what is in motion."
            )
        if best == UNCORRECTED.name:
            return "Recommended: leave it uncorrected; no method lowers the error here."
        if not np.isfinite(margin):
            return f"Recommended: {best}, the only one that ran."
        if margin < TIE[modality]:
            second = self.ranking(modality)[1][0]
            return f"Recommended: {best}, by {margin:.1f} dB only: {second} may be as good."
        return f"Recommended: {best}, by {margin:.1f} dB."
