"""Motion in fNIRS, measured as motion_statistics.md (beside this file), section 1, measured it.

    python -m benchmarks.realism.nirs    # the six real twNI recordings against the JSON

`measure` gives what one recording adds to each pool; `summarise` makes the keys of
motion_statistics.json out of many. Written anew from the text; what the text leaves open is
settled on the real recordings and said at the constants. Generated recordings played no part in the
measure; the base (`quiet`) was chosen among three with generated figures in sight.
"""

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from benchmarks.common.paths import recordings_folder
from neurofuse.io import build, nirs_dataset, read
from neurofuse.io.runs import runs
from neurofuse.synth import inject

WINDOW = 0.5  # s of the sliding peak-to-peak
HIGH, LOW = 8.0, 4.0  # robust SD above the median: detection, extent
FLOOR = 0.03  # OD
MERGE, BOUT = 1.0, 5.0  # s: gaps within an event, within a bout
BASELINE = 2.0  # s before and after an event that give its baseline levels
TRIM = 1.0  # s at either end
SHIFT = 0.5  # of the peak, from which a change of the baseline level is a shift
SPIKED = 0.15  # of the peak, from which a smaller lasting shift counts (not in the text)
SLOW = 10.0  # s from which an event is slow (not in the text)
MARGIN = 0.5  # s on either side in which courses are compared (not in the text)
CUTS = {"0p03": 0.03, "0p1": 0.1, "0p2": 0.2, "0p5": 0.5}
BANDS = {"0p01_0p1": (0.01, 0.1), "0p1_0p5": (0.1, 0.5), "0p5_2": (0.5, 2.0), "2_9p5": (2.0, 9.5)}
QUANTILES = (5, 25, 50, 75, 95, 99)
SATURATED = "S4-D7"  # left out where wavelengths are compared
QUIETEST = 6.0  # s of a quiet stretch that is worth joining
PASSES = 3  # of looking for movement in the joined stretches
LENGTH = 480.0  # s of a generated recording
FRESH = 160_000  # seeds from here on were used for no setting
MOTION = r"fnirs_(?!clean|head|fiber|detector)"  # keys that are measured here
TWNI = "fnirs_motion/homer3_twni"
STATISTICS = Path(__file__).with_name("motion_statistics.json")  # targets

Values = dict[str, np.ndarray]


@dataclass
class Event:
    """A movement in one channel: samples start to stop, and what was measured there."""

    channel: int
    start: int
    stop: int
    peak: np.ndarray  # (wavelength,), with its sign
    strong: int = 0  # wavelength of the larger peak
    shift: float = 0.0
    ratio: float = 0.0  # |shift| / |peak|
    rise: float = 0.0  # s
    recovery: float = np.nan  # s
    kind: str = ""

    @property
    def size(self) -> float:
        return float(np.abs(self.peak[self.strong]))


def density(recording: xr.DataTree | xr.Dataset) -> xr.DataArray:
    """OD (channel, wavelength, time) about the median at the native rate, usable channels only."""
    node = recording["nirs"].to_dataset() if isinstance(recording, xr.DataTree) else recording
    if "od" in node:
        results = node.od.transpose("channel", "wavelength", "time")
        values, usable = results.values.copy(), ~node.bad.values
    else:
        results = node.intensity.transpose("channel", "wavelength", "time")
        raw = results.values
        top = raw.max(axis=-1, keepdims=True)
        clipped = (raw >= top).mean(axis=-1) > 0.01
        usable = ((raw <= 0).mean(axis=-1) <= 0.01).all(axis=1) & ~clipped.any(axis=1)
        lowest = np.where(raw > 0, raw, np.inf).min(axis=-1, keepdims=True)
        values = -np.log(np.maximum(raw, np.where(np.isfinite(lowest), lowest, 1.0)))
    noise = 1.4826 * np.median(np.abs(np.diff(values, axis=-1)), axis=-1) / np.sqrt(2)
    usable &= (noise < FLOOR).all(axis=1)
    edge = int(TRIM * node.attrs["rate"])
    values -= np.median(values, axis=-1, keepdims=True)
    results = results.copy(data=values)[usable, :, edge:-edge]
    return results.assign_attrs(rate=float(node.attrs["rate"]))


