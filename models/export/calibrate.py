"""Ranges of what enters each convolution, measured on recordings with motion.

Eight bits have 256 values; these are spread over the range that occurs.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
import xarray as xr
from onnx import TensorProto, helper

from neurofuse.io.quality.channels import mark_bad
from neurofuse.models.edge.apply import EdgeEngine
from neurofuse.models.edge.load import numbers_of
from neurofuse.models.edge.network import Network
from neurofuse.models.edge.spec import Learned
from neurofuse.models.export.graph import Parts
from neurofuse.models.inference.passage import passage_of, passed
from neurofuse.models.joint.architecture import Architecture


class Watched:
    """A graph that remembers the least and the largest input of each convolution."""

    def __init__(self, model: onnx.ModelProto, looked_at: Mapping[str, str]):
        told = {i.name for i in model.graph.input}
        self.tensors: dict[str, str] = dict(looked_at)
        self.outputs: int = len(model.graph.output)
        self.ranges: dict[str, tuple[float, float]] = {}
        watched = onnx.ModelProto()
        watched.CopyFrom(model)
        self.inner: list[str] = [t for t in dict.fromkeys(looked_at.values()) if t not in told]
        known = {output.name for output in watched.graph.output}
        for tensor in self.inner:
            if tensor not in known:
                shape = [None] * 3
                added = helper.make_tensor_value_info(tensor, TensorProto.FLOAT, shape)
                watched.graph.output.append(added)
        self.session: Any = onnxruntime.InferenceSession(
            watched.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        self.names: list[str] = [output.name for output in watched.graph.output]

    def run(self, outputs: None, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs of the graph itself."""
        found = self.session.run(None, inputs)
        seen = dict(zip(self.names, found, strict=True)) | dict(inputs)
        for convolution, tensor in self.tensors.items():
            low, high = float(seen[tensor].min()), float(seen[tensor].max())
            before = self.ranges.get(convolution, (low, high))
            self.ranges[convolution] = min(low, before[0]), max(high, before[1])
        return found[: self.outputs]


class Believing(EdgeEngine):
    """An engine that believes every witness, so that every graph is used."""

    def agreement(self, first: np.ndarray, second: np.ndarray) -> float:
        """As much as counts."""
        return 1.0


def ranges_of(
    parts: Parts,
    architecture: Architecture,
    learned: Mapping[str, Any],
    recordings: Iterable[xr.DataTree],
) -> dict[str, tuple[float, float]]:
    """Least and largest input of each convolution while recordings are cleaned.

    Parameters
    ----------
    parts : Parts
        Graphs in floats.
    architecture : Architecture
    learned : mapping
        What stands in no graph, as in the spec.
    recordings : iterable of Recording
        With motion.
    """
    sessions = {name: Watched(m, parts.looked_at[name]) for name, m in parts.models.items()}
    numbers = numbers_of(Learned.model_validate(learned))
    engine = Believing(architecture, Network(sessions, architecture.streams, numbers))
    for recording in recordings:
        passage = passage_of(mark_bad(recording), architecture)
        if passage is not None:
            passed(engine, passage)
    return {name: found for s in sessions.values() for name, found in s.ranges.items()}
