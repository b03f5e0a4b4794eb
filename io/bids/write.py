"""A Recording → a BIDS derivative data set, EEG and fNIRS in folders of their own."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from neurofuse.io.bids import coordinates, sidecars
from neurofuse.io.bids.dataset import SHARED, check_root, same_positions, write_shared
from neurofuse.io.errors import ParameterError
from neurofuse.io.formats.export import save_eeg, sensors_of
from neurofuse.io.formats.fitting import count_from_zero
from neurofuse.io.identity import without_identity
from neurofuse.io.mne_objects.pair import to_mne
from neurofuse.io.modality import EEG, MODALITIES, NIRS
from neurofuse.io.recording import check, streams
from neurofuse.io.snirf.write import write_snirf
from neurofuse.io.staging import Merge, holding, staged

if TYPE_CHECKING:
    import mne

ENTITY = re.compile(r"(?:^|_)(sub|ses|task|acq|run)-([A-Za-z0-9]+)(?=_|$)")
ORDER = ("sub", "ses", "task", "acq", "run")
OF_SESSION = ("sub", "ses", "acq")  # entities that positions have
DATA: dict[str, tuple[str, ...]] = {EEG.name: (".vhdr", ".vmrk", ".eeg"), NIRS.name: (".snirf",)}
POSITIONS = {EEG.name: "electrodes.tsv", NIRS.name: "optodes.tsv"}
Entities = dict[str, str]


def write_bids(
    recording: xr.DataTree,
    root: str | Path,
    *,
    subject: str | None = None,
    session: str | None = None,
    task: str | None = None,
    run: str | None = None,
    desc: str = "clean",
    source: str | Path | None = None,
    overwrite: bool = False,
) -> dict[str, Path]:
    """Write a Recording as a BIDS derivative, with sidecars that say what was done to it.

    EEG goes to `eeg/` as BrainVision, fNIRS to `nirs/` as SNIRF, each with its JSON, channels and
    events. Positions, where they are known, belong to the whole session, as BIDS has it.
    Auxiliary sensors go into the SNIRF file. Several calls may fill one data set. What
    identifies a participant is left out (`neurofuse.io.identity`).

    Parameters
    ----------
    recording : Recording
        With `/eeg`, `/nirs` or both.
    root : path
        The derivative data set, e.g. "study/derivatives/neurofuse"; created if missing.
    subject, session, task, run : str, optional
        Labels without "sub-" and so on. By default those in the name of the EEG (else fNIRS) file
        that the Recording was read from.
    desc : str
        The label that distinguishes this derivative from others.
    source : path, optional
        The data set that the recording came from, for `SourceDatasets`.
    overwrite : bool
        Replace files that exist.

    Returns
    -------
    dict of str to Path
        The data files of "eeg" and "nirs". All files or none are written.

    Raises
    ------
    ParameterError
        If subject or task are not known, or a label has characters other than letters and digits.
    WriteError
        If a file exists already, `root` is another data set, the session has other positions
        there, or it cannot be written.
    SchemaError
        If `recording` is not a Recording.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> with tempfile.TemporaryDirectory() as root:
    ...     write_bids(recording, root, subject="01", task="rest")["eeg"].name
    'sub-01_task-rest_desc-clean_eeg.vhdr'
    """
    check(recording)
    root = Path(root)
    given = {"sub": subject, "ses": session, "task": task, "run": run, "desc": desc}
    names = [recording[stream].attrs.get("file", "") for stream in streams(recording)]
    entities = find_entities(names, given)
    check_root(root)
    taken = expected_files(entities, streams(recording))
    with staged(root, taken, overwrite=overwrite, merge=merged(entities, overwrite)) as stage:
        files = save_bids(recording, stage, entities)
        write_shared(stage, root, entities["sub"], source)
    return {stream: root / file for stream, file in files.items()}


def save_bids(
    recording: xr.DataTree, root: Path, entities: Entities, sources: Sequence[str] = ()
) -> dict[str, str]:
    """Write the data files and their sidecars; returns the data files' paths below `root`.

    What identifies a participant is left out. `sources` are the BIDS URIs of what it was made of.
    """
    recording = without_identity(recording, f"sub-{entities['sub']}")
    raws = [raw for raw in to_mne(recording, copy=False) if raw is not None]
    files = {stream: file_of(entities, stream) for stream in streams(recording)}
    for (stream, file), raw in zip(files.items(), raws, strict=True):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        count_from_zero(raw)
        with holding(root / file):
            if stream == EEG.name:
                save_eeg(raw, root / file)
            else:
                write_snirf(raw, root / file, sensors_of(recording))
        for name, text in _sidecars(recording, stream, raw, entities["task"], sources).items():
            (root / file_of(entities, stream, name)).write_text(text, encoding="utf-8")
    return files


def find_entities(names: list[str], given: dict[str, str | None]) -> Entities:
    """The labels of a recording: those given, else those in the names of its files, in order.

    Raises
    ------
    ParameterError
        If there is no subject or no task, or a label has characters that BIDS does not allow.

    Examples
    --------
    >>> find_entities(["sub-01_ses-a_task-rest_run-2_eeg.edf"], {"ses": "b", "desc": "clean"})
    {'sub': '01', 'ses': 'b', 'task': 'rest', 'run': '2', 'desc': 'clean'}
    """
    labels: Entities = {}
    for name in reversed(names):
        labels.update(ENTITY.findall(Path(name).name.split(".")[0]))
    labels.update({key: str(value) for key, value in given.items() if value is not None})
    lacking = [word for key, word in (("sub", "subject"), ("task", "task")) if key not in labels]
    if lacking:
        raise ParameterError(
            f"no {' and no '.join(lacking)} for the BIDS name",
            "an input named like sub-01_task-rest_eeg.edf, or both given",
            "rename it, or call neurofuse.io.write_bids(…, subject='01', task='rest')",
        )
    for key, value in labels.items():
        digits = key == "run"
        if not re.fullmatch(r"[0-9]+" if digits else r"[A-Za-z0-9]+", value):
            raise ParameterError(
                f"the label {key}-{value}",
                "digits only" if digits else "letters and digits only",
                "choose another label",
            )
    return labels


def expected_files(entities: Entities, present: tuple[str, ...] = tuple(MODALITIES)) -> list[str]:
    """The files of one recording, below the root, that must not exist yet."""
    return [
        name
        for stream in present
        for name in (
            *(file_of(entities, stream, stream + suffix) for suffix in DATA[stream]),
            *(
                file_of(entities, stream, name)
                for name in (f"{stream}.json", "channels.tsv", "events.tsv", "events.json")
            ),
        )
    ]


def merged(entities: Entities, overwrite: bool | Collection[str]) -> dict[str, Merge]:
    """How the files that several recordings share are merged with those in the data set.

    Positions are not merged but replaced where `overwrite` is true, or names their file.
    """
    if overwrite is True:
        return dict(SHARED)
    replaced = overwrite or ()
    names = [file_of(entities, s, n) for s in DATA for n in (POSITIONS[s], "coordsystem.json")]
    return {**SHARED, **{name: same_positions for name in names if name not in replaced}}


def file_of(entities: Entities, stream: str, name: str = "") -> str:
    """The path below the root of the data file of a modality, or of its file `name`."""
    name = name or stream + DATA[stream][0]
    of_session = name in (*POSITIONS.values(), "coordsystem.json")
    keys = OF_SESSION if of_session else (*ORDER, "desc")
    labels = [f"{key}-{entities[key]}" for key in keys if entities.get(key)]
    folders = [f"{key}-{entities[key]}" for key in ("sub", "ses") if entities.get(key)]
    return "/".join([*folders, stream, "_".join([*labels, name])])


def _sidecars(
    recording: xr.DataTree, stream: str, raw: "mne.io.BaseRaw", task: str, sources: Sequence[str]
) -> dict[str, str]:
    facts = sidecars.stream_sidecar(recording, stream, raw, task)
    if sources:
        facts["Sources"] = list(sources)
    texts = {
        f"{stream}.json": sidecars.as_json(facts),
        "channels.tsv": sidecars.as_tsv(sidecars.channel_table(recording, stream, raw)),
    }
    if len(raw.annotations):
        events = sidecars.event_table(raw)
        texts["events.tsv"] = sidecars.as_tsv(events)
        texts["events.json"] = sidecars.as_json(sidecars.event_sidecar(events))
    table = (
        coordinates.electrode_table(raw) if stream == EEG.name else coordinates.optode_table(raw)
    )
    if table is not None:
        texts[POSITIONS[stream]] = sidecars.as_tsv(table)
        texts["coordsystem.json"] = sidecars.as_json(coordinates.coordinate_system(raw, stream))
    return texts
