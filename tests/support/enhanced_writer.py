"""Writes an enhanced (multi-frame) CT of the slices of a series."""

from __future__ import annotations

from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, JPEGLSLossless

ENHANCED_CT = UID("1.2.840.10008.5.1.4.1.1.2.1")


def item(**values: object) -> list[Dataset]:
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return [ds]


def enhanced(slices: list[Dataset], compressed: bool = False) -> Dataset:
    """Return one multi-frame dataset of slices; spacing and orientation are shared, the rest each frame's own."""
    ds = slices[0]
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = ENHANCED_CT
    ds.NumberOfFrames = len(slices)
    shared, frames = Dataset(), []
    shared.PixelMeasuresSequence = item(PixelSpacing=ds.PixelSpacing, SliceThickness=ds.SliceThickness)
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=ds.ImageOrientationPatient)
    for number, one in enumerate(slices):
        frame = Dataset()
        frame.PlanePositionSequence = item(ImagePositionPatient=one.ImagePositionPatient)
        frame.PixelValueTransformationSequence = item(
            RescaleSlope=one.RescaleSlope, RescaleIntercept=one.RescaleIntercept, RescaleType="HU"
        )
        frame.FrameContentSequence = item(
            FrameAcquisitionNumber=1, TemporalPositionIndex=1, InStackPositionNumber=number
        )
        frames.append(frame)
    ds.SharedFunctionalGroupsSequence, ds.PerFrameFunctionalGroupsSequence = [shared], frames
    if compressed:
        ds.file_meta.TransferSyntaxUID = JPEGLSLossless
        ds.PixelData = encapsulate([next(generate_frames(one.PixelData, number_of_frames=1)) for one in slices])
        ds["PixelData"].is_undefined_length = True
    else:
        ds.PixelData = b"".join(one.PixelData for one in slices)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(ds, keyword)
    for keyword in ("RescaleSlope", "RescaleIntercept", "RescaleType"):
        delattr(ds, keyword)
    return ds
