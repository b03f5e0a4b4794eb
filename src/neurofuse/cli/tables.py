"""The tables that `clean` writes beside its outputs: movements, channels and confounds."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

MOVEMENTS, CHANNELS = "events.tsv", "channels.tsv"
EPOCH = 1.0  # s; of the table of EEG epochs
CONFOUNDS = {"eeg": "epochs.tsv", "nirs": "timeseries.tsv"}


def table_names(stem: str, mark: str) -> dict[str, str]:
    """Names of the tables of outputs side by side, by kind.

    Examples
    --------
    >>> table_names("sub-01", "_desc-clean")["movements"]
    'sub-01_desc-motion_events.tsv'
    """
    channels = {f"{s}_channels": f"{stem}{mark}_{s}_{CHANNELS}" for s in CONFOUNDS}
    confounds = {f"{s}_confounds": f"{stem}_desc-confounds_{n}" for s, n in CONFOUNDS.items()}
    return {"movements": f"{stem}_desc-motion_{MOVEMENTS}", **channels, **confounds}


def bids_table_names(entities: dict[str, str]) -> dict[str, str]:
    """The same within a BIDS data set, where each modality has a table of movements of its own."""
    from neurofuse.io.bids.write import file_of

    motion, confounds = ({**entities, "desc": desc} for desc in ("motion", "confounds"))
    made = {}
    for stream, name in CONFOUNDS.items():
        made[f"{stream}_movements"] = file_of(motion, stream, MOVEMENTS)
        made[f"{stream}_channels"] = file_of(entities, stream, CHANNELS)
        made[f"{stream}_confounds"] = file_of(confounds, stream, name)
    return made


def write_tables(
    recording: "xr.DataTree",
    cleaned: "xr.DataTree",
    folder: Path,
    names: dict[str, str],
) -> Counter[str]:
    """Write all tables of the modalities that there are; how many movements were repaired in each.

    Parameters
    ----------
    recording, cleaned : Recording
        As it was, and what was made of it.
    folder : Path
        Where they go.
    names : dict of str
        Of `table_names`, or of `bids_table_names`: onsets there count from the first sample of the
        modality.
    """
    from neurofuse.fusion.confounds import confounds, write_confounds
    from neurofuse.fusion.movement_files import write_channels, write_movements
    from neurofuse.fusion.movements import movements
    from neurofuse.io import stream_dataset, streams

    found = movements(recording, cleaned)
    present = streams(cleaned)
    if "movements" in names:
        write_movements(folder / names["movements"], found)
    length = EPOCH
    if "eeg" in present:  # a shorter EEG is one epoch
        eeg = stream_dataset(cleaned, "eeg")
        length = min(EPOCH, eeg.sizes["time"] / float(eeg.attrs["rate"]))
    tables = confounds(cleaned, recording=recording, epochs=length)
    for stream in present:
        if f"{stream}_movements" in names:
            own = [one for one in found if one.modality == stream]
            start = float(stream_dataset(cleaned, stream).time[0])
            write_movements(folder / names[f"{stream}_movements"], own, start=start)
        target = folder / names[f"{stream}_channels"]
        write_channels(target, recording, cleaned, stream, overwrite=True)
        write_confounds(folder / names[f"{stream}_confounds"], tables[stream])
    counts = Counter(one.modality for one in found if one.verdict == "repaired")
    return Counter({stream: counts[stream] for stream in present})
