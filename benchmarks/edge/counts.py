"""Counts multiply-adds, layers' activations and memory of a model while it computes.

Counted are convolutions, matrix products, Fourier transforms, and factors and solutions of linear
systems. Products of single elements, norms and activation functions are not: they are few beside
these. Of a complex product four real ones count.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log2, prod
from typing import Any
from weakref import finalize

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.network import Decoder, Encoder, Fusion
from neurofuse.models.joint.tensors import Stream

FLOAT = 4  # bytes
LINEAR_ALGEBRA = ("fft", "cholesky", "linalg", "solve", "mm", "conv", "einsum", "inverse")
FREE = ("linalg_vector_norm", "fft_rfftfreq")  # no products of many elements


@dataclass(frozen=True)
class Count:
    """What a model does with windows.

    Parameters
    ----------
    network, filters : float
        Multiply-adds of encoders, fusion and decoders, and of all else.
    activations : int
        Most values that go into and out of one layer of the network.
    memory : int
        Most bytes of tensors alive at once, without weights and input.
    """

    network: float
    filters: float
    activations: int
    memory: int


class Counter(TorchDispatchMode):
    """Counts what torch computes within the block; `Count` says what of.

    Examples
    --------
    >>> with Counter([]) as counter:
    ...     _ = torch.zeros(2, 3) @ torch.zeros(3, 5)
    >>> counter.filters
    30.0
    """

    def __init__(self, layers: Sequence[nn.Module]):
        super().__init__()
        self.network: float = 0.0
        self.filters: float = 0.0
        self.activations: int = 0
        self.memory: int = 0
        self._alive: dict[int, tuple[int, int]] = {}  # tensors of a storage, and its bytes
        self._now: int = 0
        self._within: int = 0  # layers that are computing
        self._hooks: list[Any] = []
        for layer in layers:
            self._hooks.append(layer.register_forward_pre_hook(self._enter))
            self._hooks.append(layer.register_forward_hook(self._leave))

    def __exit__(self, *error: Any) -> None:
        for hook in self._hooks:
            hook.remove()
        super().__exit__(*error)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func.__name__.split(".")[0]
        if name in COSTS:
            cost = float(COSTS[name](args, out))
            if self._within:
                self.network += cost
                if name == "convolution":
                    size = args[0].numel() + out.numel()
                    self.activations = max(self.activations, size)
            else:
                self.filters += cost
        elif any(part in name for part in LINEAR_ALGEBRA) and name not in FREE:
            raise NotImplementedError(f"{name} has multiply-adds that are not counted")
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, Tensor):
                self._hold(tensor)
        return out

    def _enter(self, *_: Any) -> None:
        self._within += 1

    def _leave(self, *_: Any) -> None:
        self._within -= 1

    def _hold(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        held, size = self._alive.get(key, (0, storage.nbytes()))
        self._alive[key] = (held + 1, size)
        if not held:
            self._now += size
            self.memory = max(self.memory, self._now)
        finalize(tensor, self._release, key)

    def _release(self, key: int) -> None:
        held, size = self._alive.pop(key)
        if held > 1:
            self._alive[key] = (held - 1, size)
        else:
            self._now -= size


def count(model: CrossModalAutoencoder, streams: dict[str, Stream]) -> Count:
    """What a model does with one window of each modality."""
    layers = [m for m in model.modules() if isinstance(m, Encoder | Fusion | Decoder)]
    with torch.no_grad(), Counter(layers) as counter:
        model(streams, uncertainty=False)
    return Count(counter.network, counter.filters, counter.activations, counter.memory)


def _of_complex(*tensors: Tensor) -> int:
    return 4 if all(t.is_complex() for t in tensors) else 1


def _product(left: int, right: int) -> Callable[[tuple[Any, ...], Any], float]:
    """Of a matrix product: its values times the length of the sums in them."""
    return lambda args, out: (
        out.numel() * args[left].shape[-1] * _of_complex(args[left], args[right])
    )


def _convolution(args: tuple[Any, ...], out: Tensor) -> float:
    return out.numel() * prod(args[1].shape[1:])


def _fourier(of_real: bool) -> Callable[[tuple[Any, ...], Any], float]:
    """Of n points: n log2 n of a real signal, twice as many of a complex one."""

    def cost(args: tuple[Any, ...], out: Tensor) -> float:
        larger = max(args[0], out, key=Tensor.numel) if not of_real else None
        real = larger if larger is not None else (out if args[0].is_complex() else args[0])
        points = prod(real.shape[axis] for axis in args[1])
        return (1 if of_real else 2) * real.numel() * log2(max(points, 2))

    return cost


def _factor(args: tuple[Any, ...], _: Any) -> float:
    return args[0].numel() * args[0].shape[-1] / 6


def _solved(args: tuple[Any, ...], out: Tensor) -> float:
    """Both triangles, for each column."""
    return out.numel() * args[1].shape[-1]


def _inverse(args: tuple[Any, ...], out: Tensor) -> float:
    return out.numel() * out.shape[-1] / 3


COSTS: dict[str, Callable[[tuple[Any, ...], Any], float]] = {
    "convolution": _convolution,
    "mm": _product(0, 1),
    "bmm": _product(0, 1),
    "addmm": _product(1, 2),
    "baddbmm": _product(1, 2),
    "_fft_r2c": _fourier(True),
    "_fft_c2r": _fourier(True),
    "_fft_c2c": _fourier(False),
    "linalg_cholesky_ex": _factor,
    "cholesky_solve": _solved,
    "cholesky_inverse": _inverse,
}