def merged(spans: list[tuple[int, int]], gap: float) -> list[tuple[int, int]]:
    """Spans with gaps below `gap` samples joined."""
    joined: list[list[int]] = []
    for start, stop in sorted(spans):
        if joined and start - joined[-1][1] < gap:
            joined[-1][1] = max(joined[-1][1], stop)
        else:
            joined.append([int(start), int(stop)])
    return [(a, b) for a, b in joined]


def spans_of(course: np.ndarray, rate: float) -> list[tuple[int, int]]:
    """Where one course (time,) moves: detection at HIGH, extent at LOW, window width removed."""
    width = max(round(WINDOW * rate), 2)
    wide = maximum_filter1d(course, width) - minimum_filter1d(course, width)
    middle = np.median(wide)
    spread = 1.4826 * np.median(np.abs(wide - middle))
    results = wide > max(middle + HIGH * spread, FLOOR)
    spans = []
    for start, stop in runs(wide > middle + LOW * spread):
        if results[start:stop].any():
            # a window of `width` samples sees a step from width - 1 places
            start, stop = start + width // 2 - 1, stop - (width - 1) // 2
            centre = (start + stop) // 2
            spans.append((max(min(start, centre - 1), 0), max(stop, centre + 1)))
    return spans


def detect(od: xr.DataArray) -> list[Event]:
    """Events of every channel, in order of channel and time."""
    rate, events = od.attrs["rate"], []
    for channel, courses in enumerate(od.values):
        spans = merged([s for c in courses for s in spans_of(c, rate)], MERGE * rate)
        still = np.ones(courses.shape[1], bool)
        for start, stop in spans:
            still[max(start - int(BASELINE * rate), 0) : stop + int(BASELINE * rate)] = False
        usual = baseline_change(courses, still, rate)
        for number, (start, stop) in enumerate(spans):
            before = spans[number - 1][1] if number else 0
            after = spans[number + 1][0] if number + 1 < len(spans) else courses.shape[1]
            events.append(describe(channel, courses, (start, stop), (before, after), usual, rate))
    return events


def baseline_change(courses: np.ndarray, still: np.ndarray, rate: float) -> np.ndarray:
    """SD (wavelength,) of the change between BASELINE means, BASELINE apart, where it is still.

    The distance is not in the text; with it the four kinds are as frequent as in the JSON.
    """
    count = int(BASELINE * rate)
    total = np.cumsum(np.pad(courses, ((0, 0), (1, 0))), axis=1)
    mean = (total[:, count:] - total[:, :-count]) / count
    change = mean[:, 2 * count :] - mean[:, : -2 * count]
    here = still[count : count + change.shape[1]]
    return change[:, here].std(axis=1) if here.any() else np.zeros(len(courses))


def describe(channel, courses, span, room, usual, rate) -> Event:
    """Peak, baseline levels, rise, recovery and kind of one event."""
    (start, stop), (before, after) = span, room
    count = int(BASELINE * rate)
    first, last = max(start - count, before, 0), min(stop + count, after)
    if first >= start:
        first = max(start - 1, 0)
    if last <= stop:
        last = min(stop + 1, courses.shape[1])
    pre = np.median(courses[:, first : max(start, first + 1)], axis=1)
    post = np.median(courses[:, min(stop, last - 1) : last], axis=1)
    inside = courses[:, start:stop] - pre[:, None]
    at = np.argmax(np.abs(inside), axis=1)
    peak = inside[np.arange(len(inside)), at]
    strong = int(np.argmax(np.abs(peak)))
    size, shift = abs(peak[strong]), float((post - pre)[strong])
    event = Event(channel, start, stop, peak, strong, shift, abs(shift) / max(size, 1e-12))
    top = start + int(at[strong])
    climb = (courses[strong, first : top + 1] - pre[strong]) * np.sign(peak[strong]) / size
    event.rise = rise_time(climb) / rate
    rest = np.abs(courses[strong, top:last] - post[strong])
    below = np.flatnonzero(rest < size / np.e)
    event.recovery = below[0] / rate if len(below) else np.nan
    lasting = abs(shift) > 3 * usual[strong]
    event.kind = "spike"
    if lasting and event.ratio >= SPIKED:
        event.kind = "shift" if event.ratio >= SHIFT else "spike_with_shift"
    if (stop - start) / rate > SLOW:
        event.kind = "slow"
    return event


