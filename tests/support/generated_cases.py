"""Cases as a run may record them, drawn at random: the scan's files, its open volume, and the record with every gap."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from pydicom import Dataset

from nodulus.pipeline.bundle.identity import BundleIdentity
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.pipeline.readout.training_range import ReasonName
from nodulus.pipeline.results.measures import Measures
from nodulus.pipeline.results.record import BrockRecord, CaseResult, NoduleResult, Probabilities, ProblemRecord
from nodulus.pipeline.results.run_record import results_of
from nodulus.pipeline.results.stability import Stability
from nodulus.pipeline.statistics.operating_points import POINT_NAMES
from nodulus.pipeline.writers.scored_case import ScoredCase
from nodulus.transforms.problems import ProblemCode
from nodulus.transforms.scan.open import open_ct
from nodulus.transforms.volume import CTVolume
from tests.support.dicom_series_writer import SeriesSpec, write_slice, write_slices, zip_folder
from tests.support.enhanced_writer import enhanced

BUNDLE = BundleIdentity(
    name="lung_nodule_ct_classification",
    version="9.8.7",
    weights_sha256="0123456789abcdef" * 4,
    score_meaning="opinion",
)
HEAD = results_of((), BUNDLE)
# Names as users choose them.
NAMES = ("1", "R_2", "Knoten äöü", "結節", 'a<b>&"c"', "a\\b^c=d", "LIDC-IDRI-0001_R_1", "x" * 60)
FLAGS = get_args(ReasonName)
_OPTIONAL = ("PatientName", "PatientID", "FrameOfReferenceUID")
_ODD = {
    "PatientSex": ("M", "X", ""),
    "PatientBirthDate": ("19500101", "1950", ""),
    "PatientAge": ("061Y", "61", ""),
    "StudyDate": ("20250101", "2025.01.01"),
    "StudyTime": ("120000", "noon"),
    "StudyID": ("1", "s" * 30),
    "AccessionNumber": ("A1", ""),
    "ReferringPhysicianName": ("Who^Ever", ""),
    "PatientIdentityRemoved": ("YES", "NO"),
}


@dataclass(frozen=True, eq=False)
class GeneratedCase:
    """A case with the place of its scan."""

    scan: Path
    volume: CTVolume
    scored: ScoredCase


def series_spec(seed: int) -> SeriesSpec:
    """Return a small series: upright, oblique or turned over, its pixels square or not."""
    random = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    axes = np.eye(3) if seed % 3 == 0 else turn
    between_columns = float(random.choice([0.7, 0.781251, 1.0]))
    is_square = seed % 4 != 1
    rows_mm = between_columns if is_square else between_columns * float(random.uniform(0.6, 1.6))
    return SeriesSpec(
        columns=40,
        rows=36,
        spacing_rows_columns_mm=(rows_mm, between_columns),
        step_mm=float(random.uniform(0.8, 2.5)),
        origin_lps_mm=tuple(random.uniform(-200, 200, 3).tolist()),
        row=tuple(axes[:, 0].tolist()),
        column=tuple(axes[:, 1].tolist()),
        order=tuple(random.permutation(9).tolist()),
        series_uid=f"1.2.826.0.1.3680043.8.498.{seed + 10}",
        field_hu=lambda points: -400 + 550 * np.sin(points @ np.array([0.3, 0.25, 0.2])),
    )


def generated_case(seed: int, folder: Path, n_nodules: int | None = None) -> GeneratedCase:
    """Write the scan of a seed into a folder and return its case; equal seeds give equal cases, of 0 to 20 nodules."""
    scan = _write_scan(seed, folder)
    volume = open_ct(scan, allow=("thick_slices", "no_lung"), expect_lung=False)
    return GeneratedCase(scan, volume, scored_case(seed, volume, seed % 21 if n_nodules is None else n_nodules))


def scored_case(seed: int, volume: CTVolume, n_nodules: int) -> ScoredCase:
    """Return the record of some nodules in a scan, or beside it."""
    random = np.random.default_rng([seed, 1])
    nodules = tuple(_nodule(random, number, volume) for number in range(n_nodules))
    case = CaseResult(case_id=f"case {seed}", input="scan", status="scored", nodules=nodules)
    return ScoredCase(HEAD.model_copy(update={"cases": (case,)}), volume)


def _write_scan(seed: int, folder: Path) -> Path:
    random = np.random.default_rng([seed, 2])
    slices = series_spec(seed).slices()
    for keyword, values in _ODD.items():
        value = str(random.choice(values))
        for one in slices:
            setattr(one, keyword, value)
    for keyword in _OPTIONAL:
        if random.random() < 0.2:
            for one in slices:
                delattr(one, keyword)
    _set_name(slices, seed)
    if seed % 5 == 2:
        folder.mkdir(parents=True, exist_ok=True)
        write_slice(enhanced(slices), folder / "enhanced.dcm")
        return folder / "enhanced.dcm"
    scan = write_slices(slices, folder / "ct")
    return zip_folder(scan, folder / "ct.zip") if seed % 5 == 3 else scan


def _set_name(slices: list[Dataset], seed: int) -> None:
    """Give the patient a name in one of DICOM's alphabets, where the patient has one."""
    charset, name = (("ISO_IR 100", "Müller^Jörg"), ("ISO_IR 101", "Żółć^Łucja"), ("ISO_IR 192", "山田^太郎"))[seed % 3]
    for one in slices:
        if "PatientName" in one:
            one.SpecificCharacterSet, one.PatientName = charset, name


