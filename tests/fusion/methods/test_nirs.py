"""Classical fNIRS methods, each against what its paper says that it does."""

import mne
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.stats import norm

from neurofuse.fusion.methods import cbsi as cbsi_file
from neurofuse.fusion.methods import tpca as tpca_file
from neurofuse.fusion.methods.registry import get_method
from neurofuse.fusion.signal.motion import moving_standard_deviation, rows_in_motion
from neurofuse.fusion.signal.segments import join_segments
from neurofuse.io.errors import ParameterError
from neurofuse.io.logs import quiet
from neurofuse.io.optics.conversion import plain_raw, to_haemoglobin
from neurofuse.io.recording import (
    build,
    nirs_dataset,
    stream_dataset,
    time_axis,
    with_stream,
)
from neurofuse.io.runs import runs
from tests.builders import nirs_node, recording_of

RATE = 10.0
SECONDS = 120
TIME = time_axis(int(SECONDS * RATE), RATE)


def density_of(od, rate=RATE, distances=None, waves=(760, 850)):
    """Optical density (channel, wavelength, time) with optodes in a row."""
    count = len(od)
    away = np.full(count, 0.03) if distances is None else np.asarray(distances, float)
    source = np.stack([0.02 * np.arange(count), np.zeros(count), np.zeros(count)], axis=-1)
    detector = source + np.stack([np.zeros(count), away, np.zeros(count)], axis=-1)
    node = nirs_node(
        od, rate, waves, variable="od", source_position=source, detector_position=detector
    )
    return build(nirs=node)


def calm(seed=0, count=4, time=TIME):
    """Pulse and slow waves with noise (channel, wavelength, time), without movement."""
    rng = np.random.default_rng(seed)
    waves = np.sin(2 * np.pi * 1.1 * time) + np.sin(2 * np.pi * 0.1 * time)
    noise = gaussian_filter1d(rng.standard_normal((count, 2, time.size)), 2, axis=-1)
    return 0.01 * waves * rng.uniform(0.5, 1, (count, 2, 1)) + 0.002 * noise


def cleaned(name, od, rate=RATE, distances=None, **settings):
    return get_method(name, **settings).transform(density_of(od, rate, distances))["nirs"].od.values


def bump(at, width, time=TIME):
    return np.exp(-(((time - at) / width) ** 2))


def step(at, time=TIME):
    return np.clip((time - at) / 0.5, 0, 1)


def energy(x):
    return float((np.asarray(x) ** 2).sum())


def without_mean(x):
    return x - x.mean(-1, keepdims=True)


# What finds movement


def test_moving_deviation_is_the_deviation_within_a_second():
    rows = np.random.default_rng(0).standard_normal((2, 80)) + 100
    found = moving_standard_deviation(rows, RATE)
    for i in range(5, 75):
        np.testing.assert_allclose(found[:, i], rows[:, i - 5 : i + 6].std(-1))


def test_movement_is_detected_relative_to_each_row():
    rows = calm()[:, 0] + 0.3 * bump(60, 0.5)
    mask = rows_in_motion(rows, RATE, 5.0)
    assert mask[:, (TIME > 59.5) & (TIME < 60.5)].all()
    assert not mask[:, abs(TIME - 60) > 5].any()
    np.testing.assert_array_equal(mask, rows_in_motion(1000 * rows + 7, RATE, 5.0))
    assert runs(mask[0])[0][0] / RATE < 60 < runs(mask[0])[0][1] / RATE


def test_baseline_levels_are_joined_at_the_seams():
    row = np.repeat([0.0, 5.0, 3.0], 100)
    np.testing.assert_allclose(join_segments(row, [(100, 200)], RATE), 0, atol=1e-12)


# Wavelets

NEVER = 1e-300  # a chance so small that nothing is taken out


