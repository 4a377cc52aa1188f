"""LIDC-IDRI's XML (LidcReadMessage): what each reader drew of each nodule, and how it was rated."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nodulus.pipeline.nodules.nodule_file import read_bounded
from nodulus.pipeline.readout.characteristics import CHARACTERISTICS
from nodulus.transforms.problems import UsageError

# The largest of the collection has some 3 MB.
_MOST_BYTES = 1 << 26
_ROOT = "LidcReadMessage"
_SERIES = ("SeriesInstanceUid", "SeriesInstanceUID")  # both are in the collection
_MALIGNANCY, _NAMES = "malignancy", {"internal_structure": "internalStructure"}


@dataclass(frozen=True, eq=False)
class Contour:
    """What a reader drew in one slice.

    Args:
        z_mm: imageZposition of the slice.
        sop_instance_uid: of the slice; empty where the file does not say.
        is_hole: whether the area within is no part of the nodule (inclusion FALSE).
        pixels: (n, 2), column and row from 0: the first pixels outside of the nodule, all round.
    """

    z_mm: float
    sop_instance_uid: str
    is_hole: bool
    pixels: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Mark:
    """A nodule of 3 mm or more as one reader outlined and rated it.

    Args:
        reader: number of the reading session in the file, from 0; the readers of two files are not the same.
        name: noduleID, which says nothing to other readers.
        contours: at least one.
        malignancy: 1 to 5.
        characteristics: by our names.
    """

    reader: int
    name: str
    contours: tuple[Contour, ...]
    malignancy: int
    characteristics: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Reading:
    """The marks of a file and the CT series that they are of."""

    series_uid: str
    marks: tuple[Mark, ...]


def read_lidc_xml(path: Path) -> Reading | None:
    """Return the readings of a file; None where it is no LidcReadMessage, as the collection's chest radiographs'.

    Nodules below 3 mm, which have a point and no ratings, and what is no nodule (nonNodule) are passed over.

    Raises:
        UsageError: it is no XML, or lacks what a reading must have.
    """
    content = read_bounded(path, _MOST_BYTES)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise UsageError(f"Expected XML without declarations of its own, got a DOCTYPE in {path}")
    try:
        root = ET.fromstring(content)
    except ET.ParseError as error:
        raise UsageError(f"Expected XML, got {error} in {path}") from error
    _drop_namespaces(root)
    if root.tag != _ROOT:
        return None
    header = root.find("ResponseHeader")
    found = [] if header is None else [header.findtext(name, "").strip() for name in _SERIES]
    series_uid = next(filter(None, found), "")
    if not series_uid:
        raise UsageError(f"Expected SeriesInstanceUid in the ResponseHeader of {path}, got none")
    try:
        return Reading(series_uid, tuple(_marks(root)))
    except (ValueError, KeyError) as error:
        raise UsageError(f"Expected readers' nodules, got {error} in {path}") from error


def _drop_namespaces(root: ET.Element) -> None:
    """Take the namespace (http://www.nih.gov) off all names: not every copy of the files has it."""
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]


def _marks(root: ET.Element) -> Iterator[Mark]:
    for reader, session in enumerate(root.findall("readingSession")):
        for nodule in session.findall("unblindedReadNodule"):
            rated = nodule.find("characteristics")
            malignancy = "" if rated is None else rated.findtext(_MALIGNANCY, "").strip()
            contours = tuple(_contours(nodule))
            # A nodule below 3 mm has no ratings, or in some files empty ones, and one point.
            if rated is None or not malignancy or not any(len(each.pixels) > 1 for each in contours):
                continue
            values = {name: rated.findtext(_NAMES.get(name, name), "").strip() for name in CHARACTERISTICS}
            characteristics = {name: int(text) for name, text in values.items() if text}
            yield Mark(reader, nodule.findtext("noduleID", "").strip(), contours, int(malignancy), characteristics)


def _contours(nodule: ET.Element) -> Iterator[Contour]:
    for roi in nodule.findall("roi"):
        points = [
            (int(edge.findtext("xCoord", "")), int(edge.findtext("yCoord", ""))) for edge in roi.findall("edgeMap")
        ]
        yield Contour(
            z_mm=float(roi.findtext("imageZposition", "")),
            sop_instance_uid=roi.findtext("imageSOP_UID", "").strip(),
            is_hole=roi.findtext("inclusion", "TRUE").strip().upper() == "FALSE",
            pixels=np.asarray(points, dtype=np.int64).reshape(-1, 2),
        )
