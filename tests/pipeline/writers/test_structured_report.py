"""The report is valid for two judges, says what the record says, and is read back by highdicom and by ourselves."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from pydicom import Dataset, dcmread

from nodulus.pipeline.nodules.nodule import clean_name
from nodulus.pipeline.nodules.sources import check_belongs, read_nodules
from nodulus.pipeline.results import finding_codes as codes
from nodulus.pipeline.results.measures import Measures
from nodulus.pipeline.results.record import NoduleResult
from nodulus.pipeline.writers.structured_report import write_sr
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.volume import CTVolume
from tests.support.dicom_validators import dciodvfy_errors, pixelmed_errors
from tests.support.faces import groups_of
from tests.support.generated_cases import GeneratedCase, generated_case

N_CASES = 220
# highdicom lists it among what was found of a nodule without a region on an image.
ALGORITHM_FAMILY = "111000"
# What is malformed in a scan is written here as it is.
pytestmark = pytest.mark.filterwarnings("ignore:The value length", "ignore:Invalid value")


@dataclass(frozen=True, eq=False)
class Written:
    case: GeneratedCase
    path: Path
    report: Dataset

    @property
    def nodules(self) -> tuple[NoduleResult, ...]:
        return self.case.scored.result.nodules


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[Written]:
    folder = tmp_path_factory.mktemp("reports")
    return [written(seed, folder / str(seed), n) for seed in range(N_CASES) if (n := n_nodules(seed))]


def n_nodules(seed: int) -> int:
    """Return mostly few, since reports cost by the nodule; a fifth of the cases has up to twenty."""
    return 1 + seed % 3 if seed % 5 else seed % 21


def written(seed: int, folder: Path, n_nodules: int | None = None) -> Written:
    case = generated_case(seed, folder, n_nodules)
    (path,) = write_sr(case.scored, folder)
    return Written(case, path, dcmread(path))


@pytest.mark.slow
def test_dciodvfy_finds_no_error_in_any_report(reports: list[Written]) -> None:
    assert {one.path: errors for one in reports if (errors := dciodvfy_errors(one.path))} == {}


@pytest.mark.slow
def test_pixelmed_finds_no_error_in_any_report(reports: list[Written], tmp_path: Path) -> None:
    found = pixelmed_errors([one.path for one in reports], tmp_path)
    assert len(found) == len(reports) > 200
    assert {path: errors for path, errors in found.items() if errors} == {}


def test_nodules_beside_the_scan_stand_apart_from_the_measurements(tmp_path: Path) -> None:
    """PixelMed expects a region on an image of every group of a container where exactly one has it: here it has one."""
    beside_and_inside = written(44, tmp_path)
    containers = {
        item.ConceptNameCodeSequence[0].CodeMeaning: len(item.ContentSequence)
        for item in beside_and_inside.report.ContentSequence
        if item.ValueType == "CONTAINER"
    }
    assert containers == {"Imaging Measurements": 1, "Qualitative Evaluations": 1}
    first = beside_and_inside.nodules[0]
    nowhere = first.model_copy(update={"center_lps_mm": (9000.0, 0.0, 0.0), "nodule_id": "nowhere"})
    alone = rewritten(beside_and_inside, (nowhere,), tmp_path / "alone")
    (measured,) = [item for item in alone.ContentSequence if item.ValueType == "CONTAINER"]
    assert measured.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
    paths = [beside_and_inside.path, tmp_path / "alone" / "sr.dcm"]
    assert [dciodvfy_errors(path) for path in paths] == [[], []]
    assert list(pixelmed_errors(paths, tmp_path).values()) == [[], []]


@pytest.mark.slow
def test_our_own_reader_finds_the_same_nodules_in_the_same_places(reports: list[Written]) -> None:
    n_read = 0
    for one in reports:
        placed = [nodule for nodule in ordered(one) if is_placed(nodule, one.case.volume)]
        if not placed:
            continue
        found = read_nodules(one.path, scan=one.case.scan)
        check_belongs(found, one.case.volume)
        assert [each.nodule_id for each in found.nodules] == [clean_name(each.nodule_id) for each in placed]
        for read, nodule in zip(found.nodules, placed, strict=True):
            assert read.diameter_mm == pytest.approx(nodule.diameter_mm, abs=0.001)
            assert distance_mm(read.center_lps_mm, nodule, one.case.volume) < 0.01
            n_read += 1
    assert n_read > 600


def ordered(one: Written) -> list[NoduleResult]:
    """Return the nodules in the order of the report: those beside the scan after those in it."""
    return sorted(one.nodules, key=lambda nodule: not one.case.volume.grid.contains_lps(nodule.center_lps_mm))


def is_placed(nodule: NoduleResult, volume: CTVolume) -> bool:
    """A nodule beside the scan is placed in the frame of reference, where there is one."""
    has_frame = bool(volume.attributes["frame_of_reference_uid"])
    return has_frame or bool(volume.grid.contains_lps(nodule.center_lps_mm))


def distance_mm(center: tuple[float, ...], nodule: NoduleResult, volume: CTVolume) -> float:
    """Return how far a centre is from a nodule's in the plane of a slice, and at most half a step beside it."""
    apart = np.subtract(center, nodule.center_lps_mm)
    across = np.cross(volume.grid.direction_lps[:, 0], volume.grid.direction_lps[:, 1])
    assert abs(apart @ across) <= volume.grid.spacing_mm[2] / 2 + 0.01
    return float(np.linalg.norm(apart - (apart @ across) * across))


