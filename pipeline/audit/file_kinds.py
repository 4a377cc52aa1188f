"""What a file of a bundle is, by its first bytes and its name, and what it would run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from nodulus.pipeline.json_files import parse_json

from .checkpoints import checkpoint_found, is_pickle
from .config_items import items_found
from .finding import Finding, Kind
from .logging_config import logging_found
from .onnx_graph import onnx_found
from .openvino_network import NUMBERS, network_found
from .own_code import CODE_FOLDER
from .places import BundleFile

CONFIGS = "configs/"
_LAYOUT = str.maketrans("\n\t", "  ")
_MOST_BYTES = 16 * 2**20  # of a text that is parsed
_NATIVE = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa")
_NATIVE_SUFFIXES = frozenset([".dll", ".dylib", ".engine", ".exe", ".plan", ".pyd", ".so"])
_ARCHIVES = (b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\xfd7zXZ", b"BZh", b"\x1f\x8b")
_PICKLE = re.compile(rb"\x80[\x02-\x05]", re.DOTALL)
_CHECKPOINTS = frozenset([".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pt2", ".pth", ".ts"])
_SCRIPTS = frozenset([".bat", ".cmd", ".ipynb", ".ps1", ".pyc", ".pyi", ".pyo", ".pyx", ".sh"])
_YAMLS = frozenset([".yaml", ".yml"])
_LOGGING = frozenset([".cfg", ".conf", ".ini"])
_INERT = frozenset([".csv", ".gif", ".jpeg", ".jpg", ".md", ".png", ".rst", ".safetensors", ".tsv", ".txt"])
_INERT_NAMES = frozenset([".DS_Store", ".gitattributes", ".gitignore", "LICENSE", "NOTICE", "README", "SHA256SUMS"])
# Without any of these JSON says nothing to MONAI; a backslash may spell one of them, a zero be half a letter.
_MAY_ACT = (b'"$', b'"%', b'"@', b"\\", b"_target_", b"_mode_", b"_debug_", b"\0")


def file_found(file: BundleFile, own: dict[str, Path], beside: Collection[str] = ()) -> Iterator[Finding]:
    """Yield what a file is and what it would run.

    Args:
        file: the file.
        own: the code of this installation by its name in a bundle; a copy of it is known.
        beside: the names of all files of the bundle.
    """
    try:
        if _is_numbers(file, beside):
            yield Finding(file.name, "", Kind.OPENVINO, "numbers")
        else:
            yield from _found(file, own)
    except (OSError, ValueError, RecursionError) as error:
        yield Finding(file.name, "", Kind.TEXT, "", f"cannot be read: {error or type(error).__name__}")


def _found(file: BundleFile, own: dict[str, Path]) -> Iterator[Finding]:
    start = file.read(8)
    suffix = PurePosixPath(file.name).suffix.lower()
    if file.name.startswith(f"{CODE_FOLDER}/"):
        yield _copy_found(file, own)
    elif start.startswith(_NATIVE) or suffix in _NATIVE_SUFFIXES:
        yield Finding(file.name, "", Kind.NATIVE_CODE, "", "machine code")
    elif suffix == ".py":
        yield Finding(file.name, "", Kind.SCRIPT, _imports_of(_text(file)), "Python of the bundle's own")
    elif start.startswith(b"#!") or suffix in _SCRIPTS:
        yield Finding(file.name, "", Kind.SCRIPT, "", "a program")
    elif start.startswith(b"PK") or _PICKLE.match(start) or suffix in _CHECKPOINTS:
        yield from checkpoint_found(file)
    elif suffix == ".onnx":
        yield from onnx_found(file)
    elif suffix == ".xml":
        yield from network_found(file)
    elif start.startswith(_ARCHIVES):
        yield Finding(file.name, "", Kind.FILE, "", "an archive inside the bundle")
    elif suffix == ".json" or suffix in _YAMLS:
        yield from _config_found(file, is_yaml=suffix in _YAMLS)
    elif suffix in _LOGGING:
        yield from logging_found(_text(file), file.name)
    elif suffix not in _INERT and PurePosixPath(file.name).name not in _INERT_NAMES:
        yield Finding(file.name, "", Kind.FILE, "", "a kind of file that is not on the list")


def _is_numbers(file: BundleFile, beside: Collection[str]) -> bool:
    """Return whether a file is the numbers of OpenVINO's network: one lies beside it, and none of it is a pickle."""
    stem = PurePosixPath(file.name)
    if stem.suffix != NUMBERS or stem.with_suffix(".xml").as_posix() not in beside:
        return False
    # Numbers may begin with any bytes; what is loaded as a checkpoint is a zip, or a pickle from its first byte to its
    # last opcode.
    start = file.read(8)
    return not start.startswith((b"PK", b"#!", *_NATIVE)) and not (_PICKLE.match(start) and is_pickle(file))


def _config_found(file: BundleFile, *, is_yaml: bool) -> Iterator[Finding]:
    content = _bytes(file)
    if not (is_yaml or file.name.startswith(CONFIGS) or any(sign in content for sign in _MAY_ACT)):
        return
    if is_yaml:
        from .yaml_text import parse_yaml  # loaded late: few bundles hold any

        value, problems = parse_yaml(content.decode("utf-8"))
        yield from (Finding(file.name, key, Kind.TEXT, tag, problem) for key, tag, problem in problems)
    else:
        value = parse_json(content)
    yield from items_found(value, file.name)
    if file.name.startswith(CONFIGS) and "metadata" in file.name:
        yield from _texts_found(value, file.name)


def _texts_found(value: object, file: str, key: str = "") -> Iterator[Finding]:
    """Yield the texts of a metadata file that would act in a terminal, if they were printed as they are."""
    if isinstance(value, str) and not value.translate(_LAYOUT).isprintable():
        yield Finding(file, key, Kind.TEXT, value, "holds control characters")
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from _texts_found(name, file, key)
        yield from _texts_found(part, file, f"{key}#{name}" if key else str(name))


def _copy_found(file: BundleFile, own: dict[str, Path]) -> Finding:
    """Return what a file among the code that travels with a bundle is: a copy of this installation's, or another."""
    original = own.get(file.name)
    if original is not None and _bytes(file) == original.read_bytes():
        return Finding(file.name, "", Kind.SCRIPT, "as in this installation")
    is_cache = "/__pycache__/" in file.name
    problem = "compiled Python, left by a run: delete it" if is_cache else "not as in this installation of nodulus"
    return Finding(file.name, "", Kind.SCRIPT, "", problem)


def _imports_of(text: str) -> str:
    """Return what a Python file imports, for people; nothing rests on it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "that does not parse"
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return f"that imports {', '.join(sorted(set(names)))}" if names else ""


def _text(file: BundleFile) -> str:
    return _bytes(file).decode("utf-8")


def _bytes(file: BundleFile) -> bytes:
    if file.size > _MOST_BYTES:
        raise ValueError(f"{file.size} bytes, {_MOST_BYTES} at most")
    return file.read(_MOST_BYTES)
