"""The record and its views."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from nodulus.pipeline.bundle.identity import BundleIdentity
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.results.measures import Measures
from nodulus.pipeline.results.record import (
    BrockRecord,
    CaseResult,
    NoduleResult,
    Probabilities,
    ProblemRecord,
    read_results,
    results_schema,
)
from nodulus.pipeline.results.results_csv import CSV_COLUMNS, results_csv
from nodulus.pipeline.results.run_record import results_of
from nodulus.pipeline.results.stability import Stability
from nodulus.pipeline.results.views import results_json, write_results
from nodulus.transforms.problems import UsageError

ROOT = Path(__file__).resolve().parents[3]
SCORED = NoduleResult(
    nodule_id="a",
    center_lps_mm=(1.5, -2.0, 3.25),
    diameter_mm=8.0,
    probabilities=Probabilities(benign=0.25, malignant=0.75),
    logits=(-0.5, 0.6),
)
CASES = (
    CaseResult(case_id="one", input="one.nii.gz", status="scored", nodules=(SCORED,)),
    CaseResult(
        case_id="two",
        input="two",
        status="refused",
        problem=ProblemRecord(code="missing_slices", message="Expected 2.5 mm, got 5 mm", items=("a.dcm @ -10.0 mm",)),
    ),
)
BUNDLE = BundleIdentity(name="bundle", version="0.1.0", weights_sha256="0" * 64, score_meaning="an opinion")


@pytest.mark.parametrize("n_cases", [0, 1, 2])
def test_a_record_written_case_by_case_is_the_same_as_one_written_at_once(n_cases: int) -> None:
    results = results_of(CASES[:n_cases], BUNDLE)
    assert results_json(results) == json.dumps(results.model_dump(mode="json"), indent=2) + "\n"


def test_json_round_trip_keeps_the_record(tmp_path: Path) -> None:
    results = results_of(CASES, BUNDLE)
    json_path, _ = write_results(results, tmp_path)
    assert read_results(json_path) == results


def test_csv_has_a_row_for_each_nodule_and_one_for_a_refused_case() -> None:
    scored, refused = csv.DictReader(results_csv(CASES).splitlines())
    assert (scored["x_mm"], scored["probability_malignant"], scored["problem"]) == ("1.5", "0.75", "")
    assert (refused["case_id"], refused["probability_malignant"]) == ("two", "")
    assert refused["problem"] == "missing_slices: Expected 2.5 mm, got 5 mm"


def test_csv_has_the_calls_brock_and_the_characteristics_in_digits_for_people() -> None:
    full = SCORED.model_copy(
        update={
            "center_lps_mm": (1.23456, -0.00001, -33.3333333),
            "probabilities": Probabilities(benign=1 - 1.23456789e-7, malignant=1.23456789e-7),
            "above": {"high_sensitivity": True, "high_specificity": False},
            "brock": BrockRecord(probability_cancer=1 / 3),
            "characteristics": dict.fromkeys(CHARACTERISTICS, 2 / 3),
        }
    )
    (row,) = csv.DictReader(results_csv([CASES[0].model_copy(update={"nodules": (full,)})]).splitlines())
    assert tuple(row) == CSV_COLUMNS
    assert [row[f"{axis}_mm"] for axis in "xyz"] == ["1.235", "0.0", "-33.333"]
    assert (row["probability_malignant"], row["brock_probability_cancer"]) == ("1.23457e-07", "0.333333")
    assert (row["above_high_sensitivity"], row["above_high_specificity"]) == ("yes", "no")
    assert {row[f"predicted_{name}"] for name in CHARACTERISTICS} == {"0.667"}


def test_csv_has_the_band_and_the_measures_or_why_there_are_none() -> None:
    band = Stability(low=0.1234567, high=0.5, n=16)
    size = Measures(volume_mm3=323.4, long_axis_mm=8.94, short_axis_mm=8.16, mean_hu=-105.4, method="outline 1")
    known = SCORED.model_copy(update={"stability": band, "measures": size})
    unknown = SCORED.model_copy(
        update={"stability": Stability(problem="a slice"), "measures": Measures(method="outline 1", problem="cut off")}
    )
    case = CASES[0].model_copy(update={"nodules": (known, unknown, SCORED)})
    columns = CSV_COLUMNS[CSV_COLUMNS.index("stability_low") : CSV_COLUMNS.index("flags")]
    rows = [[row[name] for name in columns] for row in csv.DictReader(results_csv([case]).splitlines())]
    assert rows == [
        ["0.123457", "0.5", "", "323.4", "8.94", "8.16", "-105.4", ""],
        ["", "", "a slice", "", "", "", "", "cut off"],
        [""] * 8,
    ]


def test_committed_schema_is_the_one_of_the_record() -> None:
    assert (ROOT / "docs" / "schema" / "results-1.2.schema.json").read_text() == results_schema(), "run: make schema"


def test_a_probability_beyond_one_is_no_record() -> None:
    with pytest.raises(ValidationError):
        Probabilities(benign=-0.1, malignant=1.1)


def test_a_failed_write_leaves_the_old_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    json_path, _ = write_results(results_of(CASES[:1], BUNDLE), tmp_path)
    before = json_path.read_bytes()

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", no_space)
    with pytest.raises(UsageError, match=f"^Expected to write {tmp_path}/results.csv, got: No space left on device$"):
        write_results(results_of(CASES, BUNDLE), tmp_path)
    assert json_path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".writing")] == []
