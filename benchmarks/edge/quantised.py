"""Which operators of the network can compute in 8 bits?

    python -m benchmarks.edge.quantised

Ranges are those of static calibration on recordings of validation people with injected motion, as
of `neurofuse export --int8`; errors are of the same people with other motion. Operators beside the
convolutions are rounded by onnxruntime's own tools.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
import xarray as xr
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

from benchmarks.common.keys import result_key
from benchmarks.common.page import Table
from benchmarks.edge.compress import RUNS, WHOLE
from neurofuse.fusion.export import CALIBRATED, COMPARED
from neurofuse.fusion.methods.learned import SUBTRACT
from neurofuse.fusion.parity import rows
from neurofuse.io.modality import MODALITIES
from neurofuse.io.quality.channels import mark_bad
from neurofuse.io.recording import stream_dataset, with_stream
from neurofuse.models.edge.apply import EdgeEngine
from neurofuse.models.edge.load import numbers_of
from neurofuse.models.edge.network import Network
from neurofuse.models.edge.spec import Learned
from neurofuse.models.export import material, write
from neurofuse.models.export.calibrate import Believing, ranges_of
from neurofuse.models.inference.passage import passage_of, passed

KEPT = 4  # inputs of a graph that onnxruntime's tools calibrate on, evenly spread
CONVOLUTIONS, ALL = "convolutions", "all operators"
BESIDE: dict[str, list[str] | None] = {  # operators that are rounded with or without others
    "norms": ["InstanceNormalization"],
    "sums and products": ["Add", "Sub", "Mul"],
    "pools over neighbours": ["MatMul"],
    "spread over channels": ["ReduceMean", "ReduceMax", "Sqrt", "Concat"],
    "activation functions": ["Gelu"],
    ALL: None,
}
Graphs = Mapping[str, onnx.ModelProto]


@dataclass(frozen=True)
class Rounded:
    """What rounding some operators does to one modality of one recording."""

    model: str
    operators: str
    recording: str
    modality: str
    worse: float  # dB, error against that in floats
    equal: float  # share of the motion mask that differs by 0.01 at most


class Inputs:
    """A session that keeps what goes into it."""

    def __init__(self, model: onnx.ModelProto):
        self.session: Any = session(model)
        self.seen: list[dict[str, np.ndarray]] = []

    def run(self, outputs: None, inputs: Mapping[str, np.ndarray]) -> Any:
        """The outputs in their order."""
        self.seen.append(dict(inputs))
        return self.session.run(outputs, inputs)


class Reader(CalibrationDataReader):
    """Some of what went into a graph, for onnxruntime's tools."""

    def __init__(self, seen: list[dict[str, np.ndarray]]):
        chosen = sorted({round(k) for k in np.linspace(0, len(seen) - 1, KEPT)})
        self.left: Iterator[dict[str, np.ndarray]] = iter([seen[k] for k in chosen])

    def get_next(self) -> dict[str, np.ndarray] | None:  # type: ignore[override]
        """The next inputs; None after the last."""
        return next(self.left, None)


def session(model: onnx.ModelProto) -> Any:
    """What runs a graph, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    content = model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def cleaning(engine: EdgeEngine) -> Callable[[xr.DataTree], xr.DataTree]:
    """A function from a Recording to a cleaned one."""

    def clean(recording: xr.DataTree) -> xr.DataTree:
        recording = mark_bad(recording)
        passage = passage_of(recording, engine.architecture)
        assert passage is not None
        for s, made in passed(engine, passage).items():
            node = SUBTRACT[s](stream_dataset(recording, s), made.artifact)
            gated = node.assign(gate=(("channel", "time"), made.gate))
            recording = with_stream(recording, s, gated)
        return recording

    return clean


def rounded(
    model: onnx.ModelProto, operators: list[str] | None, seen: list[dict[str, np.ndarray]]
) -> onnx.ModelProto:
    """A graph whose operators of some types compute in 8 bits; None: of all types."""
    if operators and not any(node.op_type in operators for node in model.graph.node):
        return model
    with TemporaryDirectory() as folder:
        before, after = (Path(folder) / name for name in ("before.onnx", "after.onnx"))
        onnx.save(model, before)
        quantize_static(
            before,
            after,
            Reader(seen),
            op_types_to_quantize=operators,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(after)


def variants(given: write.Given) -> Iterator[tuple[str, Graphs]]:
    """The graphs of a model with each kind of operators in 8 bits."""
    parts, learned = write.offline_parts(given), write.learned_of(given)
    a = given.architecture
    used = [mark_bad(k.contaminated) for k in material.recordings(a.streams, seed=CALIBRATED)]
    yield CONVOLUTIONS, write.offline_parts(given, ranges_of(parts, a, learned, used)).models
    watched = {name: Inputs(model) for name, model in parts.models.items()}
    numbers = numbers_of(Learned.model_validate(learned))
    engine = Believing(a, Network(watched, a.streams, numbers))
    for recording in used:
        passage = passage_of(recording, a)
        if passage is not None:
            passed(engine, passage)
    for name, operators in BESIDE.items():
        yield name, {n: rounded(m, operators, watched[n].seen) for n, m in parts.models.items()}


def measured(weights: Path) -> list[Rounded]:
    """Differences of all variants of a model; those that were kept are not computed again."""
    file = RUNS / f"quantised-{weights.stem}-{result_key(sorted(BESIDE), files=[weights])}.json"
    if file.exists():
        return [Rounded(**row) for row in json.loads(file.read_text())]
    given = write.given_model(weights)
    a, numbers = given.architecture, numbers_of(Learned.model_validate(write.learned_of(given)))

    def cleaner(graphs: Graphs) -> Callable[[xr.DataTree], xr.DataTree]:
        sessions = {name: session(model) for name, model in graphs.items()}
        return cleaning(EdgeEngine(a, Network(sessions, a.streams, numbers)))

    floats = cleaner(write.offline_parts(given).models)
    shown = list(material.recordings(a.streams, seed=COMPARED))
    found = [
        Rounded(given.name, name, r.recording, r.modality, r.export_db - r.model_db, r.gate_close)
        for name, graphs in variants(given)
        for r in rows(floats, cleaner(graphs), shown)
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([asdict(row) for row in found], indent=1))
    return found


def table(found: list[Rounded]) -> Table:
    """By model and operators: the mean and the largest change of error, and equal masks."""
    lines = []
    for model, operators in dict.fromkeys((r.model, r.operators) for r in found):
        own = [r for r in found if (r.model, r.operators) == (model, operators)]
        cells = []
        for s in MODALITIES:
            worse = [r.worse for r in own if r.modality == s]
            equal = [r.equal for r in own if r.modality == s]
            cells += [f"{np.mean(worse):.2f}", f"{max(worse, key=abs):.2f}"]
            cells += [f"{100 * np.mean(equal):.0f}"]
        lines.append([model, operators, *cells])
    columns = ["model", "in 8 bits"]
    for s in MODALITIES:
        name = MODALITIES[s].display
        columns += [f"{name} worse [dB]", f"{name}, most [dB]", f"{name}, equal masks [%]"]
    return Table(columns, lines)


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights", nargs="*", type=Path, default=[WHOLE])
    options = parser.parse_args(None if arguments is None else list(arguments))
    print(table([row for path in options.weights for row in measured(path)]).markdown())


if __name__ == "__main__":
    main()
