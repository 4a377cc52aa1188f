"""What an earlier nodulus wrote is read still; what a later one wrote is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nodulus.pipeline.results.record import Results, read_results
from nodulus.transforms.problems import UsageError

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = ROOT / "docs" / "schema"
KNOWN = json.loads((ROOT / "tests" / "behaviour" / "known_results.json").read_text())
EARLIER: dict[str, Any] = {
    "schema_version": "1",
    "created": "2026-01-01T00:00:00+00:00",
    "software": {"name": "nodulus", "version": "0.3.0"},
    "bundle": {
        "name": "b",
        "version": "0.3.0",
        "weights_sha256": "0" * 64,
        "score_meaning": "x",
        "operating_points": [],
    },
    "engine": "torch",
    "cases": [{"input": "scan", **case} for cases in KNOWN.values() for case in cases],
}


def test_a_record_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    jsonschema.validate(EARLIER, json.loads((SCHEMAS / "results-1.schema.json").read_text()))
    path = tmp_path / "results.json"
    path.write_text(json.dumps(EARLIER))
    found = read_results(path)
    assert [nodule.probabilities for case in found.cases for nodule in case.nodules] != []
    assert (found.schema_version, found.run, found.cases[0].files) == ("1", None, ())


def test_a_record_of_the_version_before_keeps_its_schema_and_is_read(tmp_path: Path) -> None:
    before = {**EARLIER, "schema_version": "1.1"}
    jsonschema.validate(before, json.loads((SCHEMAS / "results-1.1.schema.json").read_text()))
    path = tmp_path / "results.json"
    path.write_text(json.dumps(before))
    found = read_results(path)
    assert (found.bundle.prevalence, found.cases[0].nodules[0].prevalence, found.cases[0].nodules[0].patient) == (
        None, None, None,
    )  # fmt: skip


def test_an_earlier_record_keeps_the_schema_of_today_too() -> None:
    jsonschema.validate(EARLIER, Results.model_json_schema())


@pytest.mark.parametrize(
    "text", [json.dumps({**EARLIER, "schema_version": "1.9"}), json.dumps({**EARLIER, "more": 1}), "[]", "{", ""]
)
def test_what_is_no_record_of_ours_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"^Expected the results of nodulus.*, got .+ in .*results\.json") as error:
        read_results(path)
    assert "\n" not in str(error.value)
