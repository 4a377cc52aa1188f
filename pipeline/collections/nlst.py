"""Tables in the manner of the National Lung Screening Trial: its names for columns, joined with where a nodule is.

NLST's own table of abnormalities (sct_abnormalities: pid, study_yr, sct_ab_num, sct_slice_num, sct_long_dia, ...) tells
the slice of a nodule and not where in it; whoever marked the nodules adds the series, column and row, and a label.
"""

from __future__ import annotations

from .table import Columns

LAYOUT = Columns(
    patient="pid",
    image="SeriesInstanceUID",
    x="x",
    y="y",
    z="sct_slice_num",
    position="instance",
    nodule="pid+study_yr+sct_ab_num",
    diameter="sct_long_dia",
    label="label",
)
HEAD = {
    "name": "nodules of the National Lung Screening Trial",
    "label_meaning": "the table's column label: NLST itself confirms cancer of a patient, not of a nodule",
    "licence": "NLST's terms of use",
}
