"""Quality of fNIRS channels: faults of their light, the heart beat in it, its steadiness."""

import numpy as np
import xarray as xr

from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.optics.gvtd import changes, global_variance
from neurofuse.io.quality import rails
from neurofuse.io.quality.eeg import UNUSABLE, extremes
from neurofuse.io.quality.noise import outlying
from neurofuse.io.quality.scalp_coupling import reason_missing, scalp_coupling
from neurofuse.io.recording import build, stream_dataset

FLAT = 1e-9  # of the light: below the noise of a 24-bit converter
STILL = 5e-4  # of the light, in a window; in light through living tissue the pulse is larger
MOST_STILL = 0.1  # fraction of still windows in a channel that measures tissue …
LEAST_WORN = 0.5  # … and fraction of such channels; with fewer, the optodes were not on a head
DARK = 0.03  # noise relative to the light: hides the pulse
DARK_UNUSABLE = 0.3  # hides any change of blood in the brain
WINDOW = 1.0  # s …
FEWEST_SAMPLES = 8  # … but no fewer samples
SCI_WEAK = 0.5
PEAK_POWER_WEAK = 0.1  # 1/Hz


def nirs_quality(node: xr.Dataset) -> xr.Dataset:
    """Every measure of an `/nirs` node's channels, as `channel_quality` describes them.

    Examples
    --------
    >>> from neurofuse.io.recording import nirs_dataset
    >>> light = np.random.default_rng(0).normal(1, 0.01, (1, 2, 300))
    >>> nirs_quality(nirs_dataset(light, 10.0, [760, 850], ["S1"], ["D1"])).uncoupled.item()
    True
    """
    table = nirs_faults(node)
    recording = to_optical_density(build(nirs=node))
    density = stream_dataset(recording, "nirs")
    sci, power = scalp_coupling(density)
    rate = float(node.attrs["rate"])
    od = density.od.transpose("channel", "wavelength", "time").values
    energy = np.array([[(changes(row, rate) ** 2).mean() for row in rows] for rows in od])
    steps = np.sqrt(energy.mean(1))
    used = table.usable.values & ~node.bad.values
    values = {
        "sci": sci,
        "uncoupled": sci < SCI_WEAK,
        "peak_power": power,
        "pulseless": power < PEAK_POWER_WEAK,
        "step_rms": steps,
        "unsteady": outlying(steps, used),
    }
    for name, column in values.items():
        table[name] = "channel", column
    reason = reason_missing(node)
    if not reason and np.isnan(sci).any():
        reason = "samples of these channels have no logarithm"
    for name in ("sci", "peak_power") if reason else ():
        table[name].attrs["missing_because"] = reason
    table["peak_power"].attrs["units"] = "1/Hz"
    course = global_variance(recording)
    for name in ("median", "percentile_95", "threshold", "moving_share"):
        table.attrs[f"gvtd_{name}"] = course.attrs[name]
    return table


def nirs_faults(node: xr.Dataset) -> xr.Dataset:
    """Faults that make an fNIRS channel unusable; it is as good as its worst wavelength.

    Parameters
    ----------
    node : Dataset
        An `/nirs` node with `intensity` or `od`; relative measures are the same for both.

    Returns
    -------
    Dataset
        Over `channel`: `missing_share`, `missing`, `flat_share`, `flat`, `rail_share`, `saturated`,
        `still_share`, `still`, `noise`, `dark`, `non_positive_share`, `non_positive`, `distance`
        [m], `short`, `usable`, `reason`, as `channel_quality` describes them.

    Examples
    --------
    >>> from neurofuse.io.recording import nirs_dataset
    >>> light = np.random.default_rng(0).normal(1, 0.01, (2, 2, 300))
    >>> light[1, 0, :5] = 0
    >>> node = nirs_dataset(light, 10.0, [760, 850], ["S1", "S2"], ["D1", "D1"])
    >>> nirs_faults(node).reason.values.tolist()
    ['', '1.67 % zero or negative samples']
    """
    measures = [
        np.array([_light_measures(row, node.attrs["rate"]) for row in light_of(node, c)]).max(0)
        for c in range(node.sizes["channel"])
    ]
    shares = dict(zip(_LIGHT, np.array(measures).reshape(-1, len(_LIGHT)).T, strict=True))
    railed = shares["rail_share"] > rails.UNUSABLE
    values = {
        "missing_share": shares["missing_share"],
        "missing": shares["missing_share"] > 0,
        "flat_share": shares["flat_share"],
        "flat": (shares["flat"] > 0) | (shares["flat_share"] > UNUSABLE) & ~railed,
        "rail_share": shares["rail_share"],
        "saturated": shares["rail_share"] > rails.REPORTED,
        "still_share": shares["still_share"],
        "still": shares["still_share"] > UNUSABLE,
        "noise": shares["noise"],
        "dark": shares["noise"] > DARK,
        "non_positive_share": shares["non_positive_share"],
        "non_positive": shares["non_positive_share"] > 0,
        "distance": node.distance.values,
        "short": node.short.values,
    }
    table = xr.Dataset(
        {name: ("channel", column) for name, column in values.items()},
        coords={"channel": node.channel.values},
    )
    table["distance"].attrs["units"] = "m"
    worn = bool((shares["still_share"] < MOST_STILL).mean() >= LEAST_WORN)
    rows = zip(*shares.values(), strict=True)
    reason = [_reason(dict(zip(shares, row, strict=True)), worn) for row in rows]
    table["reason"] = "channel", np.array(reason, object).astype(str)
    table["usable"] = table.reason == ""
    return table


