"""Where the files of each case lie: in the run's folder, or, of a run over many cases, in one of the case's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nodulus.pipeline.file_names import file_names
from nodulus.pipeline.results.record import CaseResult, ProblemRecord, Results
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.volume import CTVolume

from .scored_case import CaseWriter, ScoredCase

# The folder of the cases' folders.
CASES = "cases"


class CaseFiles:
    """Writes what was asked for of each case, and names it in the case's record.

    Args:
        run: the head of the run; its cases do not count.
        writers: by the name of the first file that each writes.
        output_dir: the run's folder.
        case_ids: all cases of the run; a single one has its files in the run's folder itself.
        with_identifiers: whether the files may say who the patient is.
    """

    def __init__(
        self,
        run: Results,
        writers: Mapping[str, CaseWriter],
        output_dir: Path,
        case_ids: Sequence[str],
        *,
        with_identifiers: bool = False,
    ) -> None:
        self.run, self.writers, self.output_dir, self.with_identifiers = run, writers, output_dir, with_identifiers
        folders = [output_dir / CASES / name for name in file_names(case_ids)]
        self._folders = dict(zip(case_ids, folders, strict=True)) if len(case_ids) > 1 else {}

    def write(self, result: CaseResult, volume: CTVolume | None) -> CaseResult:
        """Return the record of a case with the names of the files that were written of it.

        A writer that has to refuse the case costs that file alone: the record's warnings say why it is not there.

        Raises:
            UsageError: a file cannot be written.
        """
        folder = self._folders.get(result.case_id, self.output_dir)
        for name, writer in self.writers.items():
            scored = ScoredCase(self.run.model_copy(update={"cases": (result,)}), volume, self.with_identifiers)
            try:
                paths = writer(scored, folder)
            except InputRefusedError as refusal:
                warning = ProblemRecord.of(refusal.problem)
                added = warning.model_copy(update={"message": f"{name} was not written: {warning.message}"})
                result = result.model_copy(update={"warnings": (*result.warnings, added)})
            else:
                named = (path.relative_to(self.output_dir).as_posix() for path in paths)
                result = result.model_copy(update={"files": (*result.files, *named)})
        return result
