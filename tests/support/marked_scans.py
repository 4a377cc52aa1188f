"""Small scans with balls in lung, and what collections publish beside such scans: tables, readers' XML."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom import Dataset

from tests.support.dicom_series_writer import SeriesSpec, write_slices

SIZE_XYZ, SPACING_MM, ORIGIN_LPS_MM = (64, 60, 36), (0.75, 0.75, 1.25), (-24.0, 10.0, -130.0)
LIDC_UID = "1.3.6.1.4.1.14519.5.2.1.6279.6001.{}"
RATED = (
    "subtlety",
    "internalStructure",
    "calcification",
    "sphericity",
    "margin",
    "lobulation",
    "spiculation",
    "texture",
)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ball:
    """A nodule of a scan: its centre by the scan's voxels, its diameter."""

    voxel: tuple[float, float, float]
    diameter_mm: float

    @property
    def center_lps_mm(self) -> Floats:
        return np.asarray(ORIGIN_LPS_MM) + np.asarray(self.voxel) * SPACING_MM


def field_hu(places_mm: Floats, balls: Sequence[Ball], seed: int) -> Floats:
    """Return a chest's Hounsfield units at places (..., 3): a wall of soft tissue, air behind it, lung, balls."""
    start, reach = np.asarray(ORIGIN_LPS_MM), np.asarray(SIZE_XYZ) * SPACING_MM
    along = (places_mm - start)[..., 1] / reach[1]
    hu = np.where(along < 0.05, -1000.0, np.where(along < 0.2, 45.0, -850.0))
    for ball in balls:
        away_mm = np.linalg.norm(places_mm - ball.center_lps_mm, axis=-1)
        hu = np.maximum(hu, -850 + 880 / (1 + np.exp((away_mm - ball.diameter_mm / 2) / 0.35)))
    random = np.random.default_rng([seed, int(1000 * abs(places_mm[..., 2].flat[0]))])
    return np.asarray(hu + random.normal(0, 15, hu.shape))


def write_image(path: Path, balls: Sequence[Ball], seed: int) -> Path:
    """Write a scan as MHA or MHD with its raw file, as LUNA16 and LUNA25 do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    k, j, i = np.indices(SIZE_XYZ[::-1])
    places = np.asarray(ORIGIN_LPS_MM) + np.stack([i, j, k], axis=-1) * SPACING_MM
    hu = np.stack([field_hu(each, balls, seed) for each in places])
    image = sitk.GetImageFromArray(np.rint(hu).astype(np.int16))
    image.SetSpacing(SPACING_MM)
    image.SetOrigin(ORIGIN_LPS_MM)
    sitk.WriteImage(image, str(path))
    return path


def write_series(folder: Path, patient_id: str, series_uid: str, balls: Sequence[Ball], seed: int) -> SeriesSpec:
    """Write a scan as a DICOM series of a patient."""

    def name(dataset: Dataset) -> None:
        dataset.PatientID, dataset.PatientName = patient_id, patient_id

    spec = SeriesSpec(
        columns=SIZE_XYZ[0],
        rows=SIZE_XYZ[1],
        spacing_rows_columns_mm=(SPACING_MM[1], SPACING_MM[0]),
        step_mm=SPACING_MM[2],
        positions=tuple(range(SIZE_XYZ[2])),
        origin_lps_mm=ORIGIN_LPS_MM,
        thickness_mm=SPACING_MM[2],
        series_uid=series_uid,
        field_hu=lambda places: field_hu(places, balls, seed),
        edits=dict.fromkeys(range(SIZE_XYZ[2]), name),
    )
    write_slices(spec.slices(), folder)
    return spec


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, fieldnames=list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


@dataclass(frozen=True)
class Outlined:
    """A ball as a reader outlined it: larger or smaller by ``grown_px``, rated; ratings of None are a small nodule."""

    ball: Ball
    malignancy: int | None = 3
    grown_px: float = 0.0
    hole_px: float = 0.0


def lidc_xml(spec: SeriesSpec, readers: Sequence[Sequence[Outlined]], *, with_uids: bool = True) -> str:
    """Return a LidcReadMessage in the collection's layout: what each reader outlined in a series."""
    sessions = "".join(
        "<readingSession><annotationVersion>3.12</annotationVersion>"
        "<servicingRadiologistID>anonymous</servicingRadiologistID>"
        + "".join(_nodule(spec, one, f"Nodule {n:03d}", with_uids) for n, one in enumerate(reader))
        + "<nonNodule><nonNoduleID>7</nonNoduleID><imageZposition>-120.0</imageZposition><imageSOP_UID>1.2"
        "</imageSOP_UID><locus><xCoord>40</xCoord><yCoord>40</yCoord></locus></nonNodule></readingSession>"
        for reader in readers
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<LidcReadMessage uid="{LIDC_UID.format(9)}" xmlns="http://www.nih.gov" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.nih.gov '
        'http://troll.rad.med.umich.edu/lidc/LidcReadMessage.xsd"><ResponseHeader><Version>1.8.1</Version>'
        "<MessageId>1148851</MessageId><DateRequest>2005-11-03</DateRequest><TaskDescription>Second unblinded read"
        f"</TaskDescription><CtImageFile>removed</CtImageFile><SeriesInstanceUid>{spec.series_uid}</SeriesInstanceUid>"
        "<ResponseDescription>1 - Reading complete</ResponseDescription><StudyInstanceUID>1.2.826.0.1.3680043.8.498.3"
        f"</StudyInstanceUID></ResponseHeader>{sessions}</LidcReadMessage>"
    )


