"""Our operators of the application: what one of them refuses goes on to the next as data, so that it is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from monai.deploy.core import Operator, OperatorSpec

from nodulus.pipeline.nodules.study_marks import MARKS
from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.scoring.cases import Case, name_of
from nodulus.pipeline.scoring.open_case import OpenCase, OpenScan, open_case
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.transforms.problems import InputRefusedError, Problem, ProblemCode, UsageError

from .nodule_source import nodule_source
from .series_gate import open_selected


class SeriesGateOperator(Operator):
    """Opens the series that was selected, through the series gate.

    It reads the files themselves, with all that the gate asks of them; DICOMSeriesToVolumeOperator would give voxels
    whose missing slices nobody notices.

    Args:
        folder: the input folder.
        scorer: says how scans are opened.
    """

    def __init__(self, fragment: object, *args: object, folder: Path, scorer: Scorer, **kwargs: object) -> None:
        self.folder, self.scorer = folder, scorer
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Name what comes in and goes out."""
        spec.input("study_selected_series_list")
        spec.output("scan")

    def compute(self, op_input: Any, op_output: Any, _context: object) -> None:  # noqa: ANN401 - holoscan's, untyped
        """Open the series."""
        studies = op_input.receive("study_selected_series_list")
        selected = [str(each.series.SeriesInstanceUID) for study in studies for each in study.selected_series]
        with self.scorer.stages.time("open"):
            op_output.emit(open_selected(self.folder, selected, self.scorer.how), "scan")


class NoduleSourceOperator(Operator):
    """Reads the nodules of the scan: of a table in the input folder, or of an object of the study that marks some.

    Args:
        folder: the input folder.
        scorer: says how nodules are read.
    """

    def __init__(self, fragment: object, *args: object, folder: Path, scorer: Scorer, **kwargs: object) -> None:
        self.folder, self.scorer = folder, scorer
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Name what comes in and goes out."""
        spec.input("scan")
        spec.input("dicom_study_list")
        spec.output("case")

    def compute(self, op_input: Any, op_output: Any, _context: object) -> None:  # noqa: ANN401 - holoscan's, untyped
        """Read the nodules and place them in the scan."""
        scan, studies = op_input.receive("scan"), op_input.receive("dicom_study_list")
        with self.scorer.stages.time("open"):
            op_output.emit(self._case(scan, studies), "case")

    def _case(self, scan: OpenScan, studies: Any) -> OpenCase:  # noqa: ANN401 - holoscan's, untyped
        unread = Case(name_of(scan.path), scan.path, ())
        if scan.volume is None:
            return OpenCase(unread, problem=scan.problem)
        attributes = scan.volume.attributes
        objects = _objects_of(studies, str(attributes.get("study_uid")))
        try:
            source = nodule_source(self.folder, objects, str(attributes.get("series_uid")))
            return open_case(scan, source, self.scorer.how)
        except InputRefusedError as refusal:
            return OpenCase(unread, problem=refusal.problem)
        except UsageError as error:
            return OpenCase(unread, problem=Problem(ProblemCode.BAD_NODULE, str(error)))


class ScorerOperator(Operator):
    """Scores the nodules of the case.

    Args:
        scorer: the loaded bundle.
    """

    def __init__(self, fragment: object, *args: object, scorer: Scorer, **kwargs: object) -> None:
        self.scorer = scorer
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Name what comes in and goes out."""
        spec.input("case")
        spec.output("scored")

    def compute(self, op_input: Any, op_output: Any, _context: object) -> None:  # noqa: ANN401 - holoscan's, untyped
        """Score the nodules; a case that cannot be scored has a result, too."""
        case: OpenCase = op_input.receive("case")
        (result,) = self.scorer.score_many([case])
        op_output.emit((result, case.volume), "scored")


class ResultsOperator(Operator):
    """Writes the results.

    Args:
        write: takes a result and its scan.
    """

    def __init__(
        self, fragment: object, *args: object, write: Callable[[CaseResult, Any], object], **kwargs: object
    ) -> None:
        self.write = write
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Name what comes in."""
        spec.input("scored")

    def compute(self, op_input: Any, _op_output: object, _context: object) -> None:  # noqa: ANN401 - holoscan's, untyped
        """Write the files."""
        self.write(*op_input.receive("scored"))


def _objects_of(studies: Any, study_uid: str) -> list[Path]:  # noqa: ANN401 - holoscan's, untyped
    """Return the files of a study that may mark nodules, in the order of their paths."""
    return sorted(
        Path(instance.get_native_sop_instance().filename)
        for study in studies
        if str(study.StudyInstanceUID) == study_uid
        for series in study.get_all_series()
        if series.Modality in MARKS
        for instance in series.get_sop_instances()
    )
