"""What the log says of a case: every nodule once, and what is wrong as a warning."""

from __future__ import annotations

import logging

from nodulus.pipeline.results.record import CaseResult, NoduleResult, Probabilities, ProblemRecord
from nodulus.pipeline.results.score_lines import score_lines

PLACE = {"center_lps_mm": (1.0, 2.0, 3.0), "diameter_mm": 9.0}


def test_scores_are_told_and_what_is_wrong_is_a_warning() -> None:
    case = CaseResult(
        case_id="a\x1bcase",
        input="scan",
        status="scored",
        warnings=(ProblemRecord(code="no_lung", message="Expected lung"),),
        nodules=(
            NoduleResult.model_validate(
                {
                    "nodule_id": "N1",
                    "probabilities": Probabilities(benign=0.25, malignant=0.75),
                    "size_only": Probabilities(benign=0.4, malignant=0.6),
                    "flags": [ProblemRecord(code="outside_training_range", message="Expected less")],
                    **PLACE,
                }
            ),
            NoduleResult.model_validate(
                {"nodule_id": "N2", "problem": ProblemRecord(code="nodule_outside", message="Expected inside"), **PLACE}
            ),
        ),
    )
    assert list(score_lines([case])) == [
        (logging.WARNING, r"a\x1bcase: no_lung: Expected lung"),
        (logging.INFO, r"a\x1bcase, nodule N1: malignant 0.750, benign 0.250, by size only 0.600 malignant"),
        (logging.WARNING, r"a\x1bcase, nodule N1: flagged: outside_training_range: Expected less"),
        (logging.WARNING, r"a\x1bcase, nodule N2: not scored: nodule_outside: Expected inside"),
    ]


def test_a_refused_case_has_no_lines_of_its_own() -> None:
    problem = ProblemRecord(code="tilted", message="Expected straight slices")
    assert list(score_lines([CaseResult(case_id="a", input="scan", status="refused", problem=problem)])) == []
