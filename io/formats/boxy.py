"""BOXY text files of ISS Imagent → an MNE Raw of the steady (DC) light."""

from pathlib import Path
from typing import TYPE_CHECKING

from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG, quiet, reading

if TYPE_CHECKING:
    import mne

WANTED = "a whole BOXY text file of version 0.40 or 0.84"
NO_WAVELENGTH = 0  # nm, stands for the wavelengths that the format does not store


def read_boxy_raw(path: str | Path) -> "mne.io.BaseRaw":
    """The DC amplitudes of a BOXY file, read through MNE.

    The instrument modulates its light; the amplitude (AC) and phase of that are no continuous-wave
    intensity and are left out. The format has no wavelengths: each source is one laser, and its
    channels are called "S1_D1 0". Haemoglobin cannot be computed from them, the rest can.

    Raises
    ------
    ReadError
        If the file is damaged or of another version.
    """
    import mne

    with reading(path, WANTED):
        raw = mne.io.read_raw_boxy(path, preload=False)
        light = [name for name in raw.ch_names if name.endswith(" DC")]
        if not light or raw.n_times < 2:
            raise ReadError(f"{path} without samples of DC light", WANTED, "export it again")
        raw.pick(light).load_data()
    with quiet():
        raw.rename_channels({name: f"{name.removesuffix('DC')}{NO_WAVELENGTH}" for name in light})
    LOG.warning(
        "%s: DC light of %d channels read, AC and phase left out; BOXY stores no wavelengths: they "
        "are given as %d nm",
        path,
        len(light),
        NO_WAVELENGTH,
    )
    return raw
