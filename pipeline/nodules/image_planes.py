"""Where the images of a scan lie: what turns a mark on an image (column, row) into LPS millimetres."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nodulus.transforms.dicom.elements import read_elements
from nodulus.transforms.dicom.enhanced_frames import frame_headers, is_multi_frame
from nodulus.transforms.dicom.errors import DicomError
from nodulus.transforms.dicom.slice_header import SliceHeader, read_slice_header
from nodulus.transforms.gate.verdict import Gate
from nodulus.transforms.geometry import Points
from nodulus.transforms.problems import InputRefusedError
from nodulus.transforms.sources.byte_sources import ByteSource, FileSource, folder_sources
from nodulus.transforms.sources.zip_sources import zip_sources

from .nodule import is_length

_SOP_INSTANCE_UID = 0x00080018


@dataclass(frozen=True, eq=False)
class ImagePlane:
    """One image: its first pixel's centre, the steps (2, 3) from one column and from one row to the next, its UIDs."""

    origin_lps_mm: Points
    steps_lps_mm: Points
    series_uid: str
    frame_of_reference_uid: str

    def lps_of(self, columns_rows: Points) -> Points:
        """Return the LPS positions (n, 3) in mm of image positions (n, 2) as DICOM counts them.

        The upper left corner of the first pixel is (0, 0), its centre (0.5, 0.5) (PS3.3 C.18.6.1.2).
        """
        return np.asarray(self.origin_lps_mm + (columns_rows - 0.5) @ self.steps_lps_mm)


def planes_of_images(scan: Path, wanted: Collection[str]) -> dict[tuple[str, int], ImagePlane]:
    """Return the planes of those images that a DICOM scan holds, by SOPInstanceUID and frame (from 1)."""
    found: dict[tuple[str, int], ImagePlane] = {}
    missing = set(wanted)
    for source in _sources(scan):
        if not missing:
            break
        try:
            elements = read_elements(source, {_SOP_INSTANCE_UID})
            uid = elements.values.get(_SOP_INSTANCE_UID, b"").decode("ascii", "replace").strip("\0 ")
            if uid in missing:
                missing.remove(uid)
                header = read_slice_header(source)
                frames = frame_headers(header) if is_multi_frame(header) else [header]
                planes = ((n, plane) for n, one in enumerate(frames, 1) if (plane := _plane(one)) is not None)
                found |= {(uid, n): plane for n, plane in planes}
        except (DicomError, OSError):
            continue  # no image, or one that the series gate judges
    return found


def _sources(scan: Path) -> Iterator[ByteSource]:
    try:
        if scan.is_dir():
            yield from folder_sources(scan, Gate())
        elif zipfile.is_zipfile(scan):
            yield from zip_sources(scan, Gate())
        elif scan.is_file():
            yield FileSource(scan, scan.name, scan.stat().st_size)
    except (InputRefusedError, OSError):
        return  # the series gate refuses the scan, and says why


def _plane(header: SliceHeader) -> ImagePlane | None:
    cosines, position, spacing = header.orientation_lps, header.position_lps_mm, header.spacing_rows_columns_mm
    if cosines is None or position is None or spacing is None:
        return None
    if not all(map(is_length, (*cosines, *position, *spacing))):
        return None
    # PixelSpacing: between rows first, then between columns (PS3.3 10.7.1.3).
    steps = np.array([np.array(cosines[:3]) * spacing[1], np.array(cosines[3:]) * spacing[0]])
    return ImagePlane(np.array(position), steps, header.series_uid, header.frame_of_reference_uid)