def rise_time(climb: np.ndarray) -> float:
    """Samples from the last 10 % crossing to the first 90 % crossing after it, interpolated."""
    high = int(np.argmax(climb >= 0.9))
    low = np.flatnonzero(climb[: high + 1] < 0.1)
    low = int(low[-1]) if len(low) else 0

    def crossing(index: int, value: float) -> float:
        a, b = climb[index], climb[min(index + 1, len(climb) - 1)]
        return index + (np.clip((value - a) / (b - a), 0, 1) if b > a else 0.0)

    return crossing(max(high - 1, 0), 0.9) - crossing(low, 0.1)


def measure(recording: xr.DataTree | xr.Dataset) -> Values:
    """What one fNIRS recording adds to the pool of each quantity.

    Parameters
    ----------
    recording : Recording or its nirs node
        Intensity or OD at the native rate, two wavelengths in rising order.

    Returns
    -------
    dict of arrays
        By key of motion_statistics.json without its `_qNN`. Bool: its mean is the quantity; two
        columns: the quantity is the ratio of the sums; else the quantity is quantiles or a median.
    """
    od = density(recording)
    rate, minutes = od.attrs["rate"], od.sizes["time"] / od.attrs["rate"] / 60
    events = [e for e in detect(od) if e.size >= FLOOR]
    out: dict[str, list] = defaultdict(list)
    for name, cut in CUTS.items():
        chosen = [e for e in events if e.size >= cut]
        _rates(out, name, chosen, od, minutes)
        _shapes(out, "fnirs_event", name, chosen, rate)
        alone = [e for e in chosen if _alone(e, events, BOUT * rate)]
        _shapes(out, "fnirs_isolated_event", name, alone, rate)
        for event in chosen:
            _remaining(out, name, event, events, od, rate)
    _wavelengths(out, [e for e in events if e.size >= 0.1], od)
    _pairs(out, events, od)
    _spectra(out, events, od)
    return {k: np.asarray(v) for k, v in out.items()}


def _alone(event: Event, events: list[Event], gap: float) -> bool:
    return not any(
        o is not event
        and o.channel == event.channel
        and o.start - gap < event.stop
        and event.start < o.stop + gap
        for o in events
    )


def run_level(events: list[Event], rate: float) -> list[tuple[int, int]]:
    """Spans in which any channel has an event."""
    return merged([(e.start, e.stop) for e in events], MERGE * rate)


def active(events: list[Event], span: tuple[int, int]) -> dict[int, Event]:
    """The largest event of each channel inside a span."""
    results: dict[int, Event] = {}
    for e in events:
        inside = e.start < span[1] and span[0] < e.stop
        if inside and (e.channel not in results or e.size > results[e.channel].size):
            results[e.channel] = e
    return results


def _rates(out, name: str, events: list[Event], od: xr.DataArray, minutes: float) -> None:
    rate, count = od.attrs["rate"], od.sizes["channel"]
    spans = run_level(events, rate)
    out[f"fnirs_event_rate_any_channel_per_min_ge{name}"].append(len(spans) / minutes)
    out[f"fnirs_event_rate_any_channel_per_min_ge{name}_pooled"].append((len(spans), minutes))
    out[f"fnirs_event_rate_per_channel_per_min_ge{name}"].append(len(events) / count / minutes)
    bouts = merged(spans, BOUT * rate)
    out[f"fnirs_bout_rate_per_min_ge{name}"].append(len(bouts) / minutes)
    out[f"fnirs_bout_duration_s_ge{name}"] += [(b - a) / rate for a, b in bouts]
    inside = sum(b - a for a, b in spans) / od.sizes["time"]
    out[f"fnirs_event_time_fraction_ge{name}"].append(inside)
    gaps = [(b[0] - a[1]) / rate for a, b in pairwise(spans)]
    out[f"fnirs_event_gap_s_ge{name}"] += gaps
    shown = [len(active(events, s)) / count for s in spans]
    out[f"fnirs_event_channel_fraction_ge{name}"] += shown


