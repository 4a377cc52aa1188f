"""The demo's study: a phantom written as DICOM and NIfTI beside its nodule table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nodulus.pipeline.files import replacing_folder
from nodulus.pipeline.nodules.sources import NoduleSet, read_nodules
from nodulus.pipeline.phantom import PhantomSpec, make_phantom, write_dicom_series, write_nifti, write_nodule_table


@dataclass(frozen=True)
class DemoStudy:
    """Where the study's files lie, and the nodules that its table names."""

    dicom_folder: Path
    nifti: Path
    nodule_table: Path
    marked: NoduleSet


def write_demo_study(output_dir: Path, spec: PhantomSpec) -> DemoStudy:
    """Write a phantom and its nodule table into the folder ``study`` of a folder, in place of what was there."""
    phantom = make_phantom(spec)
    study = output_dir / "study"
    with replacing_folder(study) as folder:
        write_dicom_series(phantom, folder / "dicom")
        write_nifti(phantom, folder / "phantom.nii.gz")
        write_nodule_table(phantom, folder / "nodules.csv")
    table = study / "nodules.csv"
    return DemoStudy(study / "dicom", study / "phantom.nii.gz", table, read_nodules(table))
