"""The latent network as ONNX graphs, written node by node from its weights.

The layers are those of `models/joint/network.py`. Number of channels and frames are free. Every
convolution can be written with 8-bit weights and inputs (`Ranges`), the rest stays in floats.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from neurofuse.models.edge.onnx_file import OPSET
from neurofuse.models.joint.layers import DECODED, ENCODED, FUSED

LEAST_GAIN = 1e-6  # of a norm, which is divided by; those of trained weights are near one
IR_VERSION = 9  # of ONNX files, which belongs to the opset

Weights = Mapping[str, np.ndarray]
Ranges = Mapping[str, tuple[float, float]]  # least and largest input of a convolution by its name


@dataclass
class Graph:
    """An ONNX graph while it grows; methods give the names of the tensors that they make.

    Parameters
    ----------
    weights : mapping of array
        As torch names them.
    ranges : mapping of (float, float), optional
        Of the inputs of convolutions; those that are in it are quantised.
    """

    weights: Weights
    ranges: Ranges = field(default_factory=dict)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    held: dict[str, onnx.TensorProto] = field(default_factory=dict)
    looked_at: dict[str, str] = field(default_factory=dict)  # tensor by convolution

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def hold(self, value: np.ndarray) -> str:
        """A constant; equal ones are held once."""
        key = f"{value.dtype}{value.shape}{value.tobytes()!r}"
        if key not in self.held:
            self.held[key] = numpy_helper.from_array(value, f"c{len(self.held)}")
        return self.held[key].name

    def shaped(self, x: str, *shape: int) -> str:
        """Another shape: 0 keeps a dimension, -1 takes what is left."""
        return self.add("Reshape", x, self.hold(np.array(shape, np.int64)))

    def conv(
        self,
        x: str,
        name: str,
        dilation: int = 1,
        inputs: slice | None = None,
        gain: np.ndarray | float = 1.0,
    ) -> str:
        """A convolution over frames by the name of its weights, of some of its inputs.

        `gain` (input, 1) multiplies these.
        """
        weight = self.weights[f"{name}.weight"][:, inputs or slice(None)] * np.float32(gain)
        weight = np.ascontiguousarray(weight, np.float32)
        bias = self.weights.get(f"{name}.bias")
        if inputs is not None and inputs.start:  # the bias counts once
            bias, name = None, f"{name}.{inputs.start}"
        self.looked_at[name] = x
        if name in self.ranges:
            given = [self._rounded(x, *self.ranges[name]), self._eight_bits(weight)]
        else:
            given = [x, self.hold(weight)]
        if bias is not None:
            given.append(self.hold(bias))
        reach = dilation * (weight.shape[-1] // 2)
        shape: dict[str, list[int]] = {"pads": [reach, reach]} if reach else {}
        if dilation > 1:
            shape["dilations"] = [dilation]
        return self.add("Conv", *given, **shape)

    def _rounded(self, x: str, low: float, high: float) -> str:
        """The same tensor with 256 values between `low` and `high`."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = max(high - low, 1e-6) / 255
        step = self.hold(np.array(scale, np.float32))
        zero = self.hold(np.array(round(-low / scale), np.uint8))
        return self.add("DequantizeLinear", self.add("QuantizeLinear", x, step, zero), step, zero)

    def _eight_bits(self, weight: np.ndarray) -> str:
        """Weights in 8 bits, each row with a scale of its own."""
        scale = np.maximum(np.abs(weight).max((1, 2)), 1e-12).astype(np.float32) / 127
        whole = np.rint(weight / scale[:, None, None]).astype(np.int8)
        return self.add("DequantizeLinear", self.hold(whole), self.hold(scale), axis=0)

    def block(self, x: str, name: str, dilation: int) -> str:
        """`TemporalBlock`; its layer norm is over width and frames at once.

        The norm's gain is a part of the convolution after it, which saves a pass over the data.
        """
        gain, bias = (self.weights[f"{name}.norm.{part}"][:, None] for part in ("weight", "bias"))
        gain = np.where(np.abs(gain) < LEAST_GAIN, np.float32(LEAST_GAIN), gain)
        one, none = (self.hold(np.array([v], np.float32)) for v in (1, 0))
        normed = self.add("InstanceNormalization", self.shaped(x, 0, 1, -1), one, none)
        normed = self.add("Add", self.shaped(normed, 0, len(gain), -1), self.hold(bias / gain))
        change = self.add("Gelu", self.conv(normed, f"{name}.conv", dilation, gain=gain))
        return self.add("Add", x, self.conv(change, f"{name}.mix"))

    def blocks(self, x: str, name: str, dilations: tuple[int, ...]) -> str:
        """Some of them one after the other."""
        for number, dilation in enumerate(dilations):
            x = self.block(x, f"{name}.along_time.{number}", dilation)
        return x

    def around(self, near: str, channel: str, width: int) -> str:
        """The pool over neighbours: (row, channel) times (channel, width, frame)."""
        pooled = self.add("MatMul", near, self.shaped(channel, 0, -1))
        return self.shaped(pooled, 0, width, -1)

    def encoder(self, name: str, features: str, near: str) -> tuple[str, str]:
        """`Encoder`: latents of channels and stream."""
        width = len(self.weights[f"{name}.enter.weight"])
        own = self.blocks(self.conv(features, f"{name}.enter"), name, ENCODED)
        mixed = self.add("Gelu", self.add("Add", own, self.around(near, own, width)))
        first = self.hold(np.array([0], np.int64))
        mean = self.add("ReduceMean", mixed, first)
        apart = self.add("Sub", mixed, mean)
        spread = self.add("Sqrt", self.add("ReduceMean", self.add("Mul", apart, apart), first))
        pools = [mean, self.add("ReduceMax", mixed, first), spread]
        return mixed, self.conv(self.add("Concat", *pools, axis=1), f"{name}.leave")

    def fusion(self, name: str, latents: str) -> str:
        """`Fusion` of latents side by side (1, modality · width, frame)."""
        return self.blocks(self.conv(latents, f"{name}.enter"), name, FUSED)

    def decoder(
        self, name: str, own: str, around: str, fused: str, witnessed: str | None = None
    ) -> str:
        """`Decoder`: logits of motion, of fractions, and clean energies side by side."""
        width = len(self.weights[f"{name}.enter.weight"])
        x = self.conv(
            self.add("Concat", own, around, axis=1), f"{name}.enter", 1, slice(0, 2 * width)
        )
        everywhere = self.conv(fused, f"{name}.enter", 1, slice(2 * width, None))
        if witnessed is not None:
            everywhere = self.add("Add", everywhere, self.conv(witnessed, f"{name}.witnessed"))
        x = self.blocks(self.add("Add", x, everywhere), name, DECODED)
        return self.conv(x, f"{name}.leave")

    def model(
        self, inputs: Mapping[str, tuple[Any, ...]], outputs: Mapping[str, str]
    ) -> onnx.ModelProto:
        """The finished graph; shapes of inputs hold numbers, or names where they are free."""
        renamed = {tensor: name for name, tensor in outputs.items()}
        for node in self.nodes:
            for names in (node.input, node.output):
                for place, tensor in enumerate(names):
                    names[place] = renamed.get(tensor, tensor)
        kinds = {"rows": TensorProto.INT64}
        graph = helper.make_graph(
            self.nodes,
            "neurofuse",
            [
                helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), shape)
                for name, shape in inputs.items()
            ],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 3)
                for name in outputs
            ],
            list(self.held.values()),
        )
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, producer_name="neurofuse")
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model)
        return model


