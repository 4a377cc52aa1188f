"""A case's name alone says whose shard it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodulus.pipeline.scoring.cases import Case
from nodulus.pipeline.scoring.shard import Shard, read_shard
from nodulus.transforms.problems import UsageError

NAMES = st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=30, unique=True)


def cases_named(names: list[str]) -> list[Case]:
    return [Case(name, Path("scan"), ()) for name in names]


@given(NAMES, st.integers(1, 40))
def test_each_case_is_in_one_shard_at_its_place(names: list[str], n_shards: int) -> None:
    cases = cases_named(names)
    shared = [Shard(number=number, of=n_shards).among(cases) for number in range(1, n_shards + 1)]
    placed = {place: case for shard, held in shared for place, case in zip(shard.places.values(), held, strict=True)}
    assert [placed[place] for place in range(len(cases))] == cases
    assert sum(len(held) for _, held in shared) == len(cases)


@given(NAMES, st.data())
def test_rows_that_are_added_or_moved_move_no_case(names: list[str], data: st.DataObject) -> None:
    some = data.draw(st.permutations(names))[: data.draw(st.integers(1, len(names)))]
    shard = Shard(number=2, of=3)
    of_some, of_all = (set(shard.among(cases_named(each))[0].places) for each in (some, names))
    assert of_some == of_all & {name.encode("utf-8", "backslashreplace").decode() for name in some}


def test_the_split_is_that_of_every_machine_and_version() -> None:
    """What is computed today must be joined with what was computed yesterday."""
    held = [[name for name in map(str, range(12)) if read_shard(f"{number}/3").holds(name)] for number in (1, 2, 3)]
    assert held == [["0", "6", "8", "9", "10"], ["1", "2", "3", "4", "11"], ["5", "7"]]


def test_shards_are_about_equal() -> None:
    sizes = [len(read_shard(f"{n}/8").among(cases_named([f"case {i}" for i in range(8000)]))[1]) for n in range(1, 9)]
    assert min(sizes) > 900
    assert max(sizes) < 1100


@pytest.mark.parametrize(
    "text", ["", "1", "/", "0/2", "3/2", "-1/2", "1/0", "a/b", "1/2/3", "\uff11/\uff12", "1.0/2", " 1/2"]
)
def test_what_names_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Expected --shard i/n with i from 1 to n, got "):
        read_shard(text)
