"""Exports that were edited, cut off, of another program or version: one clear error each."""

import hashlib
import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load, save

import neurofuse as nf
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.models.edge.load import load_network
from neurofuse.models.edge.onnx_file import OPERATORS, OPSET, check_graph, fields
from neurofuse.models.edge.spec import read_export, spec_digest
from neurofuse.models.export.graph import graphs
from neurofuse.models.export.write import given_model


def edit(folder, change):
    """Change what spec.json says, and the hash that it holds."""
    spec = json.loads((folder / "spec.json").read_text())
    change(spec)
    spec["spec_sha256"] = spec_digest(spec)
    (folder / "spec.json").write_text(json.dumps(spec))


def replace(folder, name, content):
    """Put other bytes in place of a file, and tell the spec."""
    (folder / name).write_bytes(content)
    facts = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    edit(folder, lambda spec: spec["files"].update({name: facts}))


def test_an_export_is_read(exports):
    architecture, network = load_network(exports["joint"])
    assert architecture == given_model("joint").architecture
    assert network.has_own("eeg")
    assert network.streams == ("eeg", "nirs")


def test_the_same_weights_give_the_same_bytes(exports):
    given = given_model("eeg")
    again = graphs(given.weights, given.architecture.streams).models["fusion"].SerializeToString()
    assert (exports["eeg"] / "fusion.onnx").read_bytes() == again


CHANGES = {
    "version 2": lambda s: s.update(version=2),
    "opset 21": lambda s: s.update(opset=21),
    "another program": lambda s: s.update(format="something"),
    "surprise": lambda s: s.update(surprise=1),
    "architecture.width": lambda s: s["architecture"].update(width=0),
    "learned numbers": lambda s: s["learned"]["absent"]["eeg"].pop(),
    "calibration": lambda s: s["learned"].update(calibration={"eeg": "much"}),
    "log_spread": lambda s: s["learned"].update(log_spread=float("inf")),
    "not in its spec": lambda s: s["files"].pop("fusion.onnx"),
    "files": lambda s: s["files"].update({"../eeg.safetensors": s["files"]["fusion.onnx"]}),
    "cannot be run": lambda s: s["architecture"]["bands"].update(eeg=[2.0, 4.0]),
    "not those of its architecture": lambda s: s["architecture"].update(width=41),
}


@pytest.mark.parametrize("found", CHANGES)
def test_an_edited_spec_is_refused(folder, found):
    edit(folder, CHANGES[found])
    with pytest.raises(ReadError, match=found):
        load_network(folder)


def test_a_threshold_that_was_changed_is_found(folder):
    spec = (folder / "spec.json").read_text()
    (folder / "spec.json").write_text(spec.replace("0.15", "0.25"))
    with pytest.raises(ReadError, match="that was edited"):
        nf.get_method(folder)


def test_a_spec_that_is_missing_or_no_json_is_refused(folder):
    for content in (b"\xff\xfe", b"[1, 2]", b"{", b" " * (2**20 + 1)):
        (folder / "spec.json").write_bytes(content)
        with pytest.raises(ReadError, match=r"spec\.json"):
            read_export(folder)
    (folder / "spec.json").unlink()
    with pytest.raises(ReadError, match=r"without spec\.json"):
        nf.get_method(folder)


def test_a_file_that_is_missing_edited_or_cut_off_is_refused(folder):
    path = folder / "fusion.onnx"
    whole = path.read_bytes()
    for content, found in ((whole[:-1], "bytes in place of"), (whole[:-1] + b"\0", "SHA-256")):
        path.write_bytes(content)
        with pytest.raises(ReadError, match=found):
            load_network(folder)
    path.unlink()
    with pytest.raises(ReadError, match="without"):
        load_network(folder)


def one_node(operator, domain="", opset=OPSET, constant=None, **attributes):
    """A graph with one node, as bytes."""
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    node = helper.make_node(operator, ["x"], ["y"], domain=domain, **attributes)
    held = [] if constant is None else [constant]
    made = helper.make_graph([node], "g", [given], [given], held)
    opsets = [helper.make_opsetid("", opset)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    return helper.make_model(made, opset_imports=opsets).SerializeToString()


def many_nodes(count):
    """A chain of nodes, as bytes."""
    given = helper.make_tensor_value_info("t0", TensorProto.FLOAT, [1])
    nodes = [helper.make_node("Gelu", [f"t{k}"], [f"t{k + 1}"]) for k in range(count)]
    made = helper.make_graph(nodes, "g", [given], [given])
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, opset_imports=opset).SerializeToString()


