"""Writes the pages of reference that are made from the code: results, series gate, metrics and commands.

python -m benchmarks.release.reference
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import EnumMeta
from pathlib import Path
from typing import Any, get_args

import typer
from pydantic import BaseModel
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from benchmarks.places import DOCS
from nodulus.pipeline.command.main import app
from nodulus.pipeline.evaluation.record import Evaluation
from nodulus.pipeline.exit_codes import ExitCode
from nodulus.pipeline.files import write_text
from nodulus.pipeline.results.record import Results, results_schema
from nodulus.transforms.gate.page import render_gate_page

GENERATED = "This page is generated: `make schema`.\n"
RESULTS = f"""# results.json

What `nodulus infer`, `Scorer` and MONAI's `bundle run` write, one record a case; `results.csv` is its table, one row a
nodule. [The schema](../schema/results-1.2.schema.json) is the same for programs; what the numbers mean says
[the score](../explanation/the-score.md). {GENERATED}"""
METRICS = f"""# metrics.json

What `nodulus evaluate` measures, in the order of the file. [How to read it](../explanation/evaluation.md) explains the
measures. {GENERATED}"""
COMMANDS = f"""# Commands

`nodulus COMMAND --help` says the same. {GENERATED}"""
_EXIT_CODES = {
    ExitCode.OK: "all scored, or written",
    ExitCode.INTERNAL_ERROR: "internal error: a fault of ours (`NODULUS_DEBUG=1` shows the traceback)",
    ExitCode.USAGE: "usage: the call is wrong, or a table, list or bundle is missing or malformed: nothing is written; "
    "or the output folder is another run's, full or lost: what was scored is kept",
    ExitCode.INPUT_REFUSED: "refused: the input is not fit to be scored, and `results.json` says why; or the bundle is"
    " not fit to be run",
    ExitCode.SOME_FAILED: "some cases or nodules were not scored, all others were",
    ExitCode.ARCHIVE_FAILED: "the archive did not answer, refused or broke off (`nodulus pacs`): try again",
    ExitCode.STOPPED: "stopped by Ctrl-C or SIGTERM: what was scored is kept",
}
_ARGUMENT = re.compile(r"^ *(\w+): (.+)$")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.release.reference", description=__doc__)
    parser.add_argument("--docs", type=Path, default=DOCS, help="its folders reference/ and schema/ receive the pages")
    folder = parser.parse_args(arguments).docs
    for name, text in pages().items():
        write_text(folder / name, text)


def pages() -> dict[str, str]:
    """Return every page by its path in the folder of the docs."""
    return {
        "reference/results.md": RESULTS + _record_page(Results),
        "schema/results-1.2.schema.json": results_schema(),
        "reference/series-gate.md": render_gate_page(),
        "reference/metrics.md": METRICS + _record_page(Evaluation),
        "reference/commands.md": COMMANDS + _commands_page(),
    }


def _record_page(record: type[BaseModel]) -> str:
    """Return a section for a record and each record inside it, in the order in which the file meets them."""
    schema = record.model_json_schema()
    schemas = {record.__name__: schema, **schema.get("$defs", {})}
    sections = [_record_section(name, schemas[name]) for name in _in_order(record.__name__, schemas)]
    return "\n" + "\n\n".join(sections) + "\n"


def _in_order(name: str, schemas: Mapping[str, Any], seen: tuple[str, ...] = ()) -> tuple[str, ...]:
    if name in seen:
        return seen
    seen = (*seen, name)
    for inner in re.findall(r"'\$ref': '#/\$defs/(\w+)'", str(schemas[name]["properties"])):
        seen = _in_order(inner, schemas, seen)
    return seen


def _record_section(name: str, schema: Mapping[str, Any]) -> str:
    about, _, arguments = inspect.cleandoc(schema.get("description", "")).partition("Args:\n")
    told = _told(arguments)
    rows = [
        (f"`{field}`", _type(of), "" if field in schema.get("required", ()) else _default(of), told.get(field, ""))
        for field, of in schema["properties"].items()
    ]
    return "\n\n".join([f"## {name}", about.strip().replace("``", "`"), _table(("field", "is", "or else", ""), rows)])


def _told(arguments: str) -> dict[str, str]:
    """Return what a docstring says of each argument; a further indented line goes on with the one before."""
    told: dict[str, str] = {}
    for line in arguments.splitlines():
        if match := _ARGUMENT.match(line):
            told[match[1]] = match[2]
        elif told and line.strip():
            told[next(reversed(told))] += f" {line.strip()}"
    return {name: text.replace("``", "`") for name, text in told.items()}


def _type(schema: Mapping[str, Any]) -> str:
    """Return in a word or two what a value is."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", (schema.get("const"),)))
    if "prefixItems" in schema:
        return f"{len(schema['prefixItems'])} of: {_type(schema['prefixItems'][0])}"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"by name: {_type(inner)}" if isinstance(inner, Mapping) else "by name"
    return str(schema.get("type", "any"))


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    return (
        "empty" if default in ([], {}, "") or "default" not in schema else f"`{'null' if default is None else default}`"
    )


def _commands_page() -> str:
    commands = dict(_commands(typer.main.get_command(app), "nodulus"))
    codes = _table(("code", "says"), [(str(int(code)), text) for code, text in _EXIT_CODES.items()])
    return "\n" + "\n\n".join([*commands.values(), "## Exit codes", codes]) + "\n"


def _commands(command: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield the section of a command, or of each command in a group."""
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from _commands(inner, f"{path} {name}")
        return
    if not isinstance(command, TyperCommand):
        return
    rows = [_option(each) for each in command.params if isinstance(each, TyperOption | TyperArgument)]
    about, _, examples = inspect.cleandoc(command.help or "").replace("Example:", "Examples:").partition("Examples:")
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    shown = ["\n".join(["<!-- not run: the names are examples -->", "```bash", *lines, "```"])] if lines else []
    yield path, "\n\n".join([f"## {path}", about.strip(), _table(("option", "says", "default"), rows), *shown])


def _option(parameter: TyperOption | TyperArgument) -> tuple[str, str, str]:
    """Return an option's names, what it says, and its default."""
    is_option = isinstance(parameter, TyperOption)
    names = [*parameter.opts, *parameter.secondary_opts] if is_option else [str(parameter.metavar)]
    kind = parameter.type_descriptor.annotation
    choices = getattr(kind, "__members__", {}).values() if isinstance(kind, EnumMeta) else get_args(kind)
    values = ", ".join(f"`{getattr(each, 'value', each)}`" for each in choices if isinstance(each, str))
    default = parameter.default
    is_empty = default is None or default is False or default == ""
    shown = "must be given" if parameter.required else "" if is_empty else f"`{getattr(default, 'value', default)}`"
    return ", ".join(f"`{name}`" for name in names), f"{parameter.help or ''} {values and values + '.'}".strip(), shown


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


if __name__ == "__main__":
    main()