_LIGHT = (
    "missing_share", "flat_share", "flat", "rail_share", "still_share", "noise",
    "non_positive_share",
)  # fmt: skip


def _light_measures(light: np.ndarray, rate: float) -> tuple[float, ...]:
    """The measures `_LIGHT` of one wavelength of a channel."""
    window = min(max(round(WINDOW * rate), FEWEST_SAMPLES), max(len(light), 1))
    finite = light[np.isfinite(light)]
    missing = 1 - len(finite) / max(len(light), 1)
    if not finite.size:
        return missing, 0.0, 0.0, 0.0, 0.0, np.nan, 0.0
    low, high = float(finite.min()), float(finite.max())
    largest = max(abs(low), abs(high))
    top, bottom, _ = (part[0] for part in extremes(light[None], window))
    filled = top >= bottom
    span = (top - bottom)[filled]
    still = span <= STILL * np.maximum(np.abs(top), np.abs(bottom))[filled]
    flat = len(finite) > 1 and high - low <= FLAT * largest
    step = np.diff(finite)
    middle = float(np.median(finite))
    # robust SD of steps over √2: the SD of noise from sample to sample, hardly affected by movement
    noise = 1.4826 * float(np.median(np.abs(step - np.median(step)))) / 2**0.5 if step.size else 0.0
    return (
        missing,
        float((span <= FLAT * largest).mean()) if len(finite) > 1 else 0.0,
        float(flat),
        0.0 if flat else rails.rail_share(light[None], -np.inf, high),
        float(still.mean()) if len(finite) > 1 else 0.0,
        noise / middle if middle > 0 else np.inf,
        float((finite <= 0).mean()),
    )


def light_of(node: xr.Dataset, channel: int) -> np.ndarray:
    """Light (wavelength, time) of a channel: intensity, or exp(-optical density)."""
    if "intensity" in node:
        return _rows(node, "intensity", channel=channel)
    kept = [str(n) for n in node.kept_channel.values] if "kept" in node else []
    name = str(node.channel.values[channel])
    if name in kept:  # no logarithm: judge the intensity itself
        return _rows(node, "kept", kept_channel=kept.index(name))
    with np.errstate(over="ignore"):  # impossible values become infinite: missing samples
        return np.exp(-_rows(node, "od", channel=channel))


def _rows(node: xr.Dataset, name: str, **channel: int) -> np.ndarray:
    one = node.variables[name].isel(channel)  # without coordinates, which take most of the time
    return np.asarray(one.transpose("wavelength", "time").values, float)


def _reason(row: dict[str, float], worn: bool) -> str:
    if row["missing_share"] == 1:
        return "all samples missing"
    reasons = []
    if row["flat"]:
        reasons.append("flat")
    elif row["rail_share"] > rails.UNUSABLE:
        reasons.append(f"{100 * row['rail_share']:.0f} % at the rail")
    elif row["flat_share"] > UNUSABLE:
        reasons.append(f"flat for {100 * row['flat_share']:.0f} % of the time")
    elif row["still_share"] > UNUSABLE and worn:
        reasons.append(
            f"saturated or off the head for {100 * row['still_share']:.0f} % of the time"
        )
    if row["missing_share"] > 0:
        reasons.append(f"{100 * row['missing_share']:.3g} % missing samples")
    if row["non_positive_share"] > 0:
        reasons.append(f"{100 * row['non_positive_share']:.3g} % zero or negative samples")
    elif row["noise"] > DARK_UNUSABLE and not row["flat"]:
        reasons.append(f"dark: noise is {100 * row['noise']:.0f} % of the light")
    return ", ".join(reasons)