def _shapes(out, prefix: str, name: str, events: list[Event], rate: float) -> None:
    for e in events:
        out[f"{prefix}_duration_s_ge{name}"].append((e.stop - e.start) / rate)
        out[f"{prefix}_peak_abs_od_ge{name}"].append(e.size)
        out[f"{prefix}_rise_10_90_s_ge{name}"].append(e.rise)
        out[f"{prefix}_abs_shift_over_peak_ge{name}"].append(e.ratio)
        for kind in ("spike", "shift", "spike_with_shift", "slow"):
            out[f"{prefix}_fraction_{kind}_ge{name}"].append(e.kind == kind)
        if prefix == "fnirs_event":
            if np.isfinite(e.recovery):
                out[f"{prefix}_recovery_to_1_over_e_s_ge{name}"].append(e.recovery)
            out[f"{prefix}_fraction_positive_od_ge{name}"].append(e.peak[e.strong] > 0)
            for number, nm in enumerate((690, 830)):
                out[f"{prefix}_peak_abs_od_{nm}nm_ge{name}"].append(abs(e.peak[number]))


def _remaining(out, name, event, events, od, rate) -> None:
    """What of a shift is left later, where no further event comes before."""
    if "shift" not in event.kind:
        return
    later = [o.start for o in events if o.channel == event.channel and o.start >= event.stop]
    course, half = od.values[event.channel, event.strong], int(BASELINE * rate / 2)
    pre = np.median(course[max(event.start - 2 * half, 0) : max(event.start, 1)])
    for wait in (10, 30):
        at = event.stop + int(wait * rate)
        if at + half < min([*later, len(course)]):
            left = (np.median(course[at - half : at + half]) - pre) / event.shift
            out[f"fnirs_shift_remaining_after_{wait}_s_ge{name}"].append(left)


def _wavelengths(out, events: list[Event], od: xr.DataArray) -> None:
    margin = int(MARGIN * od.attrs["rate"])
    for e in events:
        if od.channel.values[e.channel] == SATURATED:
            continue
        part = od.values[e.channel, :, max(e.start - margin, 0) : e.stop + margin]
        (a, b), (_, d) = np.cov(part)
        corr = b / max(np.sqrt(a * d), 1e-30)
        slope = (d - a + np.hypot(d - a, 2 * b)) / (2 * b) if b else 0.0  # total least squares
        out["fnirs_artifact_ratio_830_over_690"].append(slope)
        if corr > 0.8:
            out["fnirs_artifact_ratio_830_over_690_where_corr_gt_0p8"].append(slope)
        out["fnirs_artifact_corr_830_690"].append(corr)
        out["fnirs_artifact_fraction_corr_830_690_gt_0p8"].append(corr > 0.8)
        out["fnirs_artifact_fraction_corr_830_690_negative"].append(corr < 0)


def relation(od: xr.DataArray, one: int, two: int) -> str:
    if od.source.values[one] == od.source.values[two]:
        return "shared_source"
    same = od.detector.values[one] == od.detector.values[two]
    return "shared_detector" if same else "no_shared_optode"


def _correlation(one: np.ndarray, two: np.ndarray) -> float:
    one, two = one - one.mean(), two - two.mean()
    return float(one @ two / max(np.sqrt((one @ one) * (two @ two)), 1e-30))


def _pairs(out, events: list[Event], od: xr.DataArray) -> None:
    rate, length = od.attrs["rate"], od.sizes["time"]
    margin, rng = int(MARGIN * rate), np.random.default_rng(0)
    course = od.values[:, 0]
    for span in run_level([e for e in events if e.size >= 0.2], rate):
        shown = active(events, span)
        first, last = max(span[0] - margin, 0), min(span[1] + margin, length)
        for one in shown:
            for two in (c for c in shown if c > one):
                kin = relation(od, one, two)
                corr = _correlation(course[one, first:last], course[two, first:last])
                _pair(out, corr, kin, "")
                out[f"fnirs_pair_corr_signed_median_{kin}"].append(corr)
                out[f"fnirs_pair_corr_positive_fraction_{kin}"].append(corr > 0)
                far = [
                    e
                    for e in events
                    if e.channel == two and (e.start > last or e.stop < first)
                    if e.start - margin + last - first < length and e.start >= margin
                ]
                if far:
                    other = far[rng.integers(len(far))].start - margin
                    shifted = course[two, other : other + last - first]
                    _pair(out, _correlation(course[one, first:last], shifted), kin, "null_")
    for span in run_level(events, rate):
        shown = active(events, span)
        for one in shown:
            for two in (c for c in shown if c > one):
                ratio = abs(np.log(shown[one].size / shown[two].size))
                out["fnirs_pair_abs_log_amplitude_ratio_both_active"].append(ratio)
    _strongest(out, events, od)