@pytest.mark.slow
def test_highdicom_reads_the_numbers_of_the_record(reports: list[Written]) -> None:
    for one in reports:
        report = hd.sr.Comprehensive3DSR.from_dataset(one.report)
        groups = list(groups_of(report))
        assert [group.tracking_identifier for group in groups] == [nodule.nodule_id for nodule in ordered(one)]
        for group, nodule in zip(groups, ordered(one), strict=True):
            numbers = {each.name.value: each.value for each in group.get_measurements()}
            assert numbers == pytest.approx(dict(numbers_of(nodule)), rel=1e-5)
            evaluations = group.get_qualitative_evaluations()
            said = [(each.name.value, each.value.value) for each in evaluations if each.name.value != ALGORITHM_FAMILY]
            assert said == list(words_of(nodule))


def numbers_of(nodule: NoduleResult) -> Iterator[tuple[str, float]]:
    yield codes.DIAMETER.value, nodule.diameter_mm
    if nodule.probabilities:
        yield codes.SCORE.value, 100 * nodule.probabilities.malignant
    if nodule.size_only:
        yield codes.SIZE_ONLY.value, 100 * nodule.size_only.malignant
    if nodule.brock and nodule.brock.probability_cancer is not None:
        yield codes.BROCK.value, 100 * nodule.brock.probability_cancer
    if nodule.stability and nodule.stability.low is not None and nodule.stability.high is not None:
        yield codes.SCORE_LOW.value, 100 * nodule.stability.low
        yield codes.SCORE_HIGH.value, 100 * nodule.stability.high
    measures = nodule.measures
    if measures and measures.volume_mm3 and measures.long_axis_mm and measures.short_axis_mm and measures.mean_hu:
        yield codes.VOLUME.value, measures.volume_mm3
        yield codes.LONG_AXIS.value, measures.long_axis_mm
        yield codes.SHORT_AXIS.value, measures.short_axis_mm
        yield codes.MEAN_DENSITY.value, measures.mean_hu
    for name, rating in nodule.characteristics.items():
        yield codes.RATINGS[name].value, rating


def words_of(nodule: NoduleResult) -> Iterator[tuple[str, str]]:
    for name, is_above in nodule.above.items():
        yield codes.THRESHOLDS[name].value, (codes.YES if is_above else codes.NO).value
    for flag in nodule.flags:
        yield codes.FLAG.value, flag.items[0]
    if nodule.problem:
        yield codes.NOT_SCORED.value, nodule.problem.code


@pytest.mark.slow
def test_the_report_belongs_to_the_patient_and_the_study_of_the_scan(reports: list[Written]) -> None:
    for one in reports:
        assert one.case.volume.read_header is not None
        header = one.case.volume.read_header(0)
        assert one.report.StudyInstanceUID == header.StudyInstanceUID
        assert str(one.report.PatientName) == str(header.get("PatientName", ""))
        assert one.report.PatientID == header.get("PatientID", "")
        (study,) = one.report.CurrentRequestedProcedureEvidenceSequence
        (series,) = study.ReferencedSeriesSequence
        named = [image.ReferencedSOPInstanceUID for image in series.ReferencedSOPSequence]
        assert named == list(dict.fromkeys(image.sop_instance_uid for image in one.case.volume.slices))


