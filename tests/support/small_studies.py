"""Many small chest studies with one marked nodule each: a few slices of the phantom under UIDs of their own."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread

from tests.support.marked_study import CENTER_LPS_MM, write_marks

ROOT_UID = "1.2.826.0.1.3680043.8.498.77"


@dataclass(frozen=True, eq=False)
class SmallStudy:
    """A study: its images in the order of their places, and the object that marks its nodule."""

    number: int
    images: list[Dataset]
    marks: Dataset

    @property
    def study_uid(self) -> str:
        return str(self.marks.StudyInstanceUID)

    @property
    def series_uid(self) -> str:
        return str(self.images[0].SeriesInstanceUID)

    @property
    def objects(self) -> list[Dataset]:
        return [*self.images, self.marks]


def template(dicom_folder: Path, folder: Path, n_slices: int = 12, kind: str = "SR") -> SmallStudy:
    """Return the study of the phantom's slices about its nodule; others are made of it."""
    paths = sorted(dicom_folder.glob("*.dcm"))
    slices = {path: float(dcmread(path).ImagePositionPatient[2]) for path in paths}
    near = sorted(
        sorted(paths, key=lambda path: abs(slices[path] - CENTER_LPS_MM[2]))[:n_slices], key=slices.__getitem__
    )
    place = folder / "template"
    place.mkdir(parents=True)
    for path in near:
        (place / path.name).write_bytes(path.read_bytes())
    marks = dcmread(write_marks(kind, place, folder / "marks.dcm"))
    return SmallStudy(0, [dcmread(path) for path in near], marks)


def numbered(model: SmallStudy, number: int, edit: Callable[[Dataset], None] = lambda image: None) -> SmallStudy:
    """Return the study of a number: the same voxels, and UIDs that no other number has. Images may be edited."""
    names = {uid: f"{ROOT_UID}.{number}.{index}" for index, uid in enumerate(_uids(model), 1)}
    objects = [_renamed(one, names) for one in model.objects]
    for image in objects[:-1]:
        edit(image)
    return SmallStudy(number, objects[:-1], objects[-1])


def _uids(model: SmallStudy) -> list[str]:
    own = [str(one.SOPInstanceUID) for one in model.objects]
    shared = [
        model.study_uid,
        model.series_uid,
        str(model.images[0].FrameOfReferenceUID),
        str(model.marks.SeriesInstanceUID),
    ]
    return [*own, *shared]


def _renamed(one: Dataset, names: dict[str, str]) -> Dataset:
    copy = deepcopy(one)
    copy.walk(lambda parent, element: _rename(element, names))
    copy.file_meta.MediaStorageSOPInstanceUID = copy.SOPInstanceUID
    return copy


def _rename(element: object, names: dict[str, str]) -> None:
    if getattr(element, "VR", "") == "UI" and (new := names.get(str(getattr(element, "value", "")))) is not None:
        element.value = new  # type: ignore[attr-defined]
