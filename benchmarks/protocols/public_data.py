"""Public data sets of the field's protocols: where they come from and where their files lie.

Nothing is downloaded unless asked (`fetch`). Files are looked for in the folder given, else in
NEUROFUSE_PUBLIC/NAME, else in pooch's cache.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from neurofuse.io.errors import ReadError


@dataclass(frozen=True)
class PublicData:
    """One data set."""

    name: str
    title: str
    landing: str  # page for readers
    citation: str
    licence: str
    needed: tuple[str, ...]  # patterns of files, all of which must match
    base: str = ""  # where files can be fetched from
    sums: str = ""  # the publisher's list of SHA-256 checksums there


SETS = {
    one.name: one
    for one in (
        PublicData(
            "motion-artifact",
            "Motion Artifact Contaminated fNIRS and EEG Data",
            "https://physionet.org/content/motion-artifact/1.0.0/",
            "Sweeney et al. 2012, IEEE Trans Inf Technol Biomed 16:918, doi:10.13026/C2988P",
            "ODC-By 1.0",
            ("*.hea", "*.dat", "*.trigger"),
            "https://physionet.org/files/motion-artifact/1.0.0/",
            "SHA256SUMS.txt",
        ),
        PublicData(
            "eegdenoisenet",
            "EEGdenoiseNet",
            "https://github.com/ncclabsustech/EEGdenoiseNet",
            "Zhang et al. 2021, J Neural Eng 18:056057",
            "see the landing page",
            ("EEG_all_epochs.npy", "EOG_all_epochs.npy", "EMG_all_epochs.npy"),
        ),
        PublicData(
            "shin-2017",
            "Open access dataset for simultaneous EEG and NIRS brain-computer interfaces",
            "https://doc.ml.tu-berlin.de/hBCI/",
            "Shin et al. 2017, IEEE Trans Neural Syst Rehabil Eng 25:1735",
            "GPL-3.0",
            (
                "EEG/subject */with occular artifact/cnt.mat",
                "EEG/subject */with occular artifact/mrk.mat",
                "NIRS/subject */cnt.mat",
                "NIRS/subject */mrk.mat",
            ),
        ),
        PublicData(
            "shin-2018",
            "Simultaneous acquisition of EEG and NIRS during cognitive tasks",
            "https://doc.ml.tu-berlin.de/simultaneous_EEG_NIRS/",
            "Shin et al. 2018, Sci Data 5:180003",
            "see the landing page",
            tuple(
                f"**/VP*-{stream}/{kind}_wg.mat"
                for stream in ("EEG", "NIRS")
                for kind in ("cnt", "mrk")
            ),
        ),
    )
}


def located(name: str, folder: Path | None = None) -> Path:
    """The folder that holds a data set's files.

    Raises
    ------
    ReadError
        If it is not there or not whole; the message says where to get it and where to put it.
    """
    one = SETS[name]
    public = os.environ.get("NEUROFUSE_PUBLIC")
    place = folder or (Path(public) / name if public else cache(name))
    lacking = [p for p in one.needed if not any(place.glob(p))] if place.is_dir() else one.needed
    if lacking:
        remedy = "run with --fetch, or " if one.base else ""
        raise ReadError(
            f"{place} without {', '.join(lacking)}",
            f"the files of {one.title} ({one.citation}; licence: {one.licence})",
            f"{remedy}download them from {one.landing} and name their folder (--folder, or "
            f"NEUROFUSE_PUBLIC for the folder above one called {name})",
        )
    return place


def cache(name: str) -> Path:
    """Where `fetch` puts a data set."""
    import pooch

    return Path(pooch.os_cache("neurofuse")) / name


def fetch(name: str) -> Path:
    """Download a data set, each file checked against the publisher's checksums.

    Raises
    ------
    ReadError
        If it cannot be fetched from here: no address, no network, or other bytes than published.
    """
    import pooch

    one = SETS[name]
    if not one.base:
        raise ReadError(f"no way to fetch {name}", "a download by hand", f"see {one.landing}")
    place = cache(name)
    try:
        listed = pooch.retrieve(one.base + one.sums, known_hash=None, fname=one.sums, path=place)
        sums = {k: f"sha256:{v}" for k, v in checksums(Path(listed).read_text()).items()}
        store = pooch.create(place, one.base, registry=sums)
        for file in store.registry:
            store.fetch(file, progressbar=True)
    except (OSError, ValueError) as error:  # of requests, and pooch's for a wrong checksum
        raise ReadError(
            f"{one.base} that gave no whole copy of {name} ({error})",
            "a network and the files as published",
            f"try again (what came stays), or download them by hand from {one.landing}",
        ) from error
    return place


def checksums(text: str) -> dict[str, str]:
    """File names and SHA-256 sums of a list as `sha256sum` writes it.

    Examples
    --------
    >>> checksums("ab12  eeg_1.dat\\n")
    {'eeg_1.dat': 'ab12'}
    """
    rows = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return {name.strip().lstrip("*"): total for total, name in rows}