def test_the_same_case_has_the_same_report_and_another_one_another(tmp_path: Path) -> None:
    first, again = (written(25, tmp_path / name) for name in ("a", "b"))
    assert first.report == again.report
    (nodule, *others) = first.nodules
    moved = nodule.model_copy(update={"diameter_mm": nodule.diameter_mm + 0.5})
    other = rewritten(first, (moved, *others), tmp_path / "c")
    assert other.SOPInstanceUID != first.report.SOPInstanceUID
    assert other.SeriesInstanceUID == first.report.SeriesInstanceUID


def rewritten(one: Written, nodules: tuple[NoduleResult, ...], folder: Path, revises: Dataset | None = None) -> Dataset:
    result = one.case.scored.result.model_copy(update={"nodules": nodules})
    scored = replace(one.case.scored, run=one.case.scored.run.model_copy(update={"cases": (result,)}))
    (path,) = write_sr(scored, folder, revises)
    return dcmread(path)


def test_scores_that_differ_in_their_last_digits_are_the_same_report(tmp_path: Path) -> None:
    first = written(25, tmp_path)
    shifted = [
        nodule.model_copy(update={"characteristics": {k: v + 1e-9 for k, v in nodule.characteristics.items()}})
        for nodule in first.nodules
    ]
    assert rewritten(first, tuple(shifted), tmp_path / "b").SOPInstanceUID == first.report.SOPInstanceUID


def test_a_number_says_by_which_method_it_was_found(tmp_path: Path) -> None:
    one = written(25, tmp_path)
    size = Measures(volume_mm3=336.0, long_axis_mm=8.9, short_axis_mm=8.2, mean_hu=-105.4, method="outline 1, volume 2")
    measured = tuple(nodule.model_copy(update={"measures": size}) for nodule in one.nodules)
    rewritten(one, measured, tmp_path / "measured")
    for group in groups_of(hd.sr.srread(tmp_path / "measured" / "sr.dcm")):
        methods = {each.name.value: each.method and each.method.value for each in group.get_measurements()}
        assert methods[codes.VOLUME.value] == "segmented_given"
        for each in (codes.LONG_AXIS, codes.SHORT_AXIS, codes.MEAN_DENSITY):
            assert methods[each.value] == "segmented"
        assert methods[codes.DIAMETER.value] == "given"


def test_a_revised_report_names_its_predecessor(tmp_path: Path) -> None:
    first = written(25, tmp_path)
    revised = rewritten(first, first.nodules[1:], tmp_path / "b", revises=first.report)
    (study,) = revised.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    (before,) = series.ReferencedSOPSequence
    assert before.ReferencedSOPInstanceUID == first.report.SOPInstanceUID
    assert (study.StudyInstanceUID, series.SeriesInstanceUID) == (
        first.report.StudyInstanceUID,
        first.report.SeriesInstanceUID,
    )
    assert revised.InstanceNumber == first.report.InstanceNumber + 1
    assert dciodvfy_errors(tmp_path / "b" / "sr.dcm") == []


def test_a_report_that_would_revise_itself_has_no_predecessor(tmp_path: Path) -> None:
    first = written(25, tmp_path)
    again = rewritten(first, first.nodules, tmp_path / "b", revises=first.report)
    assert again == first.report


def test_the_score_is_not_called_a_probability_of_cancer() -> None:
    assert (codes.SCORE.scheme_designator, codes.SCORE.meaning) == (
        "99NODULUS",
        "Probability that radiologists would judge malignant",
    )
    every = [each for each in vars(codes).values() if isinstance(each, type(codes.SCORE))]
    every += [*codes.RATINGS.values(), *codes.THRESHOLDS.values()]
    assert "111047" not in {each.value for each in every}
    assert all(len(each.value) <= 16 and len(each.meaning) <= 64 for each in every)
    assert len({each.value for each in every}) == len(every)


def test_a_case_without_nodules_is_nothing_to_report(tmp_path: Path) -> None:
    case = generated_case(21, tmp_path)
    with pytest.raises(InputRefusedError, match="bad_nodule: Expected at least one nodule to report, got none"):
        write_sr(case.scored, tmp_path)


def test_a_scan_without_dicom_headers_is_refused(tmp_path: Path) -> None:
    case = generated_case(25, tmp_path)
    volume = replace(case.volume, slices=(), read_header=None)
    with pytest.raises(InputRefusedError, match="not_dicom: Expected a DICOM scan to refer to"):
        write_sr(replace(case.scored, volume=volume), tmp_path)
    with warnings.catch_warnings():
        assert write_sr(replace(case.scored, volume=None), tmp_path / "x") == ()
