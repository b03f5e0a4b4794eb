"""What one could know at best: the true times of movement, as a perfect IMU or said outright."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from torch import nn
from torch.nn.functional import pad

from neurofuse.io import stream_dataset
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.tensors import Latent, Stream
from neurofuse.synth.sensors import NOISE, RATE

SHAKING = 10.0  # Hz, faster than what counts as gravity
LOUD = 100.0  # times its noise, while the optodes move
SHIFT = 1.0  # of the logit of motion: for it where there is motion, against it elsewhere


def with_imu(recording: xr.DataTree, imu: xr.DataTree) -> xr.DataTree:
    """A Recording with the IMU of another one."""
    changed = recording.copy()
    changed["aux"] = imu["aux"].copy()
    return changed


def with_perfect_imu(recording: xr.DataTree) -> xr.DataTree:
    """A Recording with an accelerometer that shakes exactly while fNIRS is in motion."""
    node = stream_dataset(recording, "nirs")
    begin, end = (float(node.time[k]) for k in (0, -1))
    time = np.arange(begin, end, 1 / RATE)
    nearest = np.searchsorted(node.time.values, time).clip(max=node.sizes["time"] - 1)
    loud = LOUD * node.motion.values.any(0)[nearest] * np.sin(2 * np.pi * SHAKING * time)
    noise = np.random.default_rng(0).normal(size=(3, len(time)))
    sensor = xr.Dataset(
        {"ACC": (("channel", "time"), NOISE["ACC"] * (noise + loud), {"units": "m/s^2"})},
        coords={"channel": ["x", "y", "z"], "time": time},
        attrs={"rate": RATE},
    )
    changed = recording.copy()
    changed["aux/ACC"] = xr.DataTree(sensor)
    return changed


@contextmanager
def told(model: CrossModalAutoencoder) -> Iterator[None]:
    """Inside, the IMU shifts the logits of a model's fNIRS motion, and is not heard otherwise.

    Windows are estimated in threads: what belongs to one is kept in its own thread.
    """
    window = threading.local()

    def keep(_: nn.Module, given: tuple) -> tuple:
        streams = given[0]
        window.head = streams["nirs"].head
        return ({name: replace(one, head=None) for name, one in streams.items()}, *given[1:])

    plain = model._filter

    def shifted(name: str, stream: Stream, latent: Latent, decoded: Any, **options: Any) -> Any:
        head = getattr(window, "head", None)
        if name == "nirs" and head is not None:
            motion, *rest = decoded
            frames = motion.shape[-1]
            moves = pad(head.to(motion)[..., :frames], (0, max(frames - head.shape[-1], 0)))
            decoded = (motion + SHIFT * (2 * moves - 1)[:, None], *rest)
        return plain(name, stream, latent, decoded, **options)

    hook = model.register_forward_pre_hook(keep)
    model._filter = shifted
    try:
        yield
    finally:
        hook.remove()
        del model._filter
