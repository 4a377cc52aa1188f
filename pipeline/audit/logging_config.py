"""What a logging configuration would run: `logging.config.fileConfig` evaluates several of its values as Python."""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterator

from .finding import Finding, Kind

# A file handler writes anywhere, a socket's or a mail's sends: neither is needed to be heard.
_CLASSES = frozenset(["StreamHandler", "logging.StreamHandler", "NullHandler", "logging.NullHandler", "Formatter",
                      "logging.Formatter"])  # fmt: skip
_STREAMS = frozenset(["sys.stdout", "sys.stderr"])
_EVALUATED = frozenset(["args", "kwargs"])
_TEXTS = frozenset(
    ["datefmt", "format", "formatter", "formatters", "handlers", "keys", "level", "propagate", "qualname", "style"]
)


def logging_found(text: str, file: str) -> Iterator[Finding]:
    """Yield the values of a logging configuration that act, and those that nobody knows."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except (configparser.Error, ValueError) as error:
        yield Finding(file, "", Kind.LOGGING, "", f"cannot be read: {error}")
        return
    for section in (parser.default_section, *parser.sections()):
        options = parser.defaults() if section == parser.default_section else dict(parser.items(section))
        for option, value in options.items():
            yield from _judge(option, value, f"[{section}] {option}", file)


def _judge(option: str, value: str, key: str, file: str) -> Iterator[Finding]:
    if option == "class":
        problem = "" if value.strip() in _CLASSES else "not on the list"
        yield Finding(file, key, Kind.LOGGING, value, problem)
    elif option in _EVALUATED:
        problem = "" if _is_literal(value) else "evaluated as Python, and no literal"
        yield Finding(file, key, Kind.LOGGING, value, problem)
    elif option not in _TEXTS:  # `defaults` of a formatter is one: Python 3.12 evaluates it
        yield Finding(file, key, Kind.LOGGING, value, "an option that is not on the list")


def _is_literal(value: str) -> bool:
    try:
        tree = ast.parse(value.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return _is_plain(tree.body, 0)


def _is_plain(node: ast.expr, depth: int) -> bool:
    if isinstance(node, ast.Attribute):
        return ast.unparse(node) in _STREAMS
    if isinstance(node, ast.Tuple | ast.List) and depth < 8:
        return all(_is_plain(part, depth + 1) for part in node.elts)
    return isinstance(node, ast.Constant)
