"""What an ONNX file would run: its operators, and what of it lies outside; read from its bytes, without onnx."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Finding, Kind
from .places import BundleFile

_MOST_BYTES = 512 * 2**20
_MOST_DEEP = 16
# The operators of the standard itself compute and do nothing else; those of other domains are a host's own code.
_STANDARD = frozenset(["", "ai.onnx"])
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
# Fields of onnx.proto: where a message holds others that are looked into, and of what kind.
_INSIDE = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "opset": {},
    "tensor": {},
}
_OPSET_DOMAIN, _NODE_OPERATOR, _NODE_DOMAIN, _TENSOR_OUTSIDE, _TENSOR_PLACE = 1, 4, 7, 13, 14


def onnx_found(file: BundleFile) -> Iterator[Finding]:
    """Yield what an ONNX file computes with, or why it is refused."""
    if file.size > _MOST_BYTES:
        yield Finding(file.name, "", Kind.ONNX, "", f"{file.size} bytes, {_MOST_BYTES} at most")
        return
    operators: set[str] = set()
    problem = ""
    try:
        for what, text in _facts(memoryview(file.read(_MOST_BYTES)), "model", 0):
            if what == "operator":
                operators.add(text)
            else:
                problem = problem or f"{what} {text}".rstrip()
    except (ValueError, IndexError) as error:
        problem = f"no ONNX: {error}"
    if not operators and not problem:
        problem = "no ONNX: it has no operator"
    yield Finding(file.name, "", Kind.ONNX, ", ".join(sorted(operators)), problem)


def _facts(message: memoryview, kind: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield each operator that a message names, and what is wrong with it: what, and its name."""
    if depth > _MOST_DEEP:
        raise ValueError("nested too deep")
    for number, value in _fields(message):
        if kind == "node" and number == _NODE_OPERATOR:
            yield "operator", _text(value)
        elif (kind, number) in (("node", _NODE_DOMAIN), ("opset", _OPSET_DOMAIN)) and _text(value) not in _STANDARD:
            yield "operators of another domain,", _text(value)
        elif kind == "tensor" and (number == _TENSOR_OUTSIDE or (number == _TENSOR_PLACE and value)):
            yield "numbers in another file", ""
        inside = _INSIDE[kind].get(number)
        if inside in ("function", "training"):
            yield f"a {inside} of its own", ""
        elif inside is not None:
            if isinstance(value, int):
                raise ValueError(f"a number where a {inside} should be")
            yield from _facts(value, inside, depth + 1)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yield the fields of a protobuf message: number, and content; plain numbers but for varints are passed over."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, place = _varint(message, place)
            yield number, value
        elif wire == _LENGTH:
            length, place = _varint(message, place)
            if length > len(message) - place:
                raise ValueError("it ends too soon")
            yield number, message[place : place + length]
            place += length
        elif wire in (_EIGHT_BYTES, _FOUR_BYTES):
            place += 8 if wire == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"field {number} of an unknown kind")


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number of too many bytes")


def _text(value: memoryview | int) -> str:
    if isinstance(value, int):
        raise ValueError("a number where a name should be")
    return bytes(value[:200]).decode("utf-8", "replace")
