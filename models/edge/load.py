"""Load an export: its graphs into onnxruntime, its numbers into arrays."""

from pathlib import Path
from typing import Any

import numpy as np

from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.models.edge.network import Network, Numbers, Session, nothing
from neurofuse.models.edge.onnx_file import check_graph
from neurofuse.models.edge.spec import Learned, Spec, read_export, read_spec
from neurofuse.models.joint.architecture import Architecture


def load_network(folder: str | Path) -> tuple[Architecture, Network]:
    """Settings and network of an export that cleans recordings.

    Parameters
    ----------
    folder : str or Path
        As `neurofuse export` wrote it. Graphs are checked before they are run.

    Raises
    ------
    ReadError
        If anything in it is missing, damaged, of another version, or no such graph.
    ParameterError
        If it is an export for cleaning while recording, or onnxruntime is not installed.
    """
    export = read_export(folder)
    spec = export.spec
    learned = _offline(spec, folder)
    sessions: dict[str, Session] = {}
    for name in _wanted(spec):
        if name not in export.parts:
            raise _unfit(f"an export whose {name} is not in its spec")
        check_graph(export.parts[name], f"{folder}/{name}")
        sessions[name.removesuffix(".onnx")] = _session(export.parts[name], name)
    _check_numbers(spec.architecture, learned)
    network = Network(sessions, spec.architecture.streams, numbers_of(learned))
    _try(spec.architecture, network)
    return spec.architecture, network


def offline_architecture(folder: str | Path) -> Architecture:
    """Settings of an export that cleans recordings; no other file of it is looked at.

    Raises
    ------
    ReadError, ParameterError
        As `load_network`.
    """
    spec = read_spec(folder)
    _offline(spec, folder)
    return spec.architecture


def _offline(spec: Spec, folder: str | Path) -> Learned:
    if spec.kind != "offline" or spec.learned is None:
        raise ParameterError(
            f"{folder}, which cleans while recording",
            "an export of joint, eeg or nirs to clean recordings",
            "give it to neurofuse.LiveCleaner, or export another method",
        )
    return spec.learned


def _wanted(spec: Spec) -> list[str]:
    """Names of the graphs that a model consists of."""
    parts = ["encoder", "decoder", *(["alone"] if spec.architecture.single_width else [])]
    return ["fusion.onnx", *(f"{s}.{p}.onnx" for s in spec.architecture.streams for p in parts)]


def _session(content: bytes, name: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ParameterError(
            "an export, but no onnxruntime", "the package onnxruntime", "pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    # windows are computed side by side; sums in one order are equal everywhere
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False  # it would keep what the largest window needed
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has many kinds, none of which is public
        raise _unfit(f"{name} that onnxruntime cannot load ({type(error).__name__})") from error


def _check_numbers(a: Architecture, learned: Learned) -> None:
    """Refuse numbers that are not those of the architecture."""
    widths = {len(values) for values in learned.absent.values()}
    complete = {*learned.absent} == {*learned.calibration} == {*a.streams}
    if not complete or widths != {a.width} or len(learned.log_reach) != len(a.nirs_reach):
        raise _unfit("a spec whose learned numbers are not those of its architecture")


def _try(a: Architecture, network: Network) -> None:
    """Refuse graphs that do not compute what the architecture describes, on a short window."""
    channels, frames = 3, 8
    near = np.full((channels, channels), 1 / channels, np.float32)
    for s in a.streams:
        bands = len(a.bands.edges(s)) + 1
        seen = np.zeros((channels, 3 * bands + (s == "nirs"), frames), np.float32)
        wanted = [(channels, frames), (channels, bands, frames), (channels, bands, frames)]
        try:
            channel, pooled = network.encode(s, seen, near)
            made = [network.decode(s, channel, near, network.fuse({s: pooled}), nothing(frames))]
            made += [network.own(s, seen, near)] if network.has_own(s) else []
        except Exception as error:  # onnxruntime has many kinds, none of which is public
            raise _unfit(f"graphs that cannot be run ({type(error).__name__})") from error
        if any([part.shape for part in decoded] != wanted for decoded in made):
            raise _unfit(f"graphs whose outputs are not those of {s} in their spec")


def numbers_of(learned: Learned) -> Numbers:
    """What was learned, as arrays."""
    return Numbers(
        {s: np.array(values, np.float32) for s, values in learned.absent.items()},
        learned.log_spread,
        np.array(learned.log_reach, np.float32),
        learned.log_shrinkage,
        learned.pooling_logit,
        {str(s): factor for s, factor in learned.calibration.items()},
    )


def _unfit(found: str) -> ReadError:
    return ReadError(found, "a folder as `neurofuse export` writes it", "export again")
