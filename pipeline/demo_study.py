"""The demo's study: a phantom written as DICOM and NIfTI beside its nodule table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .cases import Case
from .nodule_sources import read_nodules
from .phantom import PhantomSpec, make_phantom, write_dicom_series, write_nifti, write_nodule_table


@dataclass(frozen=True)
class DemoStudy:
    """Where the study's files lie, and the case to score."""

    dicom_folder: Path
    nifti: Path
    nodule_table: Path
    cases: tuple[Case, ...]


def write_demo_study(output_dir: Path, spec: PhantomSpec) -> DemoStudy:
    """Write a phantom and its nodule table into a folder and return where everything lies."""
    phantom = make_phantom(spec)
    dicom_folder = write_dicom_series(phantom, output_dir / "study" / "dicom")
    nifti = write_nifti(phantom, output_dir / "study" / "phantom.nii.gz")
    table = write_nodule_table(phantom, output_dir / "study" / "nodules.csv")
    case = Case(case_id="phantom", input=dicom_folder, nodules=read_nodules(table).nodules)
    return DemoStudy(dicom_folder, nifti, table, (case,))