@dataclass(frozen=True)
class Parts:
    """Files of an export, each a graph; `looked_at` are the inputs of their convolutions."""

    models: dict[str, onnx.ModelProto]
    looked_at: dict[str, dict[str, str]]


def graphs(weights: Weights, streams: tuple[str, ...], ranges: Ranges | None = None) -> Parts:
    """All graphs of a model by their names.

    `S.encoder`, `S.decoder` and `fusion` for modalities S, and `S.alone` for the single-modality
    models that are part of it.

    Parameters
    ----------
    weights : mapping of array
        As torch names them.
    streams : tuple of str
        The modalities, in the model's order.
    ranges : mapping, optional
        Of the inputs of convolutions that shall have 8 bits.
    """
    found: dict[str, onnx.ModelProto] = {}
    looked_at: dict[str, dict[str, str]] = {}

    def part(name: str, graph: Graph, inputs: dict[str, tuple[Any, ...]], **outputs: str) -> None:
        found[name] = graph.model(inputs, outputs)
        renamed = {tensor: given for given, tensor in outputs.items()}
        looked_at[name] = {c: renamed.get(t, t) for c, t in graph.looked_at.items()}

    width = len(weights["fusion.enter.weight"])
    seen, frames = {}, "frame"
    for s in streams:
        seen[s] = weights[f"encoders.{s}.enter.weight"].shape[1]
        graph = Graph(weights, ranges or {})
        channel, pooled = graph.encoder(f"encoders.{s}", "features", "near")
        inputs = {"features": ("channel", seen[s], frames), "near": ("channel", "channel")}
        part(f"{s}.encoder", graph, inputs, channel=channel, pooled=pooled)
        graph = Graph(weights, ranges or {})
        rows = graph.add("Gather", "channel", "rows", axis=0)
        around = graph.around("near", "channel", width)
        decoded = graph.decoder(f"decoders.{s}", rows, around, "fused", "witnessed")
        inputs = {
            "channel": ("channel", width, frames),
            "near": ("row", "channel"),
            "rows": ("row",),
            "fused": (1, width, frames),
            "witnessed": (1, weights[f"decoders.{s}.witnessed.weight"].shape[1], frames),
        }
        part(f"{s}.decoder", graph, inputs, decoded=decoded)
        if f"single.{s}.fusion.enter.weight" not in weights:
            continue
        name = f"single.{s}."
        own = len(weights[f"{name}fusion.enter.weight"])
        graph = Graph(weights, ranges or {})
        channel, pooled = graph.encoder(f"{name}encoders.{s}", "features", "near")
        fused = graph.fusion(f"{name}fusion", pooled)
        around = graph.around("near", channel, own)
        decoded = graph.decoder(f"{name}decoders.{s}", channel, around, fused)
        inputs = {"features": ("channel", seen[s], frames), "near": ("channel", "channel")}
        part(f"{s}.alone", graph, inputs, decoded=decoded)
    graph = Graph(weights, ranges or {})
    fused = graph.fusion("fusion", "latents")
    part("fusion", graph, {"latents": (1, len(streams) * width, frames)}, fused=fused)
    return Parts(found, looked_at)