def external():
    """Numbers that lie in another file."""
    held = numpy_helper.from_array(np.ones(4, np.float32), "c")
    held.data_location = TensorProto.EXTERNAL
    held.external_data.add(key="location", value="/etc/hostname")
    return held


def large():
    """Numbers that would not fit."""
    return TensorProto(name="c", data_type=1, dims=[10_000_000])


BAD = {
    "operator": lambda: one_node("Loop"),
    "operators of": lambda: one_node("Gelu", domain="com.example"),
    "with operators": lambda: one_node("Gelu", opset=21),
    "another file": lambda: one_node("Gelu", constant=external()),
    "shape": lambda: one_node("Gelu", constant=large()),
    "inside of a node": lambda: one_node("Sqrt", x=numpy_helper.from_array(np.ones(1))),
    "with 100000 in a node": lambda: one_node("Conv", pads=[100_000, 100_000]),
    "in a node": lambda: one_node("Concat", axis=-1),
    "with 501 nodes": lambda: many_nodes(501),
    "no ONNX file": lambda: b"\x0a\xffnothing",
    "0 graphs": lambda: bytes([0x42, 2, 0x10, OPSET]),  # the opset alone
}


@pytest.mark.parametrize("found", BAD)
def test_a_graph_of_other_operators_is_refused_before_it_runs(folder, found):
    replace(folder, "fusion.onnx", BAD[found]())
    with pytest.raises(ReadError, match=found):
        load_network(folder)


def test_graphs_of_another_modality_are_refused(exports, tmp_path):
    folder = shutil.copytree(exports["joint"], tmp_path / "joint")
    replace(folder, "eeg.decoder.onnx", (folder / "nirs.decoder.onnx").read_bytes())
    with pytest.raises(ReadError, match="not those of eeg"):
        load_network(folder)


def test_a_graph_that_onnxruntime_cannot_load_is_refused(folder):
    replace(folder, "fusion.onnx", one_node("Conv"))
    with pytest.raises(ReadError, match="onnxruntime cannot load"):
        load_network(folder)


@pytest.mark.parametrize("cut", [1, 100, 5000])
def test_a_file_cut_off_anywhere_is_no_graph(exports, cut):
    content = (exports["eeg"] / "fusion.onnx").read_bytes()
    with pytest.raises(ReadError):
        check_graph(content[:cut], "cut.onnx")


def test_fields_are_those_that_onnx_reads(exports):
    content = (exports["eeg"] / "eeg.encoder.onnx").read_bytes()
    model = onnx.load_from_string(content)
    graph = next(value for number, value in fields(content) if number == 7)
    assert isinstance(graph, bytes)
    nodes = [dict(fields(bytes(value))) for number, value in fields(graph) if number == 1]
    assert [bytes(node[4]).decode() for node in nodes] == [n.op_type for n in model.graph.node]
    assert {node.op_type for node in model.graph.node} <= OPERATORS


LIVE = {
    "no file of weights": None,
    "nothing as calibration": lambda w: w.pop("calibration"),
    "in place of numbers of shape": lambda w: w.update({"fusion.enter.bias": np.ones(3)}),
    "uint8": lambda w: w.update(log_spread=np.array(1, np.uint8)),
    "not finite": lambda w: w.update(log_spread=np.array(np.inf)),
}


@pytest.mark.parametrize("found", LIVE)
def test_weights_that_are_not_those_of_a_live_export_are_refused(exports, tmp_path, found):
    _, recording = nf.simulate(10.0, seed=0)
    folder = shutil.copytree(exports["joint-live"], tmp_path / "live")
    if LIVE[found] is None:
        edit(folder, lambda spec: spec["files"].clear())
    else:
        weights = load((folder / "weights.safetensors").read_bytes())
        LIVE[found](weights)
        replace(folder, "weights.safetensors", save(weights))
    with pytest.raises(ReadError, match=found):
        nf.LiveCleaner(recording, folder)


def test_each_kind_goes_where_it_belongs(exports):
    _, recording = nf.simulate(10.0, seed=0)
    with pytest.raises(ParameterError, match="cleans while recording"):
        nf.clean(recording, exports["joint-live"])
    with pytest.raises(ParameterError, match="cleans after the recording"):
        nf.LiveCleaner(recording, exports["joint"])
    with pytest.raises(ReadError, match=r"without spec\.json"):
        nf.LiveCleaner(recording, exports["joint"].parent)
