"""A method passes when the worse end of every interval keeps its limit, and the page says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("captum", reason="extra bench")
from benchmarks.explain.measure import MethodRow, NoduleRow
from benchmarks.explain.methods import CANDIDATES, CONTROLS
from benchmarks.explain.page import render
from benchmarks.explain.random_weights import STAGE_NAMES
from benchmarks.explain.record import LEAST, MOST, Explanations, Made, summarise
from benchmarks.places import DOCS
from nodulus.pipeline.readout.calibration import read_calibration

N = 60
GOOD, *OTHERS = CANDIDATES
WELL = {"heat_share": 0.6, "repeated": 0.95, "randomised": 0.1, "fall": 5.0, "hit": 1.0}


def row(index: int, of_good: dict[str, float]) -> NoduleRow:
    """Return a nodule on which one candidate does as it is told, all others and the controls do badly."""
    noise = np.random.default_rng(index).normal(0, 0.02)

    def method(reached: dict[str, float]) -> MethodRow:
        return MethodRow(
            heat_share=reached["heat_share"] + noise,
            hit=np.random.default_rng(index).random() < reached["hit"],
            repeated=(reached["repeated"] + noise,) * 3,
            randomised=dict.fromkeys(STAGE_NAMES, abs(reached["randomised"] + noise)),
            fall=reached["fall"] + noise * (1 + index % 3),
        )

    badly = {"heat_share": 0.2, "repeated": 0.5, "randomised": 0.9, "fall": 1.0, "hit": 0.2}
    return NoduleRow(
        nodule_id=f"N{index}",
        patient_id=f"P{index // 2}",
        label=index % 2,
        diameter_mm=8.0,
        margin=0.0,
        area_share=0.2,
        fall_blobs=0.9,
        fall_voxels=0.8,
        methods={name: method(of_good if name == GOOD else badly) for name in (*CANDIDATES, *CONTROLS)},
    )


def record(**changes: float) -> Explanations:
    made = Made("a command", "0" * 64, not_shown=0, margin_of_air=0.5, additive=None)
    return summarise([row(index, WELL | changes) for index in range(N)], made)


def test_what_keeps_every_limit_passes_and_nothing_else_does() -> None:
    found = record()
    assert found.passes == (GOOD,)
    assert found.candidates[GOOD].misses == ()
    assert all({"repeatability", "random weights"} <= set(found.candidates[name].misses) for name in OTHERS)
    assert all("random weights" in control.misses for control in found.controls.values())
    assert (found.nodules, found.patients) == (N, N // 2)


@pytest.mark.parametrize(
    ("change", "misses"),
    [
        ({"heat_share": 0.3}, {"concentration"}),
        ({"hit": 0.78}, {"pointing"}),  # the mean keeps the limit, its interval does not
        ({"repeated": 0.79}, {"repeatability"}),
        ({"randomised": 0.51}, {"random weights"}),
        ({"fall": 0.95}, {f"over {name}" for name in CONTROLS}),
        ({"fall": 0.5}, {"over blobs", "over voxels", *(f"over {name}" for name in CONTROLS)}),
    ],
)
def test_one_limit_that_is_not_kept_is_enough(change: dict[str, float], misses: set[str]) -> None:
    found = record(**change)
    assert found.passes == ()
    assert set(found.candidates[GOOD].misses) == misses
    is_only_deletion = all(measure.startswith("over ") for measure in misses)
    assert found.passes_but_deletion == ((GOOD,) if is_only_deletion else ())


def test_the_page_says_what_the_record_says() -> None:
    page = render(record())
    assert f"Passes: {GOOD}." in page
    assert f"| {GOOD} | **yes** | nothing |" in page
    assert "**None passes.**" in render(record(repeated=0.5))
    for measure, limit in (*LEAST.items(), *MOST.items()):
        assert f"{measure}, {'>' if measure in LEAST else '<'} {limit:g}" in page


def test_the_limits_are_those_that_were_written_down() -> None:
    assert {name: limit for name, limit in LEAST.items() if limit} == {
        "concentration": 1.5,
        "pointing": 0.75,
        "repeatability": 0.8,
    }
    assert MOST == {"random weights": 0.5}


def test_the_page_among_the_docs_is_that_of_the_bundle_s_record(bundle: Path) -> None:
    stored = Explanations.model_validate_json((bundle / "docs" / "explanations.json").read_text())
    assert (DOCS / "records" / "explanations.md").read_text() == render(stored)
    calibration = read_calibration(bundle / "models" / "calibration.json")
    if stored.weights_sha256 == calibration.weights_sha256:
        assert stored.additive == calibration.additive
    else:
        assert "**Not of the weights that are shipped now**" in render(stored)
