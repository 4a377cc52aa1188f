"""The DICOM objects that a command line asks for, checked before anything is scored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nodulus.transforms.problems import UsageError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from nodulus.pipeline.scoring.cases import Case
    from nodulus.pipeline.scoring.open_case import OpenCase
    from nodulus.pipeline.writers.scored_case import CaseWriter

# By the options that ask for them: they refer to the images of the scan.
_OF_DICOM = ("sr", "key-images")


def read_earlier_report(path: Path | None, asked: Collection[str]) -> Dataset | None:
    """Return the report that ``--revises`` names, whole, before a new one takes its place on the disk.

    Raises:
        UsageError: it is no report, or no new one is asked for.
    """
    if path is None:
        return None
    if "sr" not in asked:
        raise UsageError("Expected --sr beside --revises, got none: a report takes the place of a report")
    from nodulus.pipeline.writers.earlier_report import read_report

    return read_report(path)


def asked_writers(
    asked: Collection[str], cases: Sequence[Case | OpenCase], earlier: Dataset | None
) -> dict[str, CaseWriter]:
    """Return the writers that some options ask for, by the names of their files.

    Raises:
        UsageError: the one scan of the run is no DICOM, or the earlier report is of another study.
    """
    from nodulus.pipeline.writers.which import case_writers

    writers = case_writers(asked)
    _check_scan(asked, cases)
    if earlier is not None:
        _check_study(earlier, cases)
        from nodulus.pipeline.writers.structured_report import write_sr

        writers["sr.dcm"] = partial(write_sr, revises=earlier)
    return writers


def _check_scan(asked: Collection[str], cases: Sequence[Case | OpenCase]) -> None:
    options = [f"--{option}" for option in asked if option in _OF_DICOM]
    volume = getattr(cases[0], "volume", None) if len(cases) == 1 else None
    if options and volume is not None and volume.read_header is None:
        raise UsageError(f"Expected a DICOM scan, whose images {options[0]} refers to, got {volume.source}")


def _check_study(earlier: Dataset, cases: Sequence[Case | OpenCase]) -> None:
    if len(cases) != 1:
        raise UsageError(f"Expected --revises with one scan, got {len(cases)} cases: each would revise the same report")
    volume = getattr(cases[0], "volume", None)
    study_uid = earlier.StudyInstanceUID if volume is None else volume.attributes.get("study_uid")
    if earlier.StudyInstanceUID != study_uid:
        msg = f"Expected --revises with a report on study {study_uid}, got one on study {earlier.StudyInstanceUID}"
        raise UsageError(msg)
