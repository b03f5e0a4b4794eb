"""The figures by device in `docs/model_card.md`, from the files of the measured pages.

`python -m benchmarks.model_card` writes them between two comments of the card. A test compares
them, so that the card cannot fall behind the pages.
"""

import csv
from pathlib import Path

from benchmarks.common.page import Table
from benchmarks.common.paths import ROOT

CARD = ROOT / "docs" / "model_card.md"
DATA = ROOT / "docs" / "measured" / "data"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
NONE = "–"

# what a reader calls the groups and devices of the files
MOVED = {
    "EEG of two to four dry electrodes": "EEG, 2 to 4 electrodes",
    "Muse, one electrode": "Muse, 1",
    "Muse, two electrodes": "Muse, 2",
    "Muse, four electrodes": "Muse, 4",
    "two electrodes (Porr)": "Porr, 2",
    "… movements of the head": "head",
    "… cap and cable touched": "cap",
    "… jaw": "jaw",
    "… face": "face",
    "fNIRS, 5 to 10 pairs": "fNIRS",
}
RESTED = {
    "EEG, cap of 19 (eegmat)": ("eeg", "eeg_clean"),
    "Muse": ("eeg", "muse_cueing"),
    "two electrodes (Porr)": ("eeg", "porr"),
    "forehead patch (umindsleep)": ("eeg", "umindsleep"),
    "fNIRS: NIRScout, 7.8 Hz (FineMI)": ("nirs", "finemi"),
    "NIRScoutX, 3.9 Hz (dyads)": ("nirs", "nirx_dyads"),
    "NIRScoutX, 2 Hz (video)": ("nirs", "nirx_video_2hz"),
    "NIRSport2, 10 Hz (DTU)": ("nirs", "nirsport2_dtu"),
    "Homer3 finger tapping, 5 Hz": ("nirs", "homer3_fingertapping"),
    "Cortivision, 9 Hz": ("nirs", "cortivision_tapping"),
}


def moved() -> Table:
    """Real movements added to other people's recordings at rest, by device and kind."""
    rows = [row for row in _rows("transplant_groups") if row["method"] == "joint"]
    lines = []
    for name, group in MOVED.items():
        by_figure = {row["figure"]: row for row in rows if row["group"] == group}
        error = by_figure["error"]
        alpha = by_figure.get("alpha")
        lines.append(
            [
                name,
                error["people"],
                f"{_of(error, 'mean')} [{_of(error, 'low')}, {_of(error, 'high')}]",
                _of(error, "worst"),
                f"{float(alpha['mean']):.2f}" if alpha else NONE,
            ]
        )
    return Table(["real movements added", "people", "error [dB]", "worst", "alpha kept"], lines)


def rested() -> Table:
    """Recordings at rest at their own rate, by device."""
    rows = [row for row in _rows("still_devices") if row["method"] == "joint"]
    lines = []
    for name, (modality, device) in RESTED.items():
        own = [
            row
            for row in rows
            if (row["stream"], row["device"]) == (modality, device)
            and row["kind"] in ("0 µV", "native")
        ]
        people = sum(int(row["people"]) for row in own)
        lines.append(
            [
                name,
                str(people),
                f"{_mean(own, 'change'):.0f}",
                f"{_mean(own, 'worst'):.0f}",
                f"{100 * _mean(own, 'open'):.1f}",
            ]
        )
    heads = ["at rest", "people", "change [dB]", "worst tenth of channels", "mask open [%]"]
    return Table(heads, lines)


def figures() -> str:
    """Both tables as they stand in the card."""
    return f"{BEGIN}\n\n{moved().markdown()}\n\n{rested().markdown()}\n\n{END}"


def with_figures(card: str) -> str:
    """The text of a card with the figures of today."""
    before, _, rest = card.partition(BEGIN)
    return before + figures() + rest.partition(END)[2]


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _of(row: dict[str, str], column: str) -> str:
    return f"{float(row[column]):.1f}"


def _mean(rows: list[dict[str, str]], column: str) -> float:
    """Over people; a device may have several lines, of different rates."""
    weights = [int(row["people"]) for row in rows]
    values = [float(row[column]) for row in rows]
    return sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)


def main(card: Path = CARD) -> None:
    card.write_text(with_figures(card.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
