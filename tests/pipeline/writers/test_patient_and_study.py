"""Who was scanned is taken over from the header: kept where it identifies, empty where it is malformed."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from nodulus.pipeline.writers.patient_and_study import patient_and_study

pytestmark = pytest.mark.filterwarnings("ignore:The value length", "ignore:Invalid value")


def header(**values: str) -> Dataset:
    found = Dataset()
    found.StudyInstanceUID = "1.2.3"
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return found


def test_required_elements_are_there_and_empty_where_the_header_is_silent() -> None:
    taken = patient_and_study(header())
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "AccessionNumber"):
        assert keyword in taken
        assert not taken[keyword].value
    assert "PatientAge" not in taken


def test_names_of_other_alphabets_become_utf_8() -> None:
    given = header(SpecificCharacterSet="ISO_IR 101", PatientName="Żółć^Łucja")
    given["PatientName"].value = given.PatientName
    taken = patient_and_study(given)
    assert (taken.SpecificCharacterSet, str(taken.PatientName)) == ("ISO_IR 192", "Żółć^Łucja")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("PatientBirthDate", "1950"), ("PatientSex", "X"), ("StudyTime", "noon"), ("StudyID", "s" * 30)],
)
def test_a_malformed_value_is_left_out(keyword: str, value: str) -> None:
    assert not patient_and_study(header(**{keyword: value}))[keyword].value


def test_what_identifies_is_kept_as_it_is() -> None:
    taken = patient_and_study(header(PatientID="x" * 70, StudyInstanceUID="1.2.03"))
    assert (taken.PatientID, taken.StudyInstanceUID) == ("x" * 70, "1.2.03")


@pytest.mark.parametrize(("method", "is_said"), [("by hand", True), ("", False)])
def test_a_removed_identity_is_told_with_its_method(method: str, is_said: bool) -> None:
    taken = patient_and_study(header(PatientIdentityRemoved="YES", DeidentificationMethod=method))
    assert ("PatientIdentityRemoved" in taken) == is_said
