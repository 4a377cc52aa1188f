"""From a study in the spool to the objects that answer it, or to the reason why there is no answer yet."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pydicom.dataset import Dataset

from nodulus.pipeline.results.record import CaseResult
from nodulus.pipeline.results.run_record import results_of
from nodulus.pipeline.scoring.cases import Case
from nodulus.pipeline.scoring.scorer import Scorer
from nodulus.pipeline.writers.case_files import CaseFiles
from nodulus.pipeline.writers.earlier_report import latest_report, report_of_ours
from nodulus.pipeline.writers.key_images import write_key_images
from nodulus.pipeline.writers.scored_case import CaseWriter
from nodulus.pipeline.writers.structured_report import write_sr
from nodulus.transforms.problems import InputRefusedError

from .announced import Told, is_short, read_told
from .answers import ANSWER, REPORT, digest_of, last_report
from .arrival import Kind
from .looked import Looked
from .marked import NoduleFinder, NoNodulesError


@dataclass
class _Answer:
    """An answer in the making."""

    folder: Path
    n_reports: int = 0
    codes: list[str] = field(default_factory=list)
    is_short: bool = False


class Answerer:
    """Looks at studies with a model that stays loaded.

    Args:
        scorer: the model.
        find: finds nodules.
        work: the folder in which answers are made.
    """

    def __init__(self, scorer: Scorer, find: NoduleFinder, work: Path) -> None:
        self._scorer, self._find, self._work = scorer, find, work

    def look_at(self, study: Path, *, is_urged: bool) -> Looked:
        """Return what a study gives.

        Args:
            study: its folder in the spool.
            is_urged: whether announced images that are missing are waited for no longer.
        """
        answer = _Answer(self._work / uuid.uuid4().hex)
        digest, marks = digest_of(study), sorted(study.glob(f"*/*{Kind.MARKS.value}"))
        images = {folder: [read_told(path) for path in paths] for folder, paths in _images(study).items()}
        told = [each for series in images.values() for each in series]
        for folder, series in images.items():
            if is_short(series, told) and not is_urged:
                answer.codes.append("announced_images")
                answer.is_short = True
            else:
                self._look_at_series(study, folder, series, marks, answer)
        if not images:
            answer.codes.append("no_images")
        if answer.n_reports == 0:
            return Looked(None, tuple(answer.codes), answer.is_short)
        (answer.folder / ANSWER).write_text(json.dumps({"digest": digest, "codes": answer.codes}), encoding="utf-8")
        return Looked(answer.folder, tuple(answer.codes), answer.is_short)

    def _look_at_series(
        self, study: Path, folder: Path, images: Sequence[Told], marks: Sequence[Path], answer: _Answer
    ) -> None:
        """Add reports and key images of a series to an answer, one report a source of nodules, or why it has none."""
        series_uid = next((image.series_uid for image in images if image.series_uid), "")
        ours = {path: report for path in marks if (report := report_of_ours(path, series_uid)) is not None}
        try:
            found = self._find(folder, series_uid, [path for path in marks if path not in ours])
        except (NoNodulesError, InputRefusedError) as error:
            answer.codes.append(error.code if isinstance(error, NoNodulesError) else error.problem.code.value)
            return
        for source, nodules in found.items():
            # Who marked a scan alone takes the place of whoever did before; each of several has a line of their own.
            place = f"{folder.name}-{source}"
            earlier = last_report(study, place)
            if earlier is None and len(found) == 1:
                earlier = last_report(study, f"{folder.name}*") or latest_report(list(ours.values()))
            result = self._score(Case(folder.name, folder, nodules.nodules, nodules), answer.folder / place, earlier)
            if (code := _why_no_report(result)) is not None:
                answer.codes.append(code)
            else:
                answer.n_reports += 1

    def _score(self, case: Case, place: Path, earlier: Dataset | None) -> CaseResult:
        place.mkdir(parents=True)
        writers: dict[str, CaseWriter] = {REPORT: partial(write_sr, revises=earlier), "key_images": write_key_images}
        head = results_of((), self._scorer.identity)
        files = CaseFiles(head, writers, place, [case.case_id])
        (result,) = self._scorer.score_many([case], files)
        return result


def _images(study: Path) -> dict[Path, list[Path]]:
    found: dict[Path, list[Path]] = {}
    for path in sorted(study.glob(f"*/*{Kind.IMAGE.value}")):
        found.setdefault(path.parent, []).append(path)
    return found


def _why_no_report(result: CaseResult) -> str | None:
    """Return why a case has none that tells of a score, by a code; None where it has one."""
    if result.problem is not None:
        return result.problem.code
    if not any(nodule.probabilities for nodule in result.nodules):
        return next((nodule.problem.code for nodule in result.nodules if nodule.problem), "not_scored")
    return None if REPORT in result.files else next((warning.code for warning in result.warnings), "not_reported")
