"""Samples that stay in their file until they are needed: MNE Raw ⇄ dask, in blocks of time."""

import tempfile
import weakref
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    import mne

LARGE = 2**30  # bytes of float64 samples; larger recordings stay in their file
BLOCK = 60.0  # s of a block


def eeg_samples(raw: "mne.io.BaseRaw", picks: list[int]) -> Any:
    """Samples (channel, time) of a Raw: a numpy array, or a dask array when larger than `LARGE`.

    The Raw must not be changed or closed while the dask array is in use.
    """
    if raw.preload or len(picks) * raw.n_times * 8 <= LARGE:
        return np.asarray(raw.get_data(picks=np.array(picks)))
    return blocks_of(_RawSamples(raw, picks), raw.info["sfreq"])


def blocks_of(samples: Any, rate: float) -> Any:
    """A dask array over anything with shape, dtype and slicing, in blocks of `BLOCK` seconds."""
    import dask.array as da

    count = min(max(round(BLOCK * rate), 1), max(samples.shape[-1], 1))
    chunks = (*samples.shape[:-1], count)
    from_array: Any = da.from_array  # its type stubs lack a tuple of numbers
    return from_array(samples, chunks=chunks, asarray=False, lock=True, name=False)


def is_lazy(variable: xr.DataArray) -> bool:
    """Whether a variable's samples are still in a file."""
    return variable.chunks is not None


def time_blocks(variable: xr.DataArray, rate: float) -> Iterator[tuple[int, np.ndarray]]:
    """Walk through a variable (…, time): (index of the first sample, samples of `BLOCK` seconds).

    Examples
    --------
    >>> tones = xr.DataArray(np.zeros((2, 150)), dims=("channel", "time"))
    >>> [(first, block.shape) for first, block in time_blocks(tones, rate=1.0)]
    [(0, (2, 60)), (60, (2, 60)), (120, (2, 30))]
    """
    count = max(round(BLOCK * rate), 1)
    for first in range(0, variable.sizes["time"], count):
        yield first, variable.isel(time=slice(first, first + count)).values


def lazy_raw(variable: xr.DataArray, info: "mne.Info") -> "mne.io.BaseRaw":
    """A Raw, not preloaded, over a variable (channel, time) whose samples are still in a file."""
    import mne

    held = HeldBlock(variable, info["sfreq"])

    class RecordingRaw(mne.io.BaseRaw):
        """Reads its samples from a Recording when they are needed."""

        def __init__(self) -> None:
            super().__init__(info, last_samps=[variable.sizes["time"] - 1], verbose="error")

        def _read_segment_file(
            self, data: Any, idx: Any, fi: Any, start: int, stop: int, cals: Any, mult: Any
        ) -> None:
            from mne._fiff.utils import _mult_cal_one

            block = held.samples(start, stop)
            _mult_cal_one(data, np.ascontiguousarray(block, float), idx, cals, mult)

    return RecordingRaw()


class HeldBlock:
    """Samples of a variable (…, time), block by block.

    A writer asks for a second at a time; the block of `BLOCK` seconds that it lies in is read, or
    cleaned, once.
    """

    def __init__(self, variable: xr.DataArray, rate: float) -> None:
        self.variable, self.size = variable, max(round(BLOCK * rate), 1)
        self.number, self.block = -1, np.empty((0, 0))

    def samples(self, start: int, stop: int) -> np.ndarray:
        """The samples from `start` to `stop`."""
        parts = []
        while start < stop:
            number, offset = divmod(start, self.size)
            if number != self.number:
                first = number * self.size
                chosen = self.variable.isel(time=slice(first, first + self.size))
                self.number, self.block = number, np.asarray(chosen.values)
            last = min(stop - number * self.size, self.size)
            parts.append(self.block[..., offset:last])
            start = number * self.size + last
        return np.concatenate(parts, axis=-1)


class _RawSamples:
    """The samples of chosen channels of a Raw, sliced like an array."""

    ndim = 2
    dtype = np.dtype(float)

    def __init__(self, raw: "mne.io.BaseRaw", picks: list[int]) -> None:
        self.raw, self.picks = raw, np.array(picks)
        self.shape = (len(picks), raw.n_times)

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        from neurofuse.io.logs import reading, source_of

        first, last, step = key[1].indices(self.shape[1])
        with reading(source_of(self.raw), "samples that can be read"):
            block = self.raw.get_data(picks=self.picks[key[0]], start=first, stop=last)
        return np.asarray(block)[:, ::step]


class Spool:
    """An array (channel, time) that grows along time: in memory, or in a temporary file.

    Parameters
    ----------
    channels, length : int
        Final shape.
    on_disk : bool
        Keep the samples in a file in `tempfile.gettempdir()`, removed when nothing reads it.

    Examples
    --------
    >>> spool = Spool(1, 3, on_disk=True)
    >>> spool.write(np.array([[1.0, 2.0]]))
    >>> spool.write(np.array([[3.0]]))
    >>> spool.array(rate=1.0).compute().tolist()
    [[1.0, 2.0, 3.0]]
    """

    ndim: int = 2
    dtype: np.dtype[np.float32] = np.dtype(np.float32)

    def __init__(self, channels: int, length: int, *, on_disk: bool) -> None:
        self.shape: tuple[int, int] = (channels, length)
        self.filled: int = 0  # samples per channel written so far
        self.memory: np.ndarray | None = None if on_disk else np.zeros(self.shape, self.dtype)
        self.file: IO[bytes] | None = None
        if on_disk:  # unbuffered, and open for as long as anything reads it
            self.file = tempfile.TemporaryFile(prefix="neurofuse-", buffering=0)  # noqa: SIM115
            weakref.finalize(self, self.file.close)

    def write(self, block: np.ndarray) -> None:
        """Append samples (channel, time)."""
        last = self.filled + block.shape[1]
        if self.memory is not None:
            self.memory[:, self.filled : last] = block
        else:
            assert self.file is not None
            self.file.seek(0, 2)
            self.file.write(np.ascontiguousarray(block.T, self.dtype).data)
        self.filled = last

    def array(self, rate: float) -> Any:
        """All samples written, as a numpy array or a dask array in blocks of time."""
        return blocks_of(self, rate) if self.memory is None else self.memory

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        assert self.file is not None
        first, last, step = key[1].indices(self.shape[1])
        width = self.shape[0] * self.dtype.itemsize
        self.file.seek(first * width)
        flat = np.frombuffer(self.file.read((last - first) * width), self.dtype)
        return flat.reshape(last - first, self.shape[0])[::step].T[key[0]]
