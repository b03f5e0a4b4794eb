"""The labs and devices of the data folder, and which of them training has met."""

import json
from dataclasses import dataclass

from neurofuse.models.training.split import SPLIT

CLEAN = {"eeg": ("eeg", "few_electrodes"), "nirs": ("nirs", "nirs_still")}  # lists of split.json


@dataclass(frozen=True)
class Lab:
    """A lab's recordings with one device."""

    key: str  # in names of files
    title: str  # on pages
    stream: str  # "eeg" or "nirs"
    folder: str  # with which the names of its recordings begin
    short: bool = False  # whether its recordings at rest hold no window of training

    def people(self, part: str) -> list[str]:
        """Its participants at rest in a part of the split.

        Examples
        --------
        >>> LABS["homer3"].people("test")
        ['fnirs_clean/homer3_fingertapping/sub-02']
        """
        lists = json.loads(SPLIT.read_text())[part]
        names = [name for kind in CLEAN[self.stream] for name in lists[kind]]
        return [name for name in names if name.startswith(self.folder)]

    @property
    def part(self) -> str:
        """The part on which a model is judged: validation, or test where it has nobody there."""
        return "validation" if self.people("validation") else "test"


LABS: dict[str, Lab] = {
    lab.key: lab
    for lab in (
        Lab("eegmat", "eegmat, full caps", "eeg", "eeg_clean"),
        Lab("muse", "Muse headband", "eeg", "eeg_wearable/muse_cueing"),
        Lab("porr", "Porr, two electrodes", "eeg", "eeg_motion/porr", short=True),
        Lab("umindsleep", "UmindSleep, forehead patch", "eeg", "eeg_wearable/umindsleep"),
        Lab("finemi", "FineMI, NIRScout", "nirs", "fnirs_clean/finemi"),
        Lab("homer3", "Homer3 finger tapping", "nirs", "fnirs_clean/homer3_fingertapping"),
        Lab("dyads", "dyads, NIRScoutX", "nirs", "fnirs_devices/nirx_dyads", short=True),
        Lab("nirsport2", "NIRSport2", "nirs", "fnirs_devices/nirsport2_dtu"),
        Lab("video", "video, NIRScoutX at 2 Hz", "nirs", "fnirs_devices/nirx_video_2hz"),
        Lab("cortivision", "Cortivision", "nirs", "fnirs_clean/cortivision_tapping"),
    )
}


def met(stream: str) -> list[Lab]:
    """The labs of a modality of which training has people, so that one can be left out."""
    own = [lab for lab in LABS.values() if lab.stream == stream and not lab.short]
    return [lab for lab in own if lab.people("train")]
