"""A small sample of `make fuzz`: damaged inputs of every family are read or refused in one line, in bounded time."""

from __future__ import annotations

import os
from random import Random

import pytest

from nodulus.transforms.problems import Problem, ProblemCode
from tests.fuzz import damage, watch
from tests.fuzz.__main__ import table, with_run
from tests.fuzz.families import FAMILIES
from tests.fuzz.subject import Family
from tests.fuzz.watch import Ended
from tests.support.pages import ROOT

SEED = int(os.environ.get("NODULUS_FUZZ_SEED", "7"))
N_INPUTS = 400


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_damaged_inputs_are_read_alike_or_refused_in_a_line(family: Family) -> None:
    n_inputs = N_INPUTS * family.share // sum(one.share for one in FAMILIES)
    ends = list(watch.watch(family.name, SEED, 0, n_inputs))
    assert len(ends) in (0, n_inputs)  # none where a family lives by real samples that are not here
    assert [one for one in ends if one.is_failure] == []


def test_an_input_that_hangs_is_told_and_the_next_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_SECONDS", 0.0)
    (first, *_) = watch.watch("label masks", SEED, 0, 1)
    assert (first.end, first.is_failure) == ("hang", True)


def test_the_table_counts_every_end() -> None:
    family = FAMILIES[0]
    ends = [
        Ended(family.name, "a", n, end, "", 0.5 * n, 100.0 * n)
        for n, end in enumerate(("refused", "equal", "other", "silent", "error", "hang", "killed"))
    ]
    last = table([family], ends).splitlines()[-1]
    assert last == "| all | 7 | 1 | 1 | 1 | 1 | 1 | 2 | 3.0 | 600 |"
    assert [one.end for one in ends if one.is_failure] == ["silent", "error", "hang", "killed"]


def test_a_run_takes_the_place_of_the_last_one_on_the_page() -> None:
    page = (ROOT / "docs" / "records" / "hostile-inputs.md").read_text(encoding="utf-8")
    once = with_run(page, "a table\n")
    assert "a table\n" in once
    assert "| all |" not in once
    assert with_run(once, "another\n") == once.replace("a table\n", "another\n")
    with pytest.raises(ValueError, match="begin"):
        with_run("no marks", "a table")


@pytest.mark.parametrize("way", [damage.of_bytes, damage.of_text, damage.of_json])
def test_the_seed_decides_what_is_damaged(way: damage.Damage) -> None:
    sound = b'{"a": [1, 2.5, {"b": "text"}], "c": null}'
    changed = [way(sound, Random(f"seed {n}")) for n in range(50)]
    assert changed == [way(sound, Random(f"seed {n}")) for n in range(50)]
    assert sum(one != sound for one in changed) > 40


def test_a_refusal_stays_a_line_that_can_be_read_whatever_it_quotes() -> None:
    problem = Problem(ProblemCode.UNSAFE_ARCHIVE, f"got a link, {'x' * 60_000}", ("y" * 60_000, "z"))
    assert len(str(problem)) < 2100
    assert [len(item) for item in problem.items] == [303, 1]
