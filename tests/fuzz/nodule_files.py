"""Nodule sources: tables, JSON, markups, SR, SEG, RTSTRUCT and label masks, read and placed in a sound scan."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from unittest import mock

import numpy as np
import SimpleITK as sitk
from pydicom.dataset import FileDataset

from nodulus.pipeline.nodules.sources import read_nodules
from nodulus.pipeline.scoring.cases import is_cases_table, read_cases
from nodulus.pipeline.scoring.open_case import OpenScan, ReadOptions, open_case, open_scan
from tests.support.dicom_objects import (
    AXES_LPS,
    ORIGIN_LPS_MM,
    SPACING_MM,
    ct_series,
    lps_of,
    measured,
    write_seg,
    write_sr,
)
from tests.support.dicom_series_writer import SeriesSpec, write_slices
from tests.support.nodule_objects import (
    BIG,
    DIAMETER,
    SMALL,
    ball_mask,
    ball_rings,
    drawn_in_space,
    group,
    measured_mm,
    ring,
    write_report,
    write_rois,
)

from . import damage, dicom_damage
from .subject import Family, Subject, in_file, never

_UID = SeriesSpec.series_uid
_ROWS = "case,nodule_id,x_mm,y_mm,z_mm,diameter_mm,score\nct,a,1,2,3,8,0.9\nct,b,-4.5,5,6,7.5,0.2\n"
_TABLES = {
    "comma.csv": _ROWS,
    "semicolon.csv": "sep=;\n" + _ROWS.replace(",", ";").replace(".", ","),
    "tab.tsv": _ROWS.replace(",", "\t"),
    "luna16.csv": f"seriesuid,coordX,coordY,coordZ,diameter_mm\n{_UID},1,2,3,8\n{_UID},-4,5,6,7\n",
    "points.fcsv": "# Markups fiducial file version = 4.11\n# CoordinateSystem = LPS\n"
    "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
    "n1,1,2,3,0,0,0,1,1,1,0,R1 8 mm,,\nn2,4,5,6,0,0,0,1,1,1,0,R2,7.5,\n",
}
_CASES = "case_id,input,nodule_id,x_mm,y_mm,z_mm,diameter_mm\np,ct,a,1,2,3,8\np,ct,b,4,5,6,7\nq,other,a,1,2,3,8\n"
_NODULE = {"nodule_id": "a", "center_lps_mm": [1.0, 2.0, 3.0], "diameter_mm": 8.0, "box_lps_mm": [0, 0, 0, 4, 5, 6]}
_MARKUPS = {
    "markups": [
        {
            "type": "Line",
            "coordinateSystem": "LPS",
            "controlPoints": [{"position": [0, 0, 0]}, {"position": [8, 0, 0]}],
        },
        {"type": "ROI", "coordinateSystem": "RAS", "center": [1, 2, 3], "size": [8, 8, 8], "roiType": "Box"},
        {"type": "Fiducial", "controlPoints": [{"label": "R1 8 mm", "position": [1, 2, 3]}]},
    ]
}
_JSONS = {
    "nodules.json": [_NODULE, {**_NODULE, "nodule_id": "b"}],
    "detection.json": [{"image": "ct.nii", "box": [[1, 2, 3, 8, 9, 9]], "label": [0], "label_scores": [0.9]}],
    "markups.mrk.json": _MARKUPS,
}
_CASES_JSON = [{"case_id": "p", "input": "ct", "nodules": [_NODULE]}, {"case_id": "q", "input": "other", **_NODULE}]


def _reader(folder: Path, series_uid: str | None = None) -> Callable[[Path], object]:
    """Return what reads a nodule file and places its nodules in a small scan; what it returns can be compared."""
    scan = open_scan(write_slices(SeriesSpec().slices(), folder / "ct"), ReadOptions())

    def read(path: Path) -> object:
        found = read_nodules(path, scan=scan.path, series_uid=series_uid)
        placed = open_case(OpenScan(scan.path, scan.volume), found, ReadOptions())
        return found.format, found.nodules, tuple(placed.nodule_problems), placed.problem

    return read


def table_subjects(folder: Path, read: Callable[[Path], object]) -> list[Subject]:
    """Return a subject of every form of table."""
    return [
        Subject(name, text.encode(), damage.of_text, in_file(folder / name, read)) for name, text in _TABLES.items()
    ]


def _tables(folder: Path) -> list[Subject]:
    subjects = table_subjects(folder, _reader(folder, SeriesSpec.series_uid))
    cases = Subject("cases.csv", _CASES.encode(), damage.of_text, in_file(folder / "cases.csv", _read_cases))
    return [*subjects, cases]


def json_subjects(folder: Path, read: Callable[[Path], object]) -> list[Subject]:
    """Return a subject of every form of JSON."""
    return [
        Subject(name, json.dumps(content).encode(), damage.of_json, in_file(folder / name, read))
        for name, content in _JSONS.items()
    ]


def _jsons(folder: Path) -> list[Subject]:
    subjects = json_subjects(folder, _reader(folder, SeriesSpec.series_uid))
    cases = in_file(folder / "cases.json", _read_cases)
    return [*subjects, Subject("cases.json", json.dumps(_CASES_JSON).encode(), damage.of_json, cases)]


def _read_cases(path: Path) -> object:
    return is_cases_table(path), [(case.case_id, case.input.name, case.nodules) for case in read_cases(path)]


def _objects(folder: Path) -> list[Subject]:
    with same_uids():
        return object_subjects(folder, _reader(folder), ct_series())


def same_uids() -> AbstractContextManager[object]:
    """Draw UIDs that are the same each time: the same seed must give the same bytes."""
    return mock.patch("secrets.randbelow", Random(0).randrange)


def object_subjects(folder: Path, read: Callable[[Path], object], ct: list[FileDataset]) -> list[Subject]:
    """Return a subject of every kind of DICOM object about a series."""
    paths = _write_objects(folder, ct)
    return [Subject(path.stem, path.read_bytes(), dicom_damage.of_dicom, in_file(path, read)) for path in paths]


def _write_objects(folder: Path, ct: list[FileDataset]) -> list[Path]:
    """Write an object of each kind about two balls in one series."""
    mask, frame = ball_mask(BIG) | ball_mask(SMALL), ct[0].FrameOfReferenceUID
    circle = ring(lps_of(BIG[0]), 4)
    drawn = drawn_in_space("POLYGON", circle, frame)
    return [
        *(write_seg(folder / f"{kind}.dcm", ct, [mask], ["A"], kind) for kind in ("BINARY", "FRACTIONAL", "LABELMAP")),
        write_rois(folder / "rtstruct.dcm", ct[0], {"A": ball_rings(BIG), "B": ball_rings(SMALL)}),
        write_report(folder / "loose_sr.dcm", ct[0], [group("A", drawn, measured_mm(DIAMETER, 8))]),
        write_sr(folder / "sr.dcm", ct, [measured("A", "POLYGON", np.vstack([circle, circle[:1]]), frame, 8.0)]),
    ]


def _masks(folder: Path) -> list[Subject]:
    return mask_subjects(folder, _reader(folder))


def mask_subjects(folder: Path, read: Callable[[Path], object]) -> list[Subject]:
    """Return a subject of every format of label mask."""
    labels = (ball_mask(BIG) * np.uint8(1) + ball_mask(SMALL) * np.uint8(2)).transpose(2, 1, 0)
    image = sitk.GetImageFromArray(np.ascontiguousarray(labels))
    image.SetSpacing(SPACING_MM)
    image.SetOrigin(ORIGIN_LPS_MM.tolist())
    image.SetDirection(AXES_LPS.ravel().tolist())
    subjects = []
    for name in ("mask.nii", "mask.nii.gz", "mask.mha", "mask.nrrd"):
        sitk.WriteImage(image, str(folder / name))
        silent = never if name.endswith(".gz") else Subject.silent
        content = (folder / name).read_bytes()
        subjects.append(Subject(name, content, damage.of_bytes, in_file(folder / name, read), silent=silent))
    return subjects


TABLES = Family("tables", 90, _tables)
NODULE_JSON = Family("nodules in JSON", 70, _jsons)
OBJECTS = Family("SR, SEG, RTSTRUCT", 90, _objects)
MASKS = Family("label masks", 40, _masks)
