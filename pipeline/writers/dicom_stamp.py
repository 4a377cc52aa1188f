"""When a written object says it was made: when its run says that it was, to the second."""

from __future__ import annotations

from datetime import datetime

from pydicom.dataset import Dataset

from nodulus.pipeline.results.record import Results


def made_at(run: Results) -> datetime:
    """Return the time of a run on this machine's clock, as DICOM's dates and times are read."""
    return datetime.fromisoformat(run.created).astimezone().replace(microsecond=0)


def stamp(written: Dataset, run: Results) -> None:
    """Put the time of a run where the library puts the present one: objects of a run are then equal, byte for byte."""
    made = made_at(run)
    date, time = made.strftime("%Y%m%d"), made.strftime("%H%M%S")
    written.InstanceCreationDate, written.InstanceCreationTime = date, time
    for equipment in written.get("ContributingEquipmentSequence", ()):
        equipment.ContributionDateTime = date + time
    if "DateOfSecondaryCapture" in written:
        written.DateOfSecondaryCapture, written.TimeOfSecondaryCapture = date, time
