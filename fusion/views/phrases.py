"""Durations, percentages and lists as they stand in a sentence."""

from collections.abc import Sequence

WRITTEN_OUT = 1e7  # larger numbers have a power of ten


def duration_text(seconds: float) -> str:
    """A duration in hours, minutes and seconds.

    Examples
    --------
    >>> duration_text(75.5), duration_text(3720)
    ('1 min 15.5 s', '1 h 2 min 0 s')
    """
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(hours or minutes)
    return " ".join([*parts, f"{tenths / 10:g} s"])


def percent(fraction: float) -> str:
    """A fraction in percent that says 100 % or 0 % only if it is that.

    Examples
    --------
    >>> percent(1), percent(0.99999), percent(0.5)
    ('100 %', '> 99.9 %', '50.0 %')
    """
    if fraction in (0, 1):
        return f"{fraction * 100:.0f} %"
    if fraction > 0.999:
        return "> 99.9 %"
    return "< 0.1 %" if fraction < 0.001 else f"{fraction * 100:.1f} %"


def listed(words: Sequence[str]) -> str:
    """Words joined as in a sentence.

    Examples
    --------
    >>> listed(["EEG", "fNIRS"])
    'EEG and fNIRS'
    """
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def significant(value: float) -> str:
    """A number with three digits, whole thousands written out; a dash where it is not known.

    Examples
    --------
    >>> significant(12.345), significant(1464.2), significant(float("nan"))
    ('12.3', '1460', '–')
    """
    if not abs(value) < float("inf"):
        return "–"
    large = 1e3 <= abs(value) < WRITTEN_OUT
    return f"{float(f'{value:.3g}'):.0f}" if large else f"{value:.3g}"
