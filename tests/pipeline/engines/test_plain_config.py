"""A config read as plain JSON says what MONAI makes of it, or that only MONAI reads it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.bundle import ConfigParser

from nodulus.pipeline.engines.plain_config import ConfigSaysMoreError, PlainConfig

NAMES = ("size", "spacing", "window", "root")
plain = st.one_of(st.integers(-9, 9), st.floats(-9, 9), st.booleans(), st.none(), st.sampled_from(["a", "b/c", "x y"]))
references = st.sampled_from(["@size", "@spacing", "@window", "@window#1", "$@window[0]", "$@root + '/models/a.json'"])
values = st.recursive(
    plain | references,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=6,
)


@settings(deadline=None, max_examples=60)
@given(values, st.lists(st.integers(-2000, 2000), min_size=2, max_size=3), st.text("abc/", max_size=5))
def test_it_says_what_monai_makes_of_it(value: Any, window: list[int], root: str) -> None:
    content = {"size": 33, "spacing": [0.5, 0.5, 1.0], "window": window, "root": root, "asked": value}
    found = PlainConfig(deepcopy(content), {}).value("asked")
    assert found == ConfigParser(config=content).get_parsed_content("asked")  # which rewrites what it is given


@pytest.mark.parametrize(
    "value",
    ["$1 + 1", "$@size + 1", "$[@size] * 3", "$import os", "%other.json::size", "@none", "$@window[7]", "$@size[0]",
     "@asked", "a@size", ["@window#x"], {"a": "$@f(1)"}],
    ids=str,
)  # fmt: skip
def test_of_anything_else_it_says_that_only_monai_reads_it(value: Any) -> None:
    config = PlainConfig({"size": 33, "window": [1, 2], "asked": value}, {})
    with pytest.raises(ConfigSaysMoreError):
        config.value("asked")


@pytest.mark.parametrize("key", ["+asked", "asked#a", "~asked", "asked::a"])
def test_keys_that_monai_merges_are_its_to_read(key: str) -> None:
    with pytest.raises(ConfigSaysMoreError, match="the key"):
        PlainConfig({key: 1}, {})


def test_the_hash_counts_all_that_is_referred_to_and_nothing_else() -> None:
    content = {"network": "$@definition.to(@device)", "definition": {"planes": "@planes"}, "planes": [1], "other": 1}

    def hashed(**changes: object) -> str:
        return PlainConfig({**content, **changes}, {}).sha256_of("network", ("device",))

    assert hashed() == hashed(other=2) == hashed(device="cuda")
    changes: list[dict[str, object]] = [{"planes": [2]}, {"definition": {"planes": 3}}, {"network": "@definition"}]
    assert len({hashed(), *(hashed(**change) for change in changes)}) == 4
