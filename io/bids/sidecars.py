"""The small files beside a recording in BIDS: its JSON, channels and events."""

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofuse.io.mne_objects.header import numbers_in
from neurofuse.io.mne_objects.pair import names_of_channels
from neurofuse.io.modality import EEG
from neurofuse.io.recording import header, provenance, stream_dataset

if TYPE_CHECKING:
    import mne

Facts = dict[str, Any]
Table = dict[str, list[Any]]
NONE = "n/a"
TYPES = {
    "eeg": "EEG", "eog": "EOG", "ecg": "ECG", "emg": "EMG", "stim": "TRIG", "misc": "MISC",
    "resp": "RESP", "gsr": "GSR", "temperature": "TEMP", "ecog": "ECOG", "seeg": "SEEG",
    "dbs": "DBS", "fnirs_cw_amplitude": "NIRSCWAMPLITUDE", "fnirs_od": "NIRSCWOPTICALDENSITY",
}  # fmt: skip
COUNTED = {
    "EEGChannelCount": "eeg",
    "EOGChannelCount": "eog",
    "ECGChannelCount": "ecg",
    "EMGChannelCount": "emg",
    "TriggerChannelCount": "stim",
}


def stream_sidecar(recording: xr.DataTree, stream: str, raw: "mne.io.BaseRaw", task: str) -> Facts:
    """The JSON of a stream's data file: rate, counts, filters, and what neurofuse did."""
    node, types = stream_dataset(recording, stream), raw.get_channel_types()
    clock = recording["clock"].to_dataset()
    steps = provenance(recording)
    done = [
        {key: step[key] for key in ("step", "parameters", "neurofuse") if key in step}
        for step in steps
    ]
    common = {
        "Description": "movement artifacts removed by neurofuse"
        if any(step["step"] == "clean" for step in steps)
        else "as neurofuse read it",
        "TaskName": task,
        "SamplingFrequency": float(raw.info["sfreq"]),
        "PowerLineFrequency": _number(raw.info["line_freq"]),
        "SoftwareFilters": _filters(steps),
        "HardwareFilters": NONE,
        "RecordingDuration": raw.n_times / float(raw.info["sfreq"]),
        "RecordingType": "continuous",
    }
    if stream == EEG.name:
        averaged = header(node).get("custom_ref_applied")
        own: dict[str, Any] = {
            "EEGReference": "set in software before neurofuse" if averaged else NONE,
            "EEGGround": NONE,
            **{name: types.count(kind) for name, kind in COUNTED.items()},
            "MiscChannelCount": sum(kind not in COUNTED.values() for kind in types),
        }
    else:
        own = {
            "NIRSChannelCount": len(types),
            "NIRSSourceOptodeCount": len(set(node.source.values)),
            "NIRSDetectorOptodeCount": len(set(node.detector.values)),
            "ShortChannelCount": int(node.short.values.sum()) * node.sizes["wavelength"],
        }
    fit = {}
    if stream in clock.stream.values:
        model = clock.sel(stream=stream)
        fit = {name: _number(model[name].item()) for name in ("offset", "drift")}
    start = float(node.time[0])  # s, on the clock that both streams share
    return {**common, **own, "neurofuse": {"start": start, "clock": fit, "provenance": done}}


