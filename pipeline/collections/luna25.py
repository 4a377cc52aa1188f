"""LUNA25's public training set: its CSV, and a folder with an MHA a series.

Columns as published: PatientID, SeriesInstanceUID, StudyDate, CoordX, CoordY, CoordZ (LPS mm), LesionID, AnnotationID,
NoduleID, label, Age_at_StudyDate, Gender. The table states no diameter.
"""

from __future__ import annotations

from .table import Columns

LAYOUT = Columns(
    patient="PatientID",
    image="SeriesInstanceUID",
    x="CoordX",
    y="CoordY",
    z="CoordZ",
    nodule="AnnotationID",
    diameter=None,
    label="label",
    notes={
        "study_date": "StudyDate",
        "lesion": "NoduleID",
        "patient_age": "Age_at_StudyDate",
        "patient_sex": "Gender",
        "series_uid": "SeriesInstanceUID",
    },
)
HEAD = {
    "name": "LUNA25 nodules",
    "label_meaning": "LUNA25's label of the nodule, from the screening trial's (NLST) follow-up",
    "licence": "as LUNA25 states it, with NLST's terms",
}