def _nodule(spec: SeriesSpec, one: Outlined, name: str, with_uids: bool) -> str:
    if one.malignancy is None:  # below 3 mm: a point, no ratings
        i, j, k = (round(value) for value in one.ball.voxel)
        return _tagged("unblindedReadNodule", f"<noduleID>{name}</noduleID>{_roi(spec, k, [(i, j)], True, with_uids)}")
    rated = "".join(f"<{each}>{1 if each == 'internalStructure' else 4}</{each}>" for each in RATED)
    rated += f"<malignancy>{one.malignancy}</malignancy>"
    rois = ""
    for k in range(SIZE_XYZ[2]):
        for grown, included in ((one.grown_px, True), (one.hole_px - 99 if not one.hole_px else one.hole_px, False)):
            pixels = _ring(one.ball, k, grown if included else grown - one.ball.diameter_mm / 2 / SPACING_MM[0])
            rois += _roi(spec, k, pixels, included, with_uids) if pixels else ""
    return _tagged(
        "unblindedReadNodule", f"<noduleID>{name}</noduleID><characteristics>{rated}</characteristics>{rois}"
    )


def _ring(ball: Ball, k: int, grown_px: float) -> list[tuple[int, int]]:
    """Return the first pixels outside of a ball's disc in a slice, all round, as the readers' tool drew them."""
    z_mm = (k - ball.voxel[2]) * SPACING_MM[2]
    square = (ball.diameter_mm / 2) ** 2 - z_mm**2
    radius_px = (square**0.5 if square > 0 else -1.0) / SPACING_MM[0] + grown_px
    if square <= 0 or radius_px <= 0.5:
        return []
    i, j = np.indices(SIZE_XYZ[:2])
    disc = np.hypot(i - ball.voxel[0], j - ball.voxel[1]) <= radius_px
    near = np.zeros_like(disc)
    for step in (-1, 1):
        for axis in (0, 1):
            near |= np.roll(disc, step, axis)
    around = np.argwhere(near & ~disc)
    turn = np.arctan2(around[:, 1] - ball.voxel[1], around[:, 0] - ball.voxel[0])
    return [(int(a), int(b)) for a, b in around[np.argsort(turn)]]


def _roi(spec: SeriesSpec, k: int, pixels: Sequence[tuple[int, int]], included: bool, with_uids: bool) -> str:
    uid = f"{spec.series_uid}.{k + 1}" if with_uids else ""
    edges = "".join(f"<edgeMap><xCoord>{i}</xCoord><yCoord>{j}</yCoord></edgeMap>" for i, j in pixels)
    z_mm = f"{spec.position(k)[2]:.6f}"
    head = f"<imageZposition>{z_mm} </imageZposition><imageSOP_UID>{uid}</imageSOP_UID>"
    return _tagged("roi", f"{head}<inclusion>{str(included).upper()}</inclusion>{edges}")


def _tagged(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"
