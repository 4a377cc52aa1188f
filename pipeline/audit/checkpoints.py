"""Whether a checkpoint holds weights alone: read from its pickle's opcodes, never unpickled."""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Iterator
from typing import IO

from nodulus.transforms.sources.zip_sources import ARCHIVE_ERRORS

from .finding import Finding, Kind
from .places import BundleFile
from .torchscript_code import is_torchscript, torchscript_found

_MOST_BYTES = 64 * 2**20  # of a pickle: the names and shapes of weights, whose numbers lie beside it
_LEGACY_PARTS = 5  # torch before 1.6: magic number, version, system, weights, names; then the numbers
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
# What torch's own weights-only reader takes (2.13: _weights_only_unpickler), and LONG1 of the older files.
_OPCODES = (
    "APPEND", "APPENDS", "BINFLOAT", "BINGET", "BININT", "BININT1", "BININT2", "BINPERSID", "BINPUT", "BINUNICODE",
    "BUILD", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_SET", "EMPTY_TUPLE", "GLOBAL", "LONG1", "LONG_BINGET", "LONG_BINPUT",
    "MARK", "NEWFALSE", "NEWOBJ", "NEWTRUE", "NONE", "PROTO", "REDUCE", "SETITEM", "SETITEMS", "SHORT_BINSTRING",
    "STOP", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
)  # fmt: skip
_STORAGES = (
    "BFloat16", "Bool", "Byte", "Char", "ComplexDouble", "ComplexFloat", "Double", "Float", "Half", "Int", "Long",
    "Short",
)  # fmt: skip
_DTYPES = (
    "bfloat16", "bool", "complex128", "complex64", "float16", "float32", "float64", "int16", "int32", "int64", "int8",
    "uint8",
)  # fmt: skip
_GLOBALS = frozenset(
    [
        "collections.OrderedDict",
        "torch.Size",
        "torch.Tensor",
        "torch.device",
        "torch.nn.parameter.Parameter",
        "torch.serialization._get_layout",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch.storage.UntypedStorage",
        *(f"torch.{name}Storage" for name in _STORAGES),
        *(f"torch.{name}" for name in _DTYPES),
    ]
)

# In TorchScript, which torch reads without Python: the program's own classes, and its lists of numbers.
_OF_PROGRAMS = ("__torch__.", "torch.jit._pickle.")
_NATIVE = (".so", ".pyd", ".dll", ".dylib")


def checkpoint_found(file: BundleFile) -> Iterator[Finding]:
    """Yield what a zip or a pickle is: weights, or something that acts when it is loaded."""
    try:
        with file.open() as stream:
            if stream.read(4) == b"PK\x03\x04":  # as torch tells the two
                stream.seek(0)
                yield from _zip_found(file.name, stream)
            else:
                stream.seek(0)
                yield from _pickles_found(file.name, stream)
    except ARCHIVE_ERRORS as error:
        yield Finding(file.name, "", Kind.CHECKPOINT, "", f"damaged, {error}: get the bundle, or train, again")


def is_pickle(file: BundleFile) -> bool:
    """Return whether a file begins with a whole pickle, whatever it does."""
    finding, *_ = _pickle_found(file.name, "", file.read(_MOST_BYTES), 0)
    return "no whole pickle" not in finding.problem


def _zip_found(name: str, stream: IO[bytes]) -> Iterator[Finding]:
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        pickles = [member for member in members if member.filename.endswith(".pkl")]
        code = [member.filename for member in members if member.filename.endswith(_NATIVE)]
        if code:
            yield Finding(name, code[0], Kind.NATIVE_CODE, "", "machine code")
            return
        is_program = is_torchscript(members)
        if is_program:
            yield from torchscript_found(name, archive)
        elif script := next((member.filename for member in members if member.filename.endswith(".py")), ""):
            yield Finding(name, script, Kind.SCRIPT, "", "Python among weights")
            return
        if not any(member.filename.endswith("/data.pkl") for member in pickles):
            yield Finding(name, "", Kind.FILE, "", "an archive inside the bundle")
            return
        if len({member.filename.casefold() for member in members}) < len(members):
            yield Finding(name, "", Kind.CHECKPOINT, "", "holds two members of one name")
            return
        for member in pickles:
            with archive.open(member) as inner:
                found, *_ = _pickle_found(name, member.filename, inner.read(_MOST_BYTES + 1), 0, is_program=is_program)
                yield found


def _pickles_found(name: str, stream: IO[bytes]) -> Iterator[Finding]:
    """Yield what the pickles at a file's start are; of a legacy checkpoint there are five, and then its numbers."""
    content, start = stream.read(_MOST_BYTES + 1), 0
    for part in range(_LEGACY_PARTS):
        finding, end, first = _pickle_found(name, f"pickle {part}" if part else "", content, start)
        yield finding
        if not finding.is_allowed or (part == 0 and first != _LEGACY_MAGIC):
            return
        start = end


def _pickle_found(
    name: str, key: str, content: bytes, start: int, *, is_program: bool = False
) -> tuple[Finding, int, object]:
    """Return what a pickle in some bytes is, where it ends, and the first number in it; a program names its own."""
    acts: list[str] = []
    known: list[str] = []
    first: object = None
    try:
        for opcode, argument, place in pickletools.genops(content[start:]):
            if opcode.name == "GLOBAL":
                called = str(argument).replace(" ", ".")
                is_own = is_program and called.startswith(_OF_PROGRAMS)
                (known if is_own or called in _GLOBALS else acts).append(called)
            elif opcode.name not in _OPCODES:
                acts.append(opcode.name)
            if first is None and opcode.name == "LONG1":
                first = argument
            end = start + (place or 0) + 1
    except (ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        problem = f"loads {acts[0]}" if acts else f"no whole pickle: {error}"
        return Finding(name, key, Kind.CHECKPOINT, "", problem), start, first
    if len(content) > _MOST_BYTES:
        return Finding(name, key, Kind.CHECKPOINT, "", f"a pickle of more than {_MOST_BYTES} bytes"), start, first
    found = f"weights alone, by {', '.join(sorted(set(known)))}" if known else "a pickle of plain values"
    if acts:
        found = ", ".join(dict.fromkeys(acts))
    return Finding(name, key, Kind.CHECKPOINT, found, f"loads {acts[0]}" if acts else ""), end, first