def _nodule(random: np.random.Generator, number: int, volume: CTVolume) -> NoduleResult:
    name = f"{NAMES[number]}" if number < len(NAMES) else f"n{number}"
    is_beside = random.random() < 0.1
    voxel = random.uniform(-0.49, np.array(volume.grid.size_xyz) - 0.51)
    center = volume.grid.lps_from_voxel(voxel + (500 if is_beside else 0))
    place: dict[str, Any] = {
        "nodule_id": name,
        "center_lps_mm": tuple(round(float(value), 3) for value in center),
        "diameter_mm": round(float(random.uniform(1, 30)), 3),
    }
    if is_beside or random.random() < 0.15:
        code = "nodule_outside" if is_beside else str(random.choice([each.value for each in ProblemCode]))
        return NoduleResult(**place, problem=ProblemRecord(code=code, message="Expected one thing, got another"))
    return NoduleResult(**place, **_scores(random))


def _scores(random: np.random.Generator) -> dict[str, Any]:
    malignant, by_size, brock = random.uniform(0, 1, 3) ** 4
    flags = random.choice(FLAGS, int(random.integers(0, 3)), replace=False)
    is_known = random.random() < 0.5
    return {
        "probabilities": Probabilities(benign=1 - malignant, malignant=malignant),
        "size_only": Probabilities(benign=1 - by_size, malignant=by_size) if random.random() < 0.9 else None,
        "brock": BrockRecord(probability_cancer=brock) if is_known else None,
        "stability": _band(random, float(malignant)) if random.random() < 0.5 else None,
        "measures": _measures(random) if random.random() < 0.5 else None,
        "above": {name: bool(random.random() < malignant) for name in POINT_NAMES},
        "characteristics": {
            name: float(random.uniform(scale.low, scale.high)) for name, scale in CHARACTERISTICS.items()
        },
        "flags": tuple(
            ProblemRecord(code="outside_training_range", message="Expected, got", items=(str(name),)) for name in flags
        ),
    }


def _band(random: np.random.Generator, malignant: float) -> Stability:
    if random.random() < 0.2:
        return Stability(problem="Expected even tissue, got none")
    low, high = malignant * random.uniform(0.5, 1), malignant + (1 - malignant) * random.uniform(0, 0.5)
    return Stability(low=float(low), high=float(high), n=12)


def _measures(random: np.random.Generator) -> Measures:
    if random.random() < 0.2:
        return Measures(method="ball 1", problem="Expected one part, got several")
    short_mm, long_mm = sorted(random.uniform(1, 40, 2).tolist())
    return Measures(
        volume_mm3=float(random.uniform(1, 30_000)),
        long_axis_mm=long_mm,
        short_axis_mm=short_mm,
        mean_hu=float(random.uniform(-800, 300)),
        method="ball 1",
    )