@pytest.mark.parametrize("wave", ["haar", "db2", "db5"])
def test_wavelets_without_outliers_return_what_came_in(wave):
    od = calm()[..., :-3]  # no power of two
    np.testing.assert_allclose(cleaned("wavelet", od, wave=wave, chance=NEVER), od, atol=1e-12)
    samples = 1e-5 * np.random.default_rng(0).standard_normal((3, 1001))
    eeg = recording_of(samples)
    after = get_method("wavelet", wave=wave, chance=NEVER).transform(eeg)["eeg"].eeg.values
    np.testing.assert_allclose(after, samples, atol=1e-15)


def test_wavelets_take_a_spike_out_and_little_else():
    od, spike = calm(), 0.3 * bump(60, 0.3)
    after = cleaned("wavelet", od + spike)
    assert energy(after - od) < 0.1 * 8 * energy(spike)
    far = abs(TIME - 60) > 20
    assert energy((after - od)[..., far]) < 0.01 * 8 * energy(spike)


def test_wavelets_take_a_shift_down_to_a_slow_ramp():
    """What the paper cannot do: levels slower than the slowest that is treated stay."""
    od, shift = calm(), 0.3 * step(60)
    change = without_mean(cleaned("wavelet", od + shift) - od)
    assert energy(change) < 0.9 * 8 * energy(without_mean(shift))
    assert abs(np.diff(change)).max() < 0.2 * np.diff(shift).max()


def test_of_gaussian_coefficients_wavelets_remove_the_given_fraction():
    """White noise is Gaussian at all levels; beyond z lies 2 (z φ(z) + 1 - Φ(z)) of its energy."""
    noise = 0.01 * np.random.default_rng(0).standard_normal((8, 2, 4096))
    for chance in (0.1, 0.01):
        z = norm.isf(chance / 2)
        expected = 2 * z * norm.pdf(z) + chance
        taken = noise - cleaned("wavelet", noise, chance=chance)
        # Overlapping shifts average, so that less than this goes, but in proportion.
        assert 0.1 * expected < energy(taken) / energy(noise) < expected


def test_wavelets_move_with_what_they_clean():
    """The decimated transform gives another answer a sample later; this one does not."""
    rng = np.random.default_rng(0)
    od = np.pad(0.01 * rng.standard_normal((1, 2, 1000)), ((0, 0), (0, 0), (500, 500)))
    od += 0.3 * bump(100, 0.4, time_axis(2000, RATE))
    one = cleaned("wavelet", od, chance=0.1)
    for shift in (1, 7):
        other = cleaned("wavelet", np.roll(od, shift, -1), chance=0.1)
        middle = slice(600, 1400)
        np.testing.assert_allclose(
            np.roll(other, -shift, -1)[..., middle], one[..., middle], atol=1e-12
        )


def test_a_higher_chance_takes_more_out():
    od = calm() + 0.3 * bump(60, 0.3)
    taken = [energy(od - cleaned("wavelet", od, chance=k)) for k in (0.1, 0.03, 0.01, 0.001)]
    assert taken == sorted(taken, reverse=True)
    assert taken[0] > taken[-1]


def test_wavelets_leave_short_series_unchanged():
    od = calm()[..., :6]
    np.testing.assert_allclose(cleaned("wavelet", od), od, atol=1e-12)


# Splines


@pytest.mark.parametrize("name", ["spline", "tpca"])
def test_what_does_not_move_is_not_touched(name):
    np.testing.assert_array_equal(cleaned(name, calm()), calm())


@pytest.mark.parametrize("name", ["spline", "tpca"])
def test_baseline_levels_meet_after_a_shift_and_calm_parts_keep_their_form(name):
    od = calm()
    after = cleaned(name, od + 0.3 * step(60) * np.linspace(0.5, 1, 4)[:, None, None])
    for part in (TIME < 57, TIME > 63):
        change = (after - od)[..., part]
        np.testing.assert_allclose(change - change[..., :1], 0, atol=1e-12)
    apart = (after - od)[..., -1] - (after - od)[..., 0]
    assert abs(apart).max() < 0.05  # of 0.15 to 0.3; the pulse at the seams remains


