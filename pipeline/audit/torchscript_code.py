"""What a TorchScript archive would run: its code is read as text, its pickles by their opcodes; none of it is loaded."""

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
_OPERATORS = frozenset(
    """
    torch._convolution torch.conv1d torch.conv2d torch.conv3d torch.conv_transpose3d torch.batch_norm
    torch.instance_norm torch.group_norm torch.layer_norm torch.linear torch.matmul torch.mm torch.bmm torch.addmm
    torch.relu torch.relu_ torch.leaky_relu torch.leaky_relu_ torch.elu torch.gelu torch.silu torch.sigmoid torch.tanh
    torch.softmax torch.log_softmax torch.softplus torch.mish torch.prelu torch.dropout torch.feature_dropout
    torch.max_pool2d torch.max_pool3d torch.avg_pool2d torch.avg_pool3d torch.adaptive_avg_pool2d
    torch.adaptive_avg_pool3d torch.adaptive_max_pool3d torch.upsample_trilinear3d torch.upsample_nearest3d
    torch.add torch.add_ torch.sub torch.sub_ torch.mul torch.mul_ torch.div torch.div_ torch.floordiv torch.neg
    torch.pow torch.sqrt torch.exp torch.log torch.abs torch.clamp torch.mean torch.sum torch.amax torch.max torch.min
    torch.cat torch.stack torch.split torch.chunk torch.view torch.reshape torch.flatten torch.permute torch.transpose
    torch.t torch.squeeze torch.unsqueeze torch.expand torch.contiguous torch.slice torch.select torch.pad
    torch.constant_pad_nd torch.zeros torch.ones torch.full torch.zeros_like torch.ones_like torch.tensor torch.to
    torch.detach torch.clone torch.size torch.dim torch.len torch.eq torch.ne torch.lt torch.gt torch.le torch.ge
    torch.format torch.append torch.__is__ torch.__isnot__ torch.__not__ torch.__contains__ torch.__getitem__
    torch.extend torch.list torch.warn torch.__range_length torch.__derive_index
    ops.prim.NumToTensor ops.prim.RaiseException ops.prim.device ops.prim.dtype ops.prim.unchecked_unwrap_optional
    """.split()
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
