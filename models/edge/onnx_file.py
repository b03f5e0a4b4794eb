"""What an ONNX file holds, read from its bytes before anything runs it.

Files may come from anywhere. Only operators that the exporter writes are accepted, of ONNX's own
domain, with all their numbers in the file itself.
"""

from collections.abc import Iterator

from neurofuse.io.errors import ReadError

OPSET = 20
OPERATORS = {
    *("Add", "Sub", "Mul", "Sqrt", "MatMul", "Conv", "Gelu", "InstanceNormalization"),
    *("ReduceMax", "ReduceMean", "Concat", "Gather", "Reshape"),
    *("QuantizeLinear", "DequantizeLinear"),
}
MOST_NODES = 500  # of a graph; those of the packaged models have 250 at most
LARGEST_NUMBER = 1000  # in a node: of frames around a convolution
LARGEST_DIMENSION = 1_000_000
# numbers of the fields that are read, in the definition of the format (onnx.proto)
MODEL = {"graph": 7, "opset": 8, "functions": 25}
GRAPH = {"node": 1, "constant": 5}
NODE = {"attribute": 5, "operator": 4, "domain": 7}
INSIDE = {"tensor": 5, "graph": 6, "tensors": 10, "graphs": 11}  # of an attribute
NUMBERS = {"number": 3, "numbers": 8}  # of an attribute
TENSOR = {"dims": 1, "external": 13, "location": 14}
OPSET_ID = {"domain": 1, "version": 2}

Field = tuple[int, int | bytes]


def check_graph(content: bytes, name: str) -> None:
    """Refuse a file that holds anything but a plain graph of known operators.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        Its name, for the message.

    Raises
    ------
    ReadError
        If it cannot be parsed, has another opset, or operators that no export has.
    """
    try:
        found = _complaint(content)
    except (ValueError, IndexError, RecursionError) as error:
        found = f"that is no ONNX file ({error or type(error).__name__})"
    if found:
        raise ReadError(
            f"{name} {found}",
            f"a graph as `neurofuse export` writes it, of ONNX's own operators (opset {OPSET})",
            "export again",
        )


def _complaint(content: bytes) -> str:
    """What is wrong with a model; empty if nothing is."""
    graphs, opsets = [], {}
    for number, value in fields(content):
        if number == MODEL["functions"]:
            return "with functions of its own"
        if number == MODEL["graph"]:
            graphs.append(_bytes(value))
        elif number == MODEL["opset"]:
            given = dict(fields(_bytes(value)))
            domain = _bytes(given.get(OPSET_ID["domain"], b"")).decode()
            opsets[domain] = given.get(OPSET_ID["version"], 0)
    if opsets != {"": OPSET}:
        return f"with operators of {opsets or 'no version'}"
    if len(graphs) != 1:
        return f"with {len(graphs)} graphs"
    nodes = 0
    for number, value in fields(graphs[0]):
        if number == GRAPH["constant"]:
            if wrong := _tensor(_bytes(value)):
                return wrong
        elif number == GRAPH["node"]:
            nodes += 1
            if wrong := _node(_bytes(value)):
                return wrong
    return f"with {nodes} nodes" if not 0 < nodes <= MOST_NODES else ""


def _node(content: bytes) -> str:
    given: dict[int, bytes] = {}
    for number, value in fields(content):
        if number == NODE["attribute"]:
            for kind, held in fields(_bytes(value)):
                if kind in INSIDE.values():
                    return "with a graph or numbers inside of a node"
                if kind not in NUMBERS.values():
                    continue
                numbers = _packed(held) if isinstance(held, bytes) else [held]
                if max(numbers, default=0) > LARGEST_NUMBER:
                    return f"with {max(numbers)} in a node"
        elif number in NODE.values():
            given[number] = _bytes(value)
    operator, domain = (given.get(NODE[part], b"").decode() for part in ("operator", "domain"))
    known = operator in OPERATORS and domain in ("", "ai.onnx")
    return "" if known else f"with the operator {domain}:{operator}".replace(" :", " ")


def _tensor(content: bytes) -> str:
    for number, value in fields(content):
        if number in (TENSOR["external"], TENSOR["location"]) and value not in (0, b""):
            return "with numbers in another file"
        if number == TENSOR["dims"]:
            dims = _packed(value) if isinstance(value, bytes) else [value]
            if any(dim > LARGEST_DIMENSION for dim in dims):
                return f"with numbers of shape {dims}"
    return ""


def fields(content: bytes) -> Iterator[Field]:
    """Number and value of each field of a protocol buffer, in their order.

    Raises
    ------
    ValueError, IndexError
        If it is none.

    Examples
    --------
    >>> list(fields(bytes([8, 150, 1, 18, 2, 104, 105])))
    [(1, 150), (2, b'hi')]
    """
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(content, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _varint(content, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of kind {kind}")
        if at + size > len(content):
            raise ValueError("it ends too early")
        yield number, content[at : at + size]
        at += size


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _packed(content: bytes) -> list[int]:
    found, at = [], 0
    while at < len(content):
        value, at = _varint(content, at)
        found.append(value)
    return found


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number in place of a part")
    return value
