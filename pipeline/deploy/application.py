"""The application: the SDK's loader and selector, then our gate, nodule source, scorer and writer."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from monai.deploy.conditions import CountCondition
from monai.deploy.core import Application
from monai.deploy.operators.dicom_data_loader_operator import DICOMDataLoaderOperator
from monai.deploy.operators.dicom_series_selector_operator import DICOMSeriesSelectorOperator

from nodulus.pipeline.results.manifest import OptionValue, RunContext
from nodulus.pipeline.results.record import CaseResult, Results
from nodulus.pipeline.results.run_record import results_of
from nodulus.pipeline.results.views import write_results
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.pipeline.writers.case_files import CaseFiles
from nodulus.pipeline.writers.which import case_writers
from nodulus.transforms.volume import CTVolume

from .operators import NoduleSourceOperator, ResultsOperator, ScorerOperator, SeriesGateOperator

COMMAND = "monai deploy"
FILES = ("sr", "key-images", "report")  # options of writers.which
# The language of DICOMSeriesSelectorOperator; which of several CT series can be read is the gate's to say.
RULES = """{"selections": [{"name": "chest CT", "conditions": {"Modality": "^CT$"}}]}"""


class NoduleApplication(Application):
    """Scores the nodules that are marked in a study, and writes results.json, results.csv and files for viewers.

    ``result`` is what was found, once the application has run.

    Args:
        scorer: the loaded bundle.
        input_folder: a study, and perhaps a table of nodules.
        output_folder: receives the files.
        rules: which series is scored, in the language of DICOMSeriesSelectorOperator.
        files: which files are written beside the results, by the options of ``nodulus infer``.
    """

    def __init__(
        self,
        scorer: Scorer,
        input_folder: Path,
        output_folder: Path,
        rules: str = RULES,
        files: Collection[str] = FILES,
    ) -> None:
        self.scorer, self.input_folder, self.output_folder = scorer, input_folder, output_folder
        self.rules, self.files = rules, tuple(files)
        self.result: CaseResult | None = None
        super().__init__()

    def compose(self) -> None:
        """Connect the operators."""
        once = CountCondition(self, 1)
        folder, scorer = self.input_folder, self.scorer
        loader = DICOMDataLoaderOperator(self, once, input_folder=folder, must_load=False, name="loader")
        selector = DICOMSeriesSelectorOperator(self, rules=self.rules, all_matched=True, name="selector")
        gate = SeriesGateOperator(self, folder=folder, scorer=scorer, name="series_gate")
        source = NoduleSourceOperator(self, folder=folder, scorer=scorer, name="nodule_source")
        score = ScorerOperator(self, scorer=scorer, name="scorer")
        results = ResultsOperator(self, write=self.write, name="results")
        self.add_flow(loader, selector, {("dicom_study_list", "dicom_study_list")})
        self.add_flow(selector, gate, {("study_selected_series_list", "study_selected_series_list")})
        self.add_flow(loader, source, {("dicom_study_list", "dicom_study_list")})
        self.add_flow(gate, source, {("scan", "scan")})
        self.add_flow(source, score, {("case", "case")})
        self.add_flow(score, results, {("scored", "scored")})

    def write(self, result: CaseResult, volume: CTVolume | None) -> Results:
        """Write all files of a result and return the record.

        Raises:
            UsageError: a file cannot be written.
        """
        head = results_of((), self.scorer.identity)
        files = CaseFiles(head, case_writers(self.files), self.output_folder, [result.case_id])
        with self.scorer.stages.time("write"):
            self.result = files.write(result, volume)
        record = head.model_copy(update={"cases": (self.result,)})
        context = RunContext(COMMAND, self.scorer.device, self._told(), self.scorer.stages)
        write_results(record, self.output_folder, context)
        return record

    def _told(self) -> dict[str, OptionValue]:
        """Return the options that bear on the results, for the manifest."""
        return {
            "allow": tuple(code.value for code in self.scorer.how.allow),
            "rules": self.rules,
            **dict.fromkeys(self.files, True),
            "digests": self.scorer.digests,
            "measures": self.scorer.measures,
        }