@pytest.mark.parametrize("rate", [10.0, 40.0])
def test_the_pulse_stays_within_a_spline(rate):
    time = time_axis(int(SECONDS * rate), rate)
    pulse = np.broadcast_to(0.02 * np.sin(2 * np.pi * 1.9 * time), (2, 2, time.size))
    noise = 1e-4 * np.random.default_rng(0).standard_normal(pulse.shape)
    after = cleaned("spline", pulse + noise + 0.5 * bump(60, 1.5, time), rate)
    inside = abs(time - 60) < 1.5
    left = without_mean(after[..., inside])
    assert np.corrcoef(left[0, 0], pulse[0, 0, inside])[0, 1] > 0.9
    assert 0.5 < left.std() / pulse[..., inside].std() < 1.5


def test_a_spline_that_goes_through_every_sample_leaves_a_flat_movement():
    od = calm() + 0.3 * bump(60, 0.5)
    after = cleaned("spline", od, smoothness=1.0)[..., abs(TIME - 60) < 0.8]
    np.testing.assert_allclose(after, after[..., :1] + 0 * after, atol=1e-12)


def test_spikes_are_left_to_the_filter_and_shifts_to_the_spline():
    slow = np.broadcast_to(0.02 * np.sin(2 * np.pi * 0.05 * TIME), (3, 2, TIME.size))
    noise = 1e-4 * np.random.default_rng(0).standard_normal(slow.shape)
    spike, shift = 0.3 * bump(30, 0.2), 0.3 * step(80)
    after = cleaned("spline_sg", slow + noise + spike + shift)
    assert abs(after - slow)[..., abs(TIME - 30) < 1].max() < 0.1
    late, early = (after - slow)[..., TIME > 95], (after - slow)[..., TIME < 20]
    assert abs(late.mean(-1) - early.mean(-1)).max() < 0.05
    filtered = cleaned("spline_sg", slow + noise)
    assert abs(filtered - slow).max() < 0.1 * 0.02


def test_a_shift_with_a_spike_on_it_is_a_shift():
    """A level that changes by more than a heart beat, whatever the size of the spike before it."""
    od, shift = calm(), 0.1 * step(60)
    for spike in (0.0, 0.5, 2.0):
        after = cleaned("spline_sg", od + shift + spike * bump(59.5, 0.3))
        late, early = after[..., TIME > 70].mean(-1), after[..., TIME < 50].mean(-1)
        assert abs(late - early).max() < 0.02, spike


def test_a_long_movement_is_no_spike():
    """The filter would leave a hill of it that lasts as long as its window."""
    od, hill = calm(), 0.5 * bump(60, 1.5)
    after = cleaned("spline_sg", od + hill)
    assert energy(without_mean(after - cleaned("spline_sg", od))) < 0.02 * 8 * energy(hill)


# Targeted principal components


def test_what_all_channels_share_in_a_movement_is_taken_out():
    od, wave = calm(), 0.3 * bump(60, 0.4) - 0.2 * bump(61.5, 0.3)
    moved = od + wave * np.linspace(0.5, 1.5, 8).reshape(4, 2, 1)
    errors = {}
    for share in (0.5, 0.97):
        errors[share] = energy(without_mean(cleaned("tpca", moved, share=share) - od))
    assert errors[0.97] < 0.05 * energy(moved - od)
    assert errors[0.5] < 0.05 * energy(moved - od)  # one component holds nearly all


def test_movement_of_a_single_sample_holds_no_components():
    rows = np.random.default_rng(0).normal(size=(4, 50))
    mask = np.arange(50) == 20
    np.testing.assert_array_equal(tpca_file._without(rows, mask, 0.9, 10.0), rows)


def test_one_channel_is_too_few_for_tpca():
    with pytest.raises(ParameterError, match=r"1 usable fNIRS channel.*at least 2 for 'tpca'"):
        cleaned("tpca", calm(count=1))


# Correlation based signal improvement


