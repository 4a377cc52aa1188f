"""JSON is read as what it should be, or refused in one line that names the file; never with another error."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodulus.pipeline.json_files import read_json_as
from nodulus.pipeline.records import Record
from nodulus.transforms.problems import UsageError


class Leaf(Record, extra="allow"):
    """A record that keeps what else there is."""

    name: str
    value: float = 0.0


class Tree(Record, extra="allow"):
    """A record with a list of others."""

    leaves: tuple[Leaf, ...] = ()


ONE_LEAF = '{"leaves": [{"name": "first"}, {"name": "second", "more": %s}]}'


def refusal(path: Path, kind: type[Any] = Tree) -> str:
    """Return the line that a file is refused with."""
    with pytest.raises(UsageError) as caught:
        read_json_as(kind, path, "a tree", named_by="name")
    line = str(caught.value)
    assert line.startswith("Expected a tree")
    assert line.isprintable()
    assert path.name in line
    line.encode()  # no half surrogate pair, which no terminal takes
    return line


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "in JSON, got Expecting value"),
        ("{", "in JSON, got "),
        ("[]", "got the file: Input should be an object"),
        (ONE_LEAF % "NaN", "got the number NaN"),
        (ONE_LEAF % "-Infinity", "got the number -Infinity"),
        (ONE_LEAF % "1e999", "got the number 1e999"),
        (ONE_LEAF % ("9" * 400), "got a number of 400 digits"),
        (ONE_LEAF % ("9" * 5000), "got a number of 5000 digits"),
        (ONE_LEAF % r'"\ud800"', "hex escape"),
        (ONE_LEAF % ("[" * 250 + "]" * 250), "recursion limit"),
        ("[" * 100_000, "nested too deep"),
        ("[" * 100_000 + "]" * 100_000, "nested too deep"),
        (ONE_LEAF % '{"a": 1, "a": 2}', "got the key 'a' twice in one object"),
        (ONE_LEAF % '1, "value": "much"', "got leaves item 1 (second) value: Input should be a valid number"),
        ('{"leaves": [{"name": "a\\nb", "value": "x"}]}', r"(a\nb)"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_in_one_line(text: str, got: str, tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    path.write_text(text)
    line = refusal(path)
    assert got in line
    assert len(line) < 700 + len(str(path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_unicode_that_json_comes_in_is_understood(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    path.write_bytes('{"leaves": [{"name": "Lungenknötchen"}]}'.encode(encoding))
    assert read_json_as(Tree, path, "a tree").leaves[0].name == "Lungenknötchen"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    path.write_bytes(b'{"leaves": "\xff"}')
    assert "can't decode byte 0xff" in refusal(path)


def test_what_is_no_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    assert "found no file" in refusal(tmp_path / "none.json")
    assert "no regular file" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe.json")
    assert "no regular file" in refusal(tmp_path / "pipe.json")
    with (tmp_path / "large.json").open("wb") as large:
        large.truncate(6 * 2**30)  # sparse: it takes no room
    assert "bytes" in refusal(tmp_path / "large.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["leaves", "name", "value"]), inner),
)


@settings(deadline=None, max_examples=100)
@given(content=JSON, cut=st.integers(0, 400))
def test_whatever_a_file_holds_it_is_read_or_refused(
    content: object, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(content)[: cut or None])
    try:
        found = read_json_as(Tree, path, "a tree", named_by="name")
    except UsageError:
        refusal(path)
    else:
        path.write_text(found.model_dump_json())
        assert read_json_as(Tree, path, "a tree") == found


def test_any_type_that_pydantic_checks_is_read(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    path.write_text('[{"a": 1}]')
    assert read_json_as(list[dict[str, int]], path, "numbers") == [{"a": 1}]
