"""What a TorchScript archive would run: its code read as text, its pickles by their opcodes; none of it is loaded."""

from __future__ import annotations

import ast
import re
import warnings
import zipfile
from collections.abc import Iterator

from .finding import Finding, Kind

_MOST_BYTES = 16 * 2**20  # of a text
# The archive's own parts, below its one folder; what MONAI adds lies in `extra/`.
_PARTS = re.compile(
    r"[^/]+/(code/[\w./]+\.py(\.debug_pkl)?|(data|constants|traced_inputs)\.pkl|(data|constants|traced_inputs)/\d+|version|byteorder|\.data/\w+"
    r"|\.format_version|\.storage_alignment|extra/[\w.]+)"
)
# Operators that compute and do nothing else. Left out for reaching a file or a library: from_file, save, load, and all
# that other packages bring (`ops.NAME`).
_TORCH = (
    "__contains__", "__derive_index", "__getitem__", "__is__", "__isnot__", "__not__", "__range_length",
    "_convolution", "abs", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool3d", "add", "add_",
    "addmm", "amax", "append", "avg_pool2d", "avg_pool3d", "batch_norm", "bmm", "cat", "chunk", "clamp", "clone",
    "constant_pad_nd", "contiguous", "conv1d", "conv2d", "conv3d", "conv_transpose3d", "detach", "dim", "div",
    "div_", "dropout", "elu", "eq", "exp", "expand", "extend", "feature_dropout", "flatten", "floor_divide",
    "floordiv", "format", "full", "ge", "gelu", "group_norm", "gt", "instance_norm", "layer_norm", "le", "leaky_relu",
    "leaky_relu_", "len", "linear", "list", "log", "log_softmax", "lt", "matmul", "max", "max_pool2d", "max_pool3d",
    "mean", "min", "mish", "mm", "mul", "mul_", "ne", "neg", "ones", "ones_like", "pad", "permute", "pow", "prelu",
    "relu", "relu_", "reshape", "select", "sigmoid", "silu", "size", "slice", "softmax", "softplus", "split", "sqrt",
    "squeeze", "stack", "sub", "sub_", "sum", "t", "tanh", "tensor", "to", "transpose", "unsqueeze",
    "upsample_nearest3d", "upsample_trilinear3d", "view", "warn", "zeros", "zeros_like",
)  # fmt: skip
_OPERATORS = frozenset(
    [
        *(f"torch.{name}" for name in _TORCH),
        "ops.prim.NumToTensor",
        "ops.prim.RaiseException",
        "ops.prim.device",
        "ops.prim.dtype",
        "ops.prim.unchecked_unwrap_optional",
    ]
)
_FUNCTIONS = frozenset(
    ["annotate", "bool", "float", "getattr", "int", "isinstance", "len", "range", "unchecked_cast", "uninitialized"]
)


def is_torchscript(members: list[zipfile.ZipInfo]) -> bool:
    """Return whether an archive holds a program, not weights alone, by the sign that torch tells them apart by."""
    return any(member.filename.endswith("/constants.pkl") for member in members)


def torchscript_found(name: str, archive: zipfile.ZipFile) -> Iterator[Finding]:
    """Yield what the code of a TorchScript archive calls; its pickles are judged as those of weights are."""
    for member in archive.infolist():
        if not _PARTS.fullmatch(member.filename):
            yield Finding(name, member.filename, Kind.TORCHSCRIPT, "", "no part of TorchScript")
        elif member.filename.endswith(".py"):
            with archive.open(member) as stream:
                yield _code_found(name, member.filename, stream.read(_MOST_BYTES + 1))


def _code_found(name: str, key: str, content: bytes) -> Finding:
    if len(content) > _MOST_BYTES:
        return Finding(name, key, Kind.TORCHSCRIPT, "", f"a text of more than {_MOST_BYTES} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(content.decode("utf-8"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Finding(name, key, Kind.TORCHSCRIPT, "", "that does not parse")
    own = _own_functions(tree)
    called = dict.fromkeys(word for node in ast.walk(tree) if (word := _called(node)) and word not in own)
    other = next((word for word in called if word not in _OPERATORS), "")
    operators = [word for word in called if word in _OPERATORS]
    problem = f"runs {other}, which is not on the list" if other else ""
    return Finding(name, key, Kind.TORCHSCRIPT, ", ".join(sorted(operators)), problem)


def _own_functions(tree: ast.AST) -> set[str]:
    """Return the names that stand for functions of the program itself (`_0 = __torch__.NAME`), and for nothing else."""
    bound: dict[str, list[bool]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.setdefault(node.id, []).append(False)
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            is_own = _dotted(node.value).startswith("__torch__.")
            bound.setdefault(node.targets[0].id, []).append(is_own)
    return {name for name, owns in bound.items() if sum(owns) * 2 == len(owns)}


def _called(node: ast.AST) -> str:
    """Return what a piece of code names that is torch's or another package's; empty of what is the program's own."""
    if isinstance(node, ast.Attribute):
        words = _dotted(node)
        return words if words.partition(".")[0] in ("torch", "ops") and not _is_type(words) else ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in _FUNCTIONS:
        return node.func.id
    if isinstance(node, ast.Import | ast.ImportFrom):
        return "import"
    return ""


def _dotted(node: ast.expr) -> str:
    """Return a name with its parts, `torch.nn.x`; empty where it begins with something else."""
    if isinstance(node, ast.Attribute):
        start = _dotted(node.value)
        return f"{start}.{node.attr}" if start else ""
    return node.id if isinstance(node, ast.Name) else ""


def _is_type(words: str) -> bool:
    """Return whether a name is the beginning of longer ones, as `ops.prim` is, which are looked at by themselves."""
    return words in ("ops.prim", "torch.nn")