def test_haemoglobin_goes_exactly_against_each_other():
    moved = density_of(calm() + 0.3 * bump(60, 0.5))
    node = to_haemoglobin(get_method("cbsi").transform(moved))["nirs"]
    before = to_haemoglobin(moved)["nirs"]
    for hbo, hbr, was_hbo, was_hbr in zip(
        node.hbo.values, node.hbr.values, before.hbo.values, before.hbr.values, strict=True
    ):
        assert np.corrcoef(hbo, hbr)[0, 1] == pytest.approx(-1)
        ratio = was_hbo.std() / was_hbr.std()
        expected = (without_mean(was_hbo) - ratio * without_mean(was_hbr)) / 2
        np.testing.assert_allclose(without_mean(hbo), expected, atol=1e-4 * expected.std())
        np.testing.assert_allclose(
            without_mean(hbr), -expected / ratio, atol=1e-4 * expected.std() / ratio
        )


def test_cbsi_leaves_what_obeys_it_already():
    once = cleaned("cbsi", calm())
    twice = cleaned("cbsi", once)
    np.testing.assert_allclose(without_mean(twice), without_mean(once), atol=1e-9)


def test_the_pathlength_cancels(monkeypatch):
    one = cleaned("cbsi", calm())
    monkeypatch.setattr(cbsi_file, "PATHLENGTH", 0.1)
    np.testing.assert_allclose(cleaned("cbsi", calm()), one, atol=1e-12)


def test_cbsi_needs_two_wavelengths_and_distances():
    od = calm()
    three = density_of(np.concatenate([od, od[:, :1]], axis=1), waves=(760, 850, 905))
    with pytest.raises(ParameterError, match=r"3 wavelength.*two wavelengths.*'cbsi'"):
        get_method("cbsi").transform(three)
    unknown = nirs_dataset(od, RATE, [760, 850], list("ABCD"), list("EFGH"), variable="od")
    with pytest.raises(ParameterError, match=r"0 of 4 distances known.*set a montage"):
        get_method("cbsi").transform(build(nirs=unknown))


# Short channels

DISTANCES = (0.008, 0.03, 0.008, 0.03)


def test_short_channels_are_regressed_as_in_mne_nirs_of_each_wavelength():
    od = without_mean(calm(3))
    after = cleaned("short", od, distances=DISTANCES)
    node = density_of(od, distances=DISTANCES)["nirs"].to_dataset()
    with quiet():
        from mne_nirs.signal_enhancement import short_channel_regression
    for k in (0, 1):  # MNE-NIRS takes the first wavelength of the short channel for both
        raw = plain_raw(node.isel(wavelength=[k]))
        with mne.utils.use_log_level("error"):
            expected = short_channel_regression(raw, max_dist=0.01).get_data()
        np.testing.assert_allclose(after[:, k], expected, atol=1e-12)


def test_scalp_signals_are_removed_and_baseline_levels_stay():
    rng = np.random.default_rng(1)
    brain = 1e-5 * rng.standard_normal((2, 2, 1200))
    scalp = 1e-2 * rng.standard_normal((2, 1200))
    od = np.stack([scalp, brain[0] + 2 * scalp, scalp, brain[1] - scalp]) + 5.0
    after = cleaned("short", od, distances=DISTANCES)
    np.testing.assert_array_equal(after[[0, 2]], od[[0, 2]])
    np.testing.assert_allclose(without_mean(after)[[1, 3]], without_mean(brain), atol=5e-6)
    np.testing.assert_allclose(after.mean(-1), od.mean(-1))


def test_short_channels_without_positions_are_averaged():
    od = calm(3)
    node = stream_dataset(density_of(od, distances=DISTANCES), "nirs").copy(deep=True)
    node.source_position[:] = np.nan
    after = (
        get_method("short").transform(with_stream(density_of(od), "nirs", node))["nirs"].od.values
    )
    scalp = without_mean(od[[0, 2]].mean(0))
    share = (scalp * od[1]).sum(-1) / (scalp**2).sum(-1)
    np.testing.assert_allclose(after[1], od[1] - share[:, None] * scalp, atol=1e-12)


@pytest.mark.parametrize(("distances", "count"), [([0.03] * 4, 0), ([0.008] * 4, 4)])
def test_a_montage_without_short_or_long_channels_is_refused(distances, count):
    with pytest.raises(ParameterError, match=rf"{count} short of 4.*short and long ones"):
        cleaned("short", calm(), distances=distances)
