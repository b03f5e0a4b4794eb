"""The fNIRS filter while a recording is made, on signals of which the artifact is known."""

import time

import numpy as np
import pytest

from neurofuse.models.joint.architecture import Architecture, BaselineLevel
from neurofuse.models.joint.baseline_level import baseline_level_error
from neurofuse.models.live.level import RunningLevel
from neurofuse.models.live.nirs import NirsFilter
from neurofuse.models.live.temporal import History, QuietCovariance, smooth

ARCHITECTURE = Architecture(streams=("nirs",))
REACH = np.array([0.8, 0.3, 0.15, 0.05])
LOG_SPREAD = -3.0
RATE = 10.0
STEP = 0.3  # OD


def nirs_filter(channels=2, waves=2, rate=RATE, **settings):
    return NirsFilter(channels, waves, rate, ARCHITECTURE, REACH, LOG_SPREAD, **settings)


def at_rest(channels, waves, seconds, rate=RATE, seed=0):
    """Optical density (channel, wavelength, time) with pulse, slow waves and noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    phase = rng.uniform(0, 6, (2, channels, waves, 1))
    pulse = 3e-3 * np.sin(2 * np.pi * 1.1 * t + phase[0])
    slow = 5e-3 * np.sin(2 * np.pi * 0.09 * t + phase[1])
    return pulse + slow + 5e-4 * rng.standard_normal((channels, waves, t.size))


def movement(shape, rate=RATE, every=12.0, size=STEP):
    """Steps and spikes in turn (channel, wavelength, time), and the mask (channel, time)."""
    artifact, gate = np.zeros(shape), np.zeros((shape[0], shape[-1]))
    for k, at in enumerate(np.arange(every, shape[-1] / rate - 2, every)):
        first = round(at * rate)
        length = shape[-1] - first if k % 2 == 0 else max(round(0.3 * rate), 1)
        artifact[..., first : first + length] += size
        gate[:, max(first - round(0.2 * rate), 0) : first + max(round(0.6 * rate), 2)] = 1.0
    return artifact, gate


def told(artifact, gate):
    """Rough artifacts (channel, band, wavelength, time): the truth in two bands."""
    changes = gate[:, None] * np.diff(artifact, axis=-1, prepend=0.0)
    return np.stack([0 * changes, 0.5 * changes, 0 * changes, 0.5 * changes], 1)


def run(live, density, gate, rough, late=0):
    """Artifact (channel, wavelength, time); masks of samples are told `late` samples after them."""
    slow, told_so_far, out = 0, 0, []
    for n in range(density.shape[-1]):
        slow += len(live.observe(density[..., n]))
        while told_so_far <= slow - 1 - late:
            live.tell(gate[:, told_so_far], rough[..., told_so_far])
            told_so_far += 1
        out += live.settle()
    return np.concatenate([done.artifact for done in out], -1)


@pytest.fixture(scope="module")
def case():
    clean = at_rest(3, 2, 60)
    artifact, gate = movement(clean.shape)
    return clean + artifact, gate, told(artifact, gate), artifact


def test_only_the_next_second_counts(case):
    density, gate, rough, _ = case
    whole = run(nirs_filter(3), density, gate, rough)
    assert whole.shape[-1] == density.shape[-1] - 10
    for last in (15, 121, 248, 366):
        other = density.copy()
        other[..., last + 11 :] += 1.0
        masks, rest = gate.copy(), rough.copy()
        masks[:, last + 6 :] = 1 - masks[:, last + 6 :]
        rest[..., last + 6 :] += 0.5
        changed = run(nirs_filter(3), other, masks, rest)
        np.testing.assert_array_equal(changed[..., : last + 1], whole[..., : last + 1])
        assert (changed[..., last + 40 :] != whole[..., last + 40 :]).any()


def test_how_calls_are_grouped_makes_no_difference(case):
    density, gate, rough, _ = case
    at_once = run(nirs_filter(3), density, gate, rough)
    np.testing.assert_array_equal(run(nirs_filter(3), density, gate, rough, late=5), at_once)
    live = nirs_filter(3)
    for n in range(density.shape[-1]):
        live.observe(density[..., n])
    for n in range(density.shape[-1]):
        live.tell(gate[:, n], rough[..., n])
    out = np.concatenate([done.artifact for done in live.settle()], -1)
    np.testing.assert_array_equal(out, at_once)
    assert live.settle() == []


def test_changes_at_rest_come_back_as_they_are(case):
    density, gate, rough, _ = case
    found = run(nirs_filter(3), density, gate, rough)
    still = gate[:, 1 : found.shape[-1]] == 0
    assert still.any()
    assert not np.diff(found, axis=-1)[
        np.broadcast_to(still[:, None], (3, 2, still.shape[-1]))
    ].any()


def test_steps_and_spikes_are_found(case):
    density, gate, rough, artifact = case
    found = run(nirs_filter(3), density, gate, rough)
    wrong = found - artifact[..., : found.shape[-1]]
    assert np.abs(found).max() > 2 * STEP  # it is no filter that does nothing
    assert np.sqrt((wrong**2).mean()) < 0.04 * STEP
    assert np.abs(wrong).max() < 0.15 * STEP


def test_the_first_seconds_are_cleaned_too():
    clean = at_rest(1, 2, 12)
    artifact, gate = movement(clean.shape, every=4.0)
    found = run(nirs_filter(1), clean + artifact, gate, told(artifact, gate))
    assert np.abs(found - artifact[..., : found.shape[-1]]).max() < 0.2 * STEP


def test_scale_in_is_scale_out(case):
    density, gate, rough, _ = case
    one = run(nirs_filter(3), density, gate, rough)
    many = run(nirs_filter(3), 1e6 * density, gate, 1e6 * rough)
    np.testing.assert_allclose(many, 1e6 * one, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("rate", [1.0, 2.0, 3.9, 7.8125, 10.17, 12.5])
@pytest.mark.parametrize("waves", [1, 3])
def test_every_rate_and_number_of_wavelengths(rate, waves):
    clean = at_rest(1, waves, 60, rate)
    artifact, gate = movement(clean.shape, rate)
    found = run(nirs_filter(1, waves, rate), clean + artifact, gate, told(artifact, gate))
    assert found.shape[-1] == clean.shape[-1] - int(rate)
    wrong = found - artifact[..., : found.shape[-1]]
    assert np.sqrt((wrong**2).mean()) < 0.2 * STEP


@pytest.mark.parametrize("lookahead", [0.0, 0.5, 2.0])
def test_other_lookaheads(case, lookahead):
    density, gate, rough, artifact = case
    found = run(nirs_filter(3, lookahead=lookahead), density, gate, rough)
    assert found.shape[-1] == density.shape[-1] - round(lookahead * RATE)
    wrong = found - artifact[..., : found.shape[-1]]
    assert np.sqrt((wrong**2).mean()) < 0.15 * STEP


def test_faster_recordings_are_filtered_slowly_and_rid_of_what_is_faster():
    rate, factor = 50.0, 4
    clean = at_rest(2, 2, 60, rate)
    artifact, gate = movement(clean.shape, rate)
    means = artifact.reshape(2, 2, -1, factor).mean(-1)
    masks = gate.reshape(2, -1, factor).max(-1)
    jitter = 0.05 * np.resize([1.0, -1.0], clean.shape) * gate[:, None]  # at 25 Hz
    rough = told(means, masks)
    live = nirs_filter(2, 2, rate)
    assert live.slow_rate == rate / factor
    density = clean + artifact + jitter
    found = run(live, density, masks, rough)
    length = found.shape[-1]
    assert density.shape[-1] - 1.0 * rate - 2 * factor <= length <= density.shape[-1] - 0.8 * rate
    wrong = found - (artifact + jitter)[..., :length]
    opened = np.broadcast_to(gate[:, None, :length] > 0, wrong.shape)
    assert (wrong[opened] ** 2).mean() < 0.3 * (jitter[..., :length][opened] ** 2).mean()
    last = 20 * round(rate)
    other = density.copy()
    other[..., last + round(rate) + 1 :] += 1.0
    changed = run(nirs_filter(2, 2, rate), other, masks, rough)
    np.testing.assert_array_equal(changed[..., : last + 1], found[..., : last + 1])


def test_dark_absent_and_interrupted_channels():
    clean = at_rest(4, 2, 60)
    artifact, gate = movement(clean.shape)
    density = clean + artifact
    alone = run(nirs_filter(4), density, gate, told(artifact, gate))[3]
    density[0] = 1.0  # constant
    density[1] = np.nan
    density[2, :, 200:420] = np.nan
    rough = told(artifact, gate)
    found = run(nirs_filter(4), density, gate, rough)
    assert np.isfinite(found).all()
    assert np.abs(found[1]).max() == 0
    assert np.abs(found[2] - artifact[2, :, : found.shape[-1]])[:, :190].max() < 0.15 * STEP
    np.testing.assert_array_equal(found[3], alone)  # others make no difference


def test_what_changed_over_a_gap_is_no_motion():
    clean = at_rest(1, 2, 60)
    artifact, gate = movement(clean.shape)
    density = clean + artifact
    density[..., 330:340] = np.nan
    before = run(nirs_filter(1), density, gate, told(artifact, gate))
    density[..., 340:] += 1.0  # two seconds before a movement
    after = run(nirs_filter(1), density, gate, told(artifact, gate))
    assert np.abs(after - before).max() < 0.1 * STEP


def test_deviations_are_given_where_the_mask_is_open(case):
    density, gate, rough, _ = case
    live = nirs_filter(3)
    for n in range(density.shape[-1]):
        live.observe(density[..., n])
        live.tell(gate[:, n], rough[..., n])
    done = live.settle()
    deviation = np.concatenate([d.deviation for d in done], -1)
    masks = np.concatenate([d.gate for d in done], -1)
    np.testing.assert_array_equal(masks, gate[:, : masks.shape[-1]])
    assert not deviation[np.broadcast_to(masks[:, None] == 0, deviation.shape)].any()
    assert (deviation[:, :, 120] > 0).all()  # at the first step


def test_it_is_fast_and_does_not_grow():
    rng = np.random.default_rng(0)
    live = nirs_filter(40)
    density = at_rest(40, 2, 40)
    gate, rough = np.ones(40), 1e-3 * rng.standard_normal((40, 4, 2))
    held, begun = [], 0.0
    for n in range(density.shape[-1]):
        if n == 100:
            begun = time.process_time()
        live.observe(density[..., n])
        live.tell(gate, rough)
        live.settle()
        if n in (100, 399):
            held.append(sum(x.nbytes for x in vars(live).values() if isinstance(x, np.ndarray)))
    assert (time.process_time() - begun) / 300 < 0.04  # s; a sample lasts 0.1 s
    assert held[0] == held[1]
    assert len(live.waiting) + len(live.told) + len(live.done) <= 10


def test_level_returns_as_the_whole_recording_tells():
    rng = np.random.default_rng(1)
    decay = np.exp(-1 / 100)
    course = np.zeros(1200)
    for n in range(1, 1200):
        course[n] = decay * course[n - 1] + 1e-3 * rng.standard_normal()
    high = course + np.where(np.arange(1200) < 600, 0.0, STEP)
    gate = np.zeros(1200)
    gate[590:610] = 1.0
    taken = np.where(np.arange(1200) < 600, 0.0, STEP)  # as if as much had been subtracted
    offline = baseline_level_error(high[None], taken[None], gate[None], RATE)[0]
    level = RunningLevel(1, RATE, BaselineLevel())
    left, took = (np.diff(x, prepend=x[0])[None] for x in (high, taken))
    for n in range(58):
        part = slice(10 * n, 10 * n + 10)
        level.settle(left[:, part], took[:, part], gate[None, part] > 0)
    rest = slice(580, 630)
    offset = level.offset(
        np.arange(1), left[:, rest], took[:, rest], gate[None, rest] > 0, np.array([50])
    )
    assert abs(offset[0] - STEP) < 0.1 * STEP
    assert abs(offset[0] - (offline[-1] - offline[0])) < 0.1 * STEP


def test_smoother_is_the_conditional_mean():
    rng = np.random.default_rng(2)
    k, bands, waves, length = 2, 3, 2, 12
    size = waves * length
    observed = rng.standard_normal((k, waves, length))
    rough = rng.standard_normal((k, bands, waves, length))
    missed, unknown = rng.uniform(0, 1, (2, k, waves, length))
    root = rng.standard_normal((k, size, size))
    clean = root @ root.swapaxes(1, 2) + np.eye(size)
    lag = np.arange(length)
    ties = np.stack([np.exp(-((lag[:, None] - lag) ** 2) / (2 * r**2)) for r in (0.5, 2, 4)])
    found, variance = smooth(observed, rough, missed, unknown, clean, ties, slice(5, 8))
    for i in range(k):
        artifact = np.diag(missed[i].ravel())
        for b in range(bands):
            flat = rough[i, b].ravel()
            artifact += np.outer(flat, flat) * np.tile(ties[b], (waves, waves))
        gain = artifact @ np.linalg.inv(artifact + clean[i] + np.diag(unknown[i].ravel()))
        np.testing.assert_allclose(found[i].ravel(), gain @ observed[i].ravel(), rtol=1e-7)
        error = np.diag(artifact - gain @ artifact).reshape(waves, length)[:, 5:8]
        np.testing.assert_allclose(variance[i], error, rtol=1e-6)


def test_quiet_covariance_is_that_of_quiet_samples():
    rng = np.random.default_rng(3)
    series = rng.standard_normal((1, 2, 4000))
    series[:, 1] += series[:, 0]  # wavelengths go together
    mask = np.zeros((1, 4000))
    mask[:, 1000:1500] = 1.0
    loud = series * (1 + 100 * mask[:, None])
    quiet = QuietCovariance(1, 2, 20, RATE, ARCHITECTURE.quiet)
    for n in range(1, 3999):
        quiet.add(loud[..., n - 1 : n + 2], mask[:, n], np.arange(1))
    matrix = quiet.matrix(np.arange(1), np.ones((1, 2)))[0]
    np.linalg.cholesky(matrix)
    assert matrix[0, 20] / matrix[0, 0] == pytest.approx(1.0, abs=0.25)
    assert 0.4 < matrix[0, 0] < 1.2  # strong samples weigh less
    assert abs(matrix[0, 1:20]).max() < 0.2 * matrix[0, 0]


def test_history_is_what_was_pushed_last():
    history = History((2,), 7)
    given = np.arange(100.0).reshape(2, 50)
    for n in range(50):
        history.push(given[:, n])
        if n >= 7:
            np.testing.assert_array_equal(history.last(5, 2), given[:, n - 6 : n - 1])