def channel_table(recording: xr.DataTree, stream: str, raw: "mne.io.BaseRaw") -> Table:
    """`channels.tsv`: what each channel of the data file is, and whether it is usable."""
    node, kinds = stream_dataset(recording, stream), raw.get_channel_types()
    count = len(raw.ch_names)
    table: Table = {"name": raw.ch_names, "type": [TYPES.get(kind, "MISC") for kind in kinds]}
    reasons = _reasons(recording, stream)
    owner = {
        name: str(channel)
        for channel, names in zip(node.channel.values, names_of_channels(node, raw), strict=True)
        for name in names
    }
    if stream == EEG.name:
        from neurofuse.io.formats.brainvision import in_volts

        table["units"] = ["uV" if in_volts(c) else NONE for c in raw.info["chs"]]
    else:
        parts = [name.rsplit(" ", 1)[0].split("_", 1) for name in raw.ch_names]
        short = dict(zip(map(str, node.channel.values), node.short.values.tolist(), strict=True))
        table["source"] = [source for source, _ in parts]
        table["detector"] = [detector for _, detector in parts]
        table["wavelength_nominal"] = [float(c["loc"][9]) for c in raw.info["chs"]]
        table["units"] = [NONE] * count
        table["short_channel"] = [
            "true" if short[owner[name]] else "false" for name in raw.ch_names
        ]
    table["sampling_frequency"] = [float(raw.info["sfreq"])] * count
    table["low_cutoff"] = [_number(raw.info["highpass"]) or NONE] * count
    table["high_cutoff"] = [_number(raw.info["lowpass"])] * count
    bad = set(raw.info["bads"])
    table["status"] = ["bad" if name in bad else "good" for name in raw.ch_names]
    table["status_description"] = [
        reasons.get(owner[name], NONE) if name in bad else NONE for name in raw.ch_names
    ]
    return table


def event_table(raw: "mne.io.BaseRaw") -> Table:
    """`events.tsv`: annotations, in seconds since the data file's first sample."""
    marks = raw.annotations
    numbers = [numbers_in(extra) for extra in getattr(marks, "extras", None) or [{}] * len(marks)]
    known = dict.fromkeys(n for facts in numbers for n in facts if n not in EVENT_COLUMNS)
    return {
        "onset": [float(onset - raw.first_time) for onset in marks.onset],
        "duration": [float(length) for length in marks.duration],
        "trial_type": [str(text) or NONE for text in marks.description],
        "channel": [",".join(names or ()) or NONE for names in marks.ch_names],
        **{name: [facts.get(name, NONE) for facts in numbers] for name in known},
    }


EVENT_COLUMNS = {
    "onset": {"Description": "start of the event", "Units": "s"},
    "duration": {"Description": "length of the event, 0 for an instant", "Units": "s"},
    "trial_type": {"Description": "what the annotation of the recording says"},
    "channel": {"Description": "channels that the event concerns; n/a: all"},
}
FURTHER_COLUMNS = {
    "amplitude": {"Description": "amplitude of the stimulus in the recording's file"},
    "state": {"Description": "Homer3's state of the trial; below 0: excluded from the analysis"},
}


def event_sidecar(table: Table) -> Facts:
    """`events.json`: what each column of `events.tsv` holds.

    Examples
    --------
    >>> event_sidecar({"onset": [1.0], "RT": [0.4]})["RT"]
    {'Description': 'number stored with the event as "RT"'}
    """
    known = EVENT_COLUMNS | FURTHER_COLUMNS
    other = 'number stored with the event as "{}"'
    return {name: known.get(name, {"Description": other.format(name)}) for name in table}


def as_tsv(table: Table) -> str:
    """A table in BIDS's form: tabs, one header line.

    Examples
    --------
    >>> as_tsv({"name": ["C3", "C4"], "x": [0.25, "n/a"]})
    'name\\tx\\nC3\\t0.25\\nC4\\tn/a\\n'
    """
    rows = zip(*table.values(), strict=True)
    lines = ["\t".join(table), *("\t".join(map(_cell, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def as_json(facts: Facts) -> str:
    """JSON text, indented."""
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def _cell(value: Any) -> str:
    text = repr(value) if isinstance(value, float) else str(value)
    return " ".join(text.split()) or NONE


def _number(value: Any) -> float | str:
    return NONE if value is None or not np.isfinite(value) else float(value)


def _filters(steps: list[dict]) -> dict | str:
    """The parameters of every cleaning, by its version."""
    cleaned = [step for step in steps if step["step"] == "clean"]
    if not cleaned:
        return NONE
    own = cleaned[-1].get("neurofuse", version("neurofuse"))
    return {f"neurofuse {own} clean": cleaned[-1]["parameters"]}


def _reasons(recording: xr.DataTree, stream: str) -> dict[str, str]:
    """Why `mark_bad` marked channels, by name."""
    reasons: dict[str, str] = {}
    for step in provenance(recording):
        if step["step"] == "mark_bad":
            reasons.update(step["parameters"].get(stream, {}))
    return reasons
