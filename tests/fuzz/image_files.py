"""NIfTI, MetaImage and NRRD: damaged headers, damaged streams, and headers damaged below a sound stream."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.support.image_phantom import phantom_hu, write_itk, write_nifti

from . import damage
from .scans import is_same_scan, other_scan, other_values, read_scan
from .subject import Family, Found, Subject, in_file

_NIFTI_HEADER = 352
_SIZE = (16, 18, 12)


def _subjects(folder: Path) -> list[Subject]:
    return image_subjects(folder, read_scan, is_same_scan, other_scan, other_values)


def image_subjects(
    folder: Path,
    read: Callable[[Path], Found],
    is_same: Callable[[Found, Found], bool],
    under_checksum: Callable[[Found, Found], str],
    in_header: Callable[[Found, Found], str],
) -> list[Subject]:
    """Return the subjects of every format; gzip's checksum covers all, a header is only as good as it says."""
    hu = phantom_hu(_SIZE)
    plain = write_nifti(folder / "plain.nii", hu)
    zipped = write_nifti(folder / "zipped.nii.gz", hu)
    text = [write_itk(folder / name, hu, is_compressed=False) for name in ("plain.mha", "plain.nrrd")]
    text += [write_itk(folder / f"zipped{end}", hu, is_compressed=True) for end in (".mha", ".nrrd")]
    pair = write_itk(folder / "pair.mhd", hu)
    headers = [(path, _text_header) for path in (*text, pair)] + [(plain, _nifti_header)]
    whole = [(path, damage.of_bytes) for path in (plain, text[0], text[1])]
    subjects = [
        Subject(
            f"{path.name} {damaging.__name__.strip('_')}",
            path.read_bytes(),
            damaging,
            in_file(path, read),
            is_same,
            in_header,
        )
        for path, damaging in (*headers, *whole)
    ]
    content = zipped.read_bytes()
    subjects.append(Subject("gzip stream", content, damage.of_bytes, in_file(zipped, read), is_same, under_checksum))
    return [*subjects, Subject("below gzip", content, _below_gzip, in_file(zipped, read), is_same, in_header)]


def _nifti_header(data: bytes, chance: Random) -> bytes:
    return damage.of_bytes(data, chance, (0, _NIFTI_HEADER))


def _below_gzip(data: bytes, chance: Random) -> bytes:
    return gzip.compress(_nifti_header(gzip.decompress(data), chance), 1)


def _text_header(data: bytes, chance: Random) -> bytes:
    """Return a file with its lines of text damaged, and what follows them as it was."""
    ends = (data.find(end) + len(end) for end in (b"\n\n", b"LOCAL\n") if end in data[:4000])
    end = min(ends, default=len(data))
    return damage.of_text(data[:end], chance) + data[end:]


IMAGES = Family("NIfTI, MHA, NRRD", 150, _subjects)