def _pair(out, corr: float, kin: str, null: str) -> None:
    out[f"fnirs_pair_corr_abs_median_{null}{kin}"].append(abs(corr))
    out[f"fnirs_pair_corr_abs_gt_0p8_fraction_{null}{kin}"].append(abs(corr) > 0.8)


def _strongest(out, events: list[Event], od: xr.DataArray) -> None:
    """Who else shows an event, and how large, given the channel that shows it most."""
    rate = od.attrs["rate"]
    for span in run_level([e for e in events if e.size >= 0.2], rate):
        shown = active(events, span)
        best = max(shown, key=lambda c: shown[c].size)
        first = max(span[0] - int(BASELINE * rate), 0)
        before = od.values[:, :, first : max(span[0], first + 1)]
        part = od.values[:, :, span[0] : span[1]] - np.median(before, axis=-1, keepdims=True)
        size = np.abs(part).max(axis=(1, 2))
        for channel in range(od.sizes["channel"]):
            if channel == best:
                continue
            kin = relation(od, best, channel)
            out[f"fnirs_p_event_given_strongest_channel_{kin}"].append(channel in shown)
            ratio = size[channel] / size[best]
            out[f"fnirs_amplitude_ratio_to_strongest_channel_{kin}"].append(ratio)


def _spectra(out, events: list[Event], od: xr.DataArray) -> None:
    rate = od.attrs["rate"]
    for seconds in (10, 60):
        count = int(seconds * rate)
        total = od.sizes["time"] // count
        if not total:
            continue
        cut = od.values[..., : total * count].reshape(*od.shape[:2], total, count)
        in_motion = np.zeros((od.sizes["channel"], total), bool)
        for e in events:
            in_motion[e.channel, e.start // count : min((e.stop - 1) // count + 1, total)] = True
        line = np.linspace(-1, 1, count)
        cut = cut - cut.mean(axis=-1, keepdims=True)
        cut = cut - (cut @ line / (line @ line))[..., None] * line
        window = np.hanning(count)
        power = np.abs(np.fft.rfft(cut * window, axis=-1)) ** 2
        power *= 2 / (rate * (window @ window))
        freq = np.fft.rfftfreq(count, 1 / rate)
        for band, (low, high) in BANDS.items():
            if seconds * low < 0.5:
                continue
            here = (freq >= low) & (freq < high)
            part = power[..., here].sum(axis=-1) * (freq[1] - freq[0])
            for number, nm in enumerate((690, 830)):
                key = f"fnirs_psd_{band}_hz_{nm}nm_win{seconds}s"
                for channel in range(od.sizes["channel"]):
                    m, c = (
                        part[channel, number, w] for w in (in_motion[channel], ~in_motion[channel])
                    )
                    if len(m) >= 2 and len(c) >= 2:
                        _contrast(out, key, float(m.mean()), float(c.mean()))


def _contrast(out, key: str, in_motion: float, still: float) -> None:
    out[f"{key}_motion_over_clean_db"].append(10 * np.log10(in_motion / still))
    out[f"{key}_motion_rms_od"].append(np.sqrt(in_motion))
    out[f"{key}_clean_rms_od"].append(np.sqrt(still))


def summarise(measured: list[Values]) -> dict[str, float]:
    """Keys of motion_statistics.json with their values, pooled over recordings."""
    results: dict[str, float] = {}
    for base in sorted({k for m in measured for k in m}):
        pool = np.concatenate([m[base] for m in measured if base in m])
        if not len(pool):
            continue
        if pool.ndim == 2:
            results[base] = float(pool[:, 0].sum() / pool[:, 1].sum())
        elif pool.dtype == bool:
            results[base] = float(pool.mean())
        elif re.search(r"_median(_|$)|_rms_od$", base):
            results[base] = float(np.median(pool))
        else:
            values = np.percentile(pool, QUANTILES)
            by_name = zip(QUANTILES, values, strict=True)
            results |= {f"{base}_q{q:02d}": float(v) for q, v in by_name}
            results[f"{base}_q99p9"] = float(np.percentile(pool, 99.9))
    return results


def targets() -> dict[str, dict]:
    """motion_statistics.json without its notes."""
    entries = json.loads(STATISTICS.read_text())
    return {k: v for k, v in entries.items() if isinstance(v, dict) and "value" in v}


def real() -> list[Values]:
    return [measure(r) for r in runs_of_twni()]


def quiet(recording: xr.DataTree) -> xr.DataTree:
    """The channels' own quiet stretches, LENGTH seconds long: the base that movement is put into.

    A channel's stretches without an event in it, as in the windows called clean in the spectra,
    are joined end to end with baseline levels matched; once more with what was joined, since
    without movement the detector sees more. Then the whole is continued backwards and forwards.
    Device, optodes, noise and physiology are those of the real run, but channels no longer run in
    step.
    """
    od = density(recording)
    rate = od.attrs["rate"]
    values = np.stack([_still(courses, rate, int(LENGTH * rate)) for courses in od.values])
    node = recording["nirs"].to_dataset().sel(channel=od.channel)
    return build(
        nirs=nirs_dataset(
            values,
            rate,
            node.wavelength.values,
            node.source.values,
            node.detector.values,
            variable="od",
            source_position=node.source_position.values,
            detector_position=node.detector_position.values,
        )
    )


def _still(courses: np.ndarray, rate: float, count: int) -> np.ndarray:
    """So many samples of one channel (wavelength, time) at rest."""
    half, margin = int(WINDOW / 2 * rate), int(MERGE * rate)
    for _ in range(PASSES):
        still = np.ones(courses.shape[1], bool)
        for start, stop in (s for c in courses for s in spans_of(c, rate)):
            still[max(start - margin, 0) : stop + margin] = False
        spans = [s for s in runs(still) if s[1] - s[0] >= QUIETEST * rate]
        if still.all() or not spans:
            break
        joined = courses[:, slice(*spans[0])]
        for span in spans[1:]:
            part = courses[:, slice(*span)]
            step = joined[:, -half:].mean(axis=1) - part[:, :half].mean(axis=1)
            joined = np.concatenate([joined, part + step[:, None]], axis=1)
        courses = joined
    back = np.concatenate([courses, courses[:, ::-1]], axis=1)
    return np.tile(back, -(-count // back.shape[1]))[:, :count]


def runs_of_twni() -> Iterator[xr.DataTree]:
    for path in sorted((recordings_folder() / TWNI).glob("*.snirf")):
        yield read(path)


def generated(count: int, first: int = FRESH) -> Iterator[xr.DataTree]:
    """Recordings with injected movement of seeds first, first + 1, ...; bases take turns."""
    bases = [quiet(r) for r in runs_of_twni()]
    for number in range(count):
        yield inject(bases[number % len(bases)], seed=first + number)[1]


def agreement(results: dict[str, float], pattern: str) -> dict[str, bool]:
    """Medians and single numbers of keys like `pattern`: do real recordings give them again?

    True within 15 % of the JSON or between its quartiles. The JSON had more recordings than are
    at hand, so not all can.
    """
    wanted = {k: v["value"] for k, v in targets().items() if re.match(pattern, k)}
    near = {}
    for key in (k for k in wanted if k in results and not re.search(r"_q(05|25|75|95|99)$", k)):
        low, high = (wanted.get(re.sub("q50$", q, key), np.nan) for q in ("q25", "q75"))
        within = abs(results[key] - wanted[key]) <= 0.15 * abs(wanted[key])
        near[key] = bool(within or (key.endswith("q50") and low <= results[key] <= high))
    return near


def comparison(results: dict[str, float], pattern: str) -> None:
    """Print what was found in real recordings next to the JSON, for keys like `pattern`."""
    wanted = {k: v for k, v in targets().items() if re.match(pattern, k)}
    near = agreement(results, pattern)
    for key, good in near.items():
        base, entry = re.sub(r"_q50$", "", key), wanted[key]
        ends = " ".join(
            f"{results.get(f'{base}_q{q}', np.nan):.3g}/{wanted[f'{base}_q{q}']['value']:.3g}"
            for q in ("05", "25", "75", "95")
            if f"{base}_q{q}" in wanted
        )
        wish = f"{entry['value']:9.4g} {entry['strength']:5}"
        print(f"{' ' if good else '*'} {key:75} {results[key]:9.4g} wanted {wish} {ends}")
    print(f"{sum(near.values())} of {len(near)} within 15 % or inside the middle half")
    print("not measured:", sorted(k for k in wanted if k not in results))


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    comparison(summarise(real()), MOTION)


if __name__ == "__main__":
    main()
