"""Series of an archive as files of a folder; what is there already does not come again."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from pydicom.dataset import Dataset

from nodulus.pipeline.file_names import file_names
from nodulus.pipeline.files import replacing_file

from .archive import Archive
from .errors import ArchiveError


def fetch_series(archive: Archive, study_uid: str, series_uid: str, folder: Path) -> list[Path]:
    """Return the files of a series in a folder, each whole; those that are missing are fetched.

    Raises:
        ArchiveError: not all came. What did stays, and the next call fetches the rest.
    """
    names = _names(archive.images_of(study_uid, series_uid))
    missing = {uid: path for uid, name in names.items() if not (path := folder / name).is_file()}
    if len(missing) == len(names):
        _write(archive.whole_series(study_uid, series_uid), missing)
    else:
        _write((archive.one(study_uid, series_uid, uid) for uid in missing), missing)
    if lost := [uid for uid, path in missing.items() if not path.is_file()]:
        got = f"{len(names) - len(lost)} (the same command fetches the rest)"
        raise ArchiveError(f"Expected {len(names)} objects of series {series_uid} from {archive.url}, got {got}")
    return [folder / name for name in names.values()]


def _names(sop_uids: Iterable[str]) -> dict[str, str]:
    uids = sorted(set(sop_uids))
    return dict(zip(uids, file_names(uids, ".dcm", "object"), strict=True))


def _write(objects: Iterable[Dataset], paths: dict[str, Path]) -> None:
    for one in objects:
        path = paths.get(str(one.SOPInstanceUID))
        if path is not None:
            with replacing_file(path) as temporary, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what is odd in the archive stays as it is
                one.save_as(temporary, enforce_file_format=True)
