"""What a scan is, whether the series gate takes it, and where its nodules are looked for."""

from __future__ import annotations

from pathlib import Path

from nodulus.pipeline.file_names import file_names
from nodulus.pipeline.nodules.nodule import Nodule
from nodulus.pipeline.nodules.readings import frame_warning
from nodulus.pipeline.results.record import CaseResult, Geometry, NoduleResult, ProblemRecord, ScanRecord
from nodulus.transforms.problems import Problem, printable

from .open_case import OpenCase, OpenScan


def record_scan(scan: OpenScan) -> ScanRecord:
    """Return what a scan is: accepted with geometry, attributes and warnings, or refused with its problem."""
    if scan.volume is None:
        problem = None if scan.problem is None else ProblemRecord.of(scan.problem)
        return ScanRecord(input=str(scan.path), status="refused", problem=problem)
    return ScanRecord(
        input=str(scan.path),
        status="accepted",
        warnings=tuple(ProblemRecord.of(warning) for warning in scan.volume.warnings),
        geometry=Geometry.of(scan.volume.grid),
        attributes=dict(scan.volume.attributes),
    )


def check_nodules(record: ScanRecord, opened: OpenCase, output_dir: Path) -> ScanRecord:
    """Return an accepted scan's record with its nodules: a picture of each in a folder, and what is wrong with them.

    Raises:
        InputRefusedError: ``frame_mismatch``, when the nodules were marked on another scan.
    """
    volume = opened.accepted()
    frame = "LPS" if opened.case.source is None else opened.case.source.frame
    doubt = frame_warning(opened.case.nodules, volume, frame)
    pictures = draw_nodules(opened, output_dir, doubt=doubt)
    return record.model_copy(
        update={
            "warnings": record.warnings if doubt is None else (*record.warnings, ProblemRecord.of(doubt)),
            "nodule_problems": tuple(ProblemRecord.of(problem) for problem in opened.nodule_problems.values()),
            "pictures": tuple(str(path) for path in pictures),
        }
    )


def draw_nodules(
    opened: OpenCase, output_dir: Path, scored: CaseResult | None = None, doubt: Problem | None = None
) -> list[Path]:
    """Draw one picture per nodule into a folder and return their paths.

    Args:
        opened: the case.
        output_dir: the folder.
        scored: what was said of the nodules, for the captions.
        doubt: the warning that some of them lie elsewhere.
    """
    # Loaded late: the gate alone should not wait for matplotlib.
    from nodulus.pipeline.pictures.overview import overview_of
    from nodulus.pipeline.pictures.views import Caption, draw_nodule_views

    volume, nodules = opened.accepted(), opened.case.nodules
    results = {} if scored is None else {nodule.nodule_id: nodule for nodule in scored.nodules}
    names = file_names([nodule.nodule_id for nodule in nodules], ".png", "nodule")
    overview = overview_of(volume)
    paths = []
    for nodule, name in zip(nodules, names, strict=True):
        result = results.get(nodule.nodule_id)
        alarms = _alarms(nodule, opened, result, doubt)
        caption = Caption(opened.case.case_id, _score_in_words(result), alarms)
        paths.append(draw_nodule_views(volume, nodule, output_dir / name, caption, overview))
    return paths


def _score_in_words(result: NoduleResult | None) -> str:
    if result is None or result.probabilities is None:
        return ""
    return f"malignant {result.probabilities.malignant:.3f}"


def _alarms(nodule: Nodule, opened: OpenCase, result: NoduleResult | None, doubt: Problem | None) -> tuple[str, ...]:
    """Return why to distrust a nodule's place or score, each in a few words: the record has the sentences."""
    problem = opened.nodule_problems.get(nodule.nodule_id)
    flags = () if result is None else result.flags
    words = [] if problem is None else [f"not scored: {problem.code}"]
    words += [f"flagged: {' '.join(flag.items).replace('_', ' ')}" for flag in flags]
    if doubt is not None and printable(nodule.nodule_id) in doubt.items:
        words.append("no nodule seems to lie here: wrong frame or unit?")
    return tuple(words)
