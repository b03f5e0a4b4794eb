"""The tables that `clean` writes beside its outputs: movements, channels and confounds."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

MOVEMENTS = "desc-motion_events.tsv"
CHANNELS = "channels.tsv"
CONFOUNDS = {
    "eeg": "desc-confounds_epochs.tsv",
    "nirs": "desc-confounds_timeseries.tsv",
}


def table_names(stem: str, mark: str) -> dict[str, str]:
    """Names of the tables of outputs side by side, by kind.

    Examples
    --------
    >>> table_names("sub-01", "_desc-clean")["movements"]
    'sub-01_desc-motion_events.tsv'
    """
    channels = {f"{s}_channels": f"{stem}{mark}_{s}_{CHANNELS}" for s in CONFOUNDS}
    confounds = {f"{s}_confounds": f"{stem}_{name}" for s, name in CONFOUNDS.items()}
    return {"movements": f"{stem}_{MOVEMENTS}", **channels, **confounds}


def write_tables(
    recording: "xr.DataTree", cleaned: "xr.DataTree", folder: Path, names: dict[str, str]
) -> Counter[str]:
    """Write all tables of the modalities that there are; the number of movements in each.

    Parameters
    ----------
    recording, cleaned : Recording
        As it was, and what was made of it.
    folder : Path
        Where they go.
    names : dict of str
        By the kinds of `table_names`. With "eeg_movements" and "nirs_movements" in place of
        "movements" each modality gets a table of its own, which counts from its first sample.
    """
    from neurofuse.fusion.confounds import confounds, write_confounds
    from neurofuse.fusion.movement_files import write_channels, write_movements
    from neurofuse.fusion.movements import movements
    from neurofuse.io import stream_dataset, streams

    found = movements(recording, cleaned)
    present = streams(cleaned)
    if "movements" in names:
        write_movements(folder / names["movements"], found)
    tables = confounds(cleaned, recording=recording)
    for stream in present:
        if f"{stream}_movements" in names:
            own = [one for one in found if one.modality == stream]
            start = float(stream_dataset(cleaned, stream).time[0])
            write_movements(folder / names[f"{stream}_movements"], own, start=start)
        target = folder / names[f"{stream}_channels"]
        write_channels(target, recording, cleaned, stream, overwrite=True)
        write_confounds(folder / names[f"{stream}_confounds"], tables[stream])
    counts = Counter(one.modality for one in found)
    return Counter({stream: counts[stream] for stream in present})
