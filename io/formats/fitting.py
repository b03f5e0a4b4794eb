"""A Raw changed to what FIF, EDF, BDF and EEGLAB can hold, or a clear WriteError."""

import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io.errors import WriteError
from neurofuse.io.logs import LOG
from neurofuse.io.mne_objects.header import number_from

if TYPE_CHECKING:
    import mne

LONGEST_LABEL = 16  # characters of an EDF channel
YEARS = range(1985, 2085)  # that EDF's two digits stand for
LONGEST_WORD = 20  # characters; EDF's patient field has 80 for all facts of a subject


def fit(raw: "mne.io.BaseRaw", suffix: str) -> "mne.io.BaseRaw":
    """Change what a file of `suffix` cannot hold; each change is logged by "neurofuse".

    FIF, EDF and BDF know ASCII channel names only: accents are dropped. All but FIF count samples
    from 0: the date becomes that of the first sample. EDF and BDF hold dates of the years
    1985-2084 only, others are left out; and they need whole records: at a rate that is not a whole
    number, the last record is filled up with the last sample and annotated BAD_ACQ_SKIP.

    Parameters
    ----------
    raw : mne.io.Raw
        Its info is changed in place.
    suffix : {".fif", ".edf", ".bdf", ".set"}

    Raises
    ------
    WriteError
        For names longer than 16 characters or rates below 1 Hz in EDF or BDF.

    Examples
    --------
    >>> import mne
    >>> info = mne.create_info(["Fp1é"], 100.0, "eeg")
    >>> raw = mne.io.RawArray(np.zeros((1, 50)), info, verbose="error")
    >>> fit(raw, ".fif").ch_names
    ['Fp1e']
    """
    if suffix != ".fif":
        count_from_zero(raw)
    if suffix in (".fif", ".edf", ".bdf") and not all(name.isascii() for name in raw.ch_names):
        names = _ascii_names(raw.ch_names)
        LOG.warning("%s holds ASCII names only, so channels are renamed: %s", suffix, names)
        raw.rename_channels(names, verbose="error")
    if suffix in (".edf", ".bdf"):
        _check_edf(raw, suffix)
        _fit_edf_header(raw, suffix)
        raw = _whole_records(raw, suffix)
    return raw


def count_from_zero(raw: "mne.io.BaseRaw") -> None:
    """Make a Raw's first sample number 0 and its date that of the first sample."""
    if not raw.first_samp:
        return
    marks, date, late = raw.annotations.copy(), raw.info["meas_date"], float(raw.first_time)
    number_from(raw, 0)
    raw.set_meas_date(date and date + timedelta(seconds=late))
    marks.onset -= late
    marks._orig_time = raw.info["meas_date"]  # onsets count from the first sample now
    raw.set_annotations(marks, emit_warning=False)


def _check_edf(raw: "mne.io.BaseRaw", suffix: str) -> None:
    long = [name for name in raw.ch_names if len(name) > LONGEST_LABEL]
    if long:
        raise WriteError(
            f"channels named {', '.join(map(repr, long))}",
            f"at most {LONGEST_LABEL} characters in {suffix}",
            "rename them (raw.rename_channels) or write .vhdr, .fif or .nc",
        )
    if raw.info["sfreq"] < 1:
        raise WriteError(
            f"a rate of {raw.info['sfreq']:g} Hz",
            f"at least one sample a second in {suffix}",
            "write .vhdr, .fif or .nc",
        )


def _fit_edf_header(raw: "mne.io.BaseRaw", suffix: str) -> None:
    date: Any = raw.info["meas_date"]
    if date is not None and date.year not in YEARS:
        LOG.warning("%s holds dates of 1985-2084: %s is left out", suffix, date.date())
        raw.set_meas_date(None)
    subject = dict(raw.info["subject_info"] or {})
    for key in ("his_id", "first_name", "middle_name", "last_name"):
        if key in subject:
            subject[key] = _word(subject[key])
    if subject.get("sex") not in (None, 0, 1, 2):
        del subject["sex"]
    raw.info["subject_info"] = subject
    device = raw.info["device_info"]
    if device is not None:
        raw.info["device_info"] = {**device, "type": _word(device.get("type", ""))}


def _whole_records(raw: "mne.io.BaseRaw", suffix: str) -> "mne.io.BaseRaw":
    """A Raw of an odd rate whose samples fill its records of floor(rate) samples."""
    rate = float(raw.info["sfreq"])
    missing = -raw.n_times % int(rate)
    if rate.is_integer() or not missing:  # MNE fills up those of whole rates itself
        return raw
    import mne

    marks, end = raw.annotations.copy(), raw.n_times / rate
    data = np.pad(raw.get_data(), ((0, 0), (0, missing)), "edge")
    longer = mne.io.RawArray(data, raw.info, copy=None, verbose="error")
    marks.append(end, missing / rate, "BAD_ACQ_SKIP")
    longer.set_annotations(marks, emit_warning=False)
    LOG.warning(
        "%s: the last %d samples repeat the one before, annotated BAD_ACQ_SKIP", suffix, missing
    )
    return longer


def _ascii_names(names: list[str]) -> dict[str, str]:
    """New names for those with other letters, all different."""
    taken = {name for name in names if name.isascii()}
    renamed: dict[str, str] = {}
    for name in names:
        if name.isascii():
            continue
        plain = new = _ascii(name)
        count = 1
        while new in taken:
            count += 1
            new = f"{plain}{count}"
        taken.add(new)
        renamed[name] = new
    return renamed


def _ascii(text: str) -> str:
    text = text.translate({0xB5: "u", 0x3BC: "u", 0xDF: "ss", 0xF8: "o", 0xD8: "O"})
    folded = unicodedata.normalize("NFKD", text)
    return "".join(c if c.isascii() else "?" for c in folded if not unicodedata.combining(c))


def _word(text: Any) -> str:
    """One word of EDF's header: printable ASCII without spaces."""
    plain = "".join(c if c.isprintable() else " " for c in _ascii(str(text)))
    return "_".join(plain.split())[:LONGEST_WORD]
