"""Who says where the nodules are: each object that marks some, a detector where none does, or nobody, in a word."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from nodulus.pipeline.detection.detector import Detector
from nodulus.pipeline.detection.found import Found
from nodulus.pipeline.listener.answer import Answerer
from nodulus.pipeline.listener.answers import last_report, put_in_place
from nodulus.pipeline.listener.make_answerer import make_answerer
from nodulus.pipeline.listener.marked import MOST_OBJECTS, MarkedOrDetected, NoNodulesError, marked_nodules
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.transforms.scan.open import open_ct
from tests.support.marked_study import write_marks
from tests.support.small_studies import SmallStudy

CENTER = (72.0, -14.0, 59.0)
SERIES, FIRST, SECOND = "5" * 32, "a" * 32, "b" * 32


class PlayedDetector:
    """Finds the nodules that it is told."""

    def __init__(self, *nodules: Nodule) -> None:
        self.nodules, self.n_asked = nodules, 0

    def find(self, volume: object, *, min_score: float) -> Found:
        self.n_asked += 1
        return Found("played 1.0", tuple(each for each in self.nodules if (each.detection_score or 0) >= min_score), ())


@pytest.fixture
def place(tmp_path: Path, model_study: SmallStudy) -> Path:
    """Return a study's folder as the spool keeps it, with images alone."""
    folder = tmp_path / "study" / SERIES
    folder.mkdir(parents=True)
    for number, image in enumerate(model_study.images):
        image.save_as(folder / f"{number:032x}.ct.dcm")
    return folder.parent


def mark(study: Path, name: str, kind: str) -> Path:
    folder = study / ("7" * 32)
    folder.mkdir(exist_ok=True)
    return write_marks(kind, study / SERIES, folder / f"{name}.mark.dcm")


def found_by(find: Any, study: Path, uid: str) -> dict[str, int]:
    found = find(study / SERIES, uid, sorted(study.glob("*/*.mark.dcm")))
    return {name: len(each.nodules) for name, each in found.items()}


def why_none(find: Any, study: Path, uid: str) -> str:
    with pytest.raises(NoNodulesError) as refused:
        find(study / SERIES, uid, sorted(study.glob("*/*.mark.dcm")))
    return refused.value.code


def test_each_object_that_marks_nodules_is_a_source(place: Path, model_study: SmallStudy) -> None:
    uid = model_study.series_uid
    assert why_none(marked_nodules, place, uid) == "no_marks"
    mark(place, FIRST, "SR")
    assert found_by(marked_nodules, place, uid) == {FIRST: 1}
    marked = mark(place, SECOND, "SEG")
    assert found_by(marked_nodules, place, uid) == {FIRST: 1, SECOND: 1}
    for number in range(MOST_OBJECTS - 1):
        shutil.copy(marked, marked.with_name(f"{number:032x}.mark.dcm"))
    assert why_none(marked_nodules, place, uid) == "several_marks"


def test_a_detector_is_asked_where_nothing_is_marked_and_only_there(place: Path, model_study: SmallStudy) -> None:
    sure, unsure = (Nodule(str(n), CENTER, 8.0, detection_score=score) for n, score in ((1, 0.9), (2, 0.3)))
    detector = PlayedDetector(sure, unsure)
    find = MarkedOrDetected(cast(Detector, detector), 0.5, open_ct)
    assert found_by(find, place, model_study.series_uid) == {"detected": 1}
    mark(place, FIRST, "SR")
    assert found_by(find, place, model_study.series_uid) == {FIRST: 1}
    assert detector.n_asked == 1


def test_a_detector_that_finds_nothing_gives_no_report(place: Path, model_study: SmallStudy) -> None:
    find = MarkedOrDetected(cast(Detector, PlayedDetector()), 0.5, open_ct)
    assert why_none(find, place, model_study.series_uid) == "none_found"


def reports_of(answerer: Answerer, study: Path) -> Sequence[str]:
    looked = answerer.look_at(study, is_urged=False)
    assert looked.folder is not None
    put_in_place(looked.folder, study)
    return sorted(path.parent.name for path in sorted((study / "answers").iterdir())[-1].glob("*/sr.dcm"))


def test_two_objects_give_two_reports_and_a_single_one_takes_the_place_of_what_was_detected(
    place: Path, tmp_path: Path
) -> None:
    answerer = make_answerer(None, tmp_path, device="cpu")
    detector = PlayedDetector(Nodule("1", CENTER, 8.0, detection_score=0.9))
    answerer._find = MarkedOrDetected(cast(Detector, detector), 0.5, open_ct)
    assert reports_of(answerer, place) == [f"{SERIES}-detected"]
    mark(place, FIRST, "SR")
    assert reports_of(answerer, place) == [f"{SERIES}-{FIRST}"]
    mark(place, SECOND, "SEG")
    assert reports_of(answerer, place) == [f"{SERIES}-{FIRST}", f"{SERIES}-{SECOND}"]

    detected, first, second = (last_report(place, f"{SERIES}-{each}") for each in ("detected", FIRST, SECOND))
    assert detected is not None
    assert first is not None
    assert second is not None
    before = [step.ReferencedSeriesSequence[0].ReferencedSOPSequence[0] for step in first.PredecessorDocumentsSequence]
    assert [each.ReferencedSOPInstanceUID for each in before] == [detected.SOPInstanceUID]
    assert "PredecessorDocumentsSequence" not in second
    assert first.SOPInstanceUID != second.SOPInstanceUID
