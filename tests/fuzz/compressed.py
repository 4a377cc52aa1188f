"""Compressed pixels: the stream of one slice of a series is damaged, in every codec; made here, and real ones."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import numpy as np
import pydicom
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless, RLELossless

from tests.support.dicom_series_writer import SeriesSpec, linear_hu, write_slices
from tests.support.gdcm_writer import compress_by_gdcm

from . import damage
from .scans import is_same_scan, other_beside, read_scan
from .subject import Family, Subject

_BY_PYDICOM = {"JPEG-LS": JPEGLSLossless, "JPEG 2000": JPEG2000Lossless, "RLE": RLELossless}
_BY_GDCM = ("JPEGLosslessProcess14", "JPEGLosslessProcess14_1")
_PIXELS = b"\xe0\x7f\x10\x00"
_DAMAGED_K = 2


def _made(folder: Path) -> list[Subject]:
    noise = np.random.default_rng(0)
    spec = SeriesSpec(
        columns=48,
        rows=40,
        spacing_rows_columns_mm=(0.3, 0.25),
        field_hu=lambda points: linear_hu(points) + noise.normal(0, 20, points.shape[:2]),
    )
    folders = []
    for name in (*_BY_PYDICOM, *_BY_GDCM):
        slices = spec.slices()
        for ds in slices if name in _BY_PYDICOM else ():
            ds.compress(_BY_PYDICOM[name], generate_instance_uid=False)
        folders.append(write_slices(slices, folder / name))
        if name in _BY_GDCM:
            compress_by_gdcm(folders[-1], name)
    return [_subject(one) for one in folders]


def _real(folder: Path) -> list[Subject]:
    """Return series of copies of each real sample, each a step further."""
    samples = Path(os.environ.get("NODULUS_DATA") or Path(__file__).parents[3] / "shared" / "data") / "dicom_codecs"
    subjects = []
    for path in sorted(samples.glob("*.dcm")):
        (folder / path.stem).mkdir()
        for k in range(3):
            ds = pydicom.dcmread(path)
            x, y, z = ds.ImagePositionPatient
            ds.ImagePositionPatient, ds.InstanceNumber = [x, y, z + 2 * k], k + 1
            ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(f"2.25.{k + 1}")
            ds.SliceLocation = None
            ds.save_as(folder / path.stem / f"{k:04d}.dcm")
        subjects.append(_subject(folder / path.stem, 1))
    return subjects


def _subject(folder: Path, k: int = _DAMAGED_K) -> Subject:
    path = folder / f"{k:04d}.dcm"
    sound = path.read_bytes()
    pixels = sound.rindex(_PIXELS)

    def damaged(data: bytes, chance: Random) -> bytes:
        # Where a stream begins, one byte changes what all others mean.
        stop = chance.choice((pixels + 300, len(data)))
        return damage.of_bytes(data, chance, (pixels, stop))

    def read(content: bytes) -> object:
        path.write_bytes(content)
        return read_scan(folder)

    return Subject(folder.name, sound, damaged, read, is_same_scan, other_beside(k))


STREAMS = Family("compressed pixels", 170, _made)
REAL_STREAMS = Family("real compressed pixels", 30, _real)
