"""UIDs and tags stand once, and are those of the standard."""

from __future__ import annotations

import re
from pathlib import Path

import pydicom.uid
import pytest
from pydicom.datadict import tag_for_keyword

import nodulus.transforms
from nodulus.transforms.dicom import sop_classes, tags, transfer_syntaxes

ROOT = Path(nodulus.transforms.__file__).parent
SYNTAXES = {
    "IMPLICIT_LITTLE": pydicom.uid.ImplicitVRLittleEndian,
    "EXPLICIT_LITTLE": pydicom.uid.ExplicitVRLittleEndian,
    "DEFLATED_LITTLE": pydicom.uid.DeflatedExplicitVRLittleEndian,
    "EXPLICIT_BIG": pydicom.uid.ExplicitVRBigEndian,
    "JPEG_BASELINE": pydicom.uid.JPEGBaseline8Bit,
    "JPEG_EXTENDED": pydicom.uid.JPEGExtended12Bit,
    "JPEG_LOSSLESS": pydicom.uid.JPEGLossless,
    "JPEG_LOSSLESS_SV1": pydicom.uid.JPEGLosslessSV1,
    "JPEG_LS_LOSSLESS": pydicom.uid.JPEGLSLossless,
    "JPEG_LS_NEAR_LOSSLESS": pydicom.uid.JPEGLSNearLossless,
    "JPEG_2000_LOSSLESS": pydicom.uid.JPEG2000Lossless,
    "JPEG_2000": pydicom.uid.JPEG2000,
    "RLE_LOSSLESS": pydicom.uid.RLELossless,
}
CLASSES = {
    "CT_IMAGE": pydicom.uid.CTImageStorage,
    "ENHANCED_CT_IMAGE": pydicom.uid.EnhancedCTImageStorage,
    "LEGACY_CONVERTED_ENHANCED_CT_IMAGE": pydicom.uid.LegacyConvertedEnhancedCTImageStorage,
    "MEDIA_STORAGE_DIRECTORY": pydicom.uid.MediaStorageDirectoryStorage,
}


@pytest.mark.parametrize(("module", "names"), [(transfer_syntaxes, SYNTAXES), (sop_classes, CLASSES)])
def test_uids_are_those_of_the_standard(module: object, names: dict[str, str]) -> None:
    assert {name: value for name, value in vars(module).items() if isinstance(value, str) and name in names} == names
    assert {name for name, value in vars(module).items() if isinstance(value, str) and name.isupper()} == set(names)


def test_every_syntax_is_raw_or_compressed_and_lossy_as_the_standard_says() -> None:
    known = {pydicom.uid.UID(uid) for uid in SYNTAXES.values()}
    assert {uid for uid in known if uid.is_compressed and not uid.is_deflated} == transfer_syntaxes.COMPRESSED
    assert known - transfer_syntaxes.COMPRESSED == transfer_syntaxes.RAW
    assert transfer_syntaxes.LOSSY | transfer_syntaxes.LOSSY_OR_LOSSLESS < transfer_syntaxes.COMPRESSED


def test_tags_are_those_of_the_standard() -> None:
    ours = {name: value for name, value in vars(tags).items() if name.isupper() and isinstance(value, int)}
    theirs = {keyword.upper(): keyword for keyword in pydicom.datadict.keyword_dict}
    assert len(ours) > 40
    for name, tag in ours.items():
        assert tag == tag_for_keyword(theirs[name.replace("_", "")]), name


@pytest.mark.parametrize(
    ("pattern", "homes"),
    [
        (r"1\.2\.840\.10008", {"dicom/transfer_syntaxes.py", "dicom/sop_classes.py"}),
        (r"0x[0-9A-Fa-f]{8}\b", {"dicom/tags.py", "dicom/walk.py"}),  # the walk has the length that is undefined
        (r"-1000(\.0)?\b(?! HU)", {"volume.py"}),
        (r"x1f\\x8b", {"sources/signatures.py"}),
        (r'b"n[i+][12]', {"sources/signatures.py"}),
        (r'"\.nii', {"sources/signatures.py"}),
    ],
)
def test_what_is_known_stands_in_one_place(pattern: str, homes: set[str]) -> None:
    found = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if re.search(pattern, path.read_text())}
    assert found == homes
